"""Read the small files that stand beside policies: an address plan, a ``cilium-config``; every mistake with its place.

They are YAML or JSON of one map, and are held to the same limits as policies: encoding, depth, aliases, double keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrate.errors import Failure
from translators.algebra.cidrs import parse_cidr
from translators.diagnostics import Diagnostic
from translators.settings import CiliumConfig, ConfigError
from translators.source import Document
from translators.span import Span
from translators.world import AddressPlan
from translators.yaml_reading import documents

__all__ = ["read_address_plan", "read_cilium_config"]

RANGES = ("pods", "nodes", "services", "apiServer")
NETWORK = "write networks as 10.244.0.0/16"
SHOWN = 60


@dataclass(frozen=True, slots=True)
class _Map:
    """The one map of a file, and where each of its values stands."""

    data: Mapping[str, Any]
    at: Callable[..., Span]


def read_address_plan(path: str) -> AddressPlan:
    """Read ``{pods: [...], nodes: [...], services: [...], apiServer: [...]}``, with or without ``addresses`` around.

    Beside that key ``cilium.podCIDRs`` may say which ranges pods get in Cilium. Raises ``Failure`` with the first
    mistake and its place.
    """
    found = _map_of(path)
    outer: tuple[str, ...] = ("addresses",) if "addresses" in found.data else ()
    block = found.data["addresses"] if outer else found.data
    if not isinstance(block, Mapping):
        raise Failure(f"{found.at(*outer)}: this is no address plan", fix="{pods: [10.244.0.0/16]}")
    for key, listed in block.items():
        if key not in RANGES:
            fix = f"the keys are {', '.join(RANGES)}"
            raise Failure(f"{found.at(*outer, key)}: {_short(key)} is no range of an address plan", fix=fix)
        if not isinstance(listed, list | None):
            raise Failure(f"{found.at(*outer, key)}: {key} is a list of networks", fix=NETWORK)
        for index, text in enumerate(listed or ()):
            _network(text, found.at(*outer, key, index))
    return AddressPlan.of(block).renumbered(_new_ranges(found) if outer else ())


def _new_ranges(found: _Map) -> Sequence[str]:
    """Read ``cilium.podCIDRs`` beside the plan."""
    cilium = found.data.get("cilium")
    listed = cilium.get("podCIDRs") if isinstance(cilium, Mapping) else None
    if not isinstance(listed, list | None) or not isinstance(cilium, Mapping | None):
        raise Failure(f"{found.at('cilium')}: cilium.podCIDRs is a list of networks", fix=NETWORK)
    for index, text in enumerate(listed or ()):
        _network(text, found.at("cilium", "podCIDRs", index))
    return listed or ()


def _network(text: object, place: Span) -> None:
    try:
        parse_cidr(text if isinstance(text, str) else "")
    except ValueError as error:
        raise Failure(f"{place}: {_short(text)} is no network", fix=NETWORK) from error


def read_cilium_config(path: str) -> CiliumConfig:
    """Read the ConfigMap ``cilium-config``, or its ``data`` alone; raises ``Failure`` with the mistake and its place."""
    found = _map_of(path)
    outer: tuple[str, ...] = ("data",) if "data" in found.data else ()
    data = found.data["data"] if outer else found.data
    if not isinstance(data, Mapping):
        raise Failure(
            f"{found.at(*outer)}: data is a map of texts", fix="kubectl get cm cilium-config -o yaml"
        )
    if odd := next((k for k, v in data.items() if outer and isinstance(v, dict | list)), None):
        raise Failure(f"{found.at(*outer, odd)}: {_short(odd)} is a text", fix="write the value in quotes")
    try:
        return CiliumConfig.from_map({key: _flat(value) for key, value in data.items()})
    except ConfigError as error:
        raise Failure(
            f"{found.at(*outer, error.key)}: {_short(error)}", fix="write it as the agent has it"
        ) from error


def _flat(value: object) -> str:
    """Give a value as the agent sees it: true and false are words there."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _map_of(path: str) -> _Map:
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}", fix="check the path") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Failure(f"{path}:{line}:1: this is not UTF-8", fix="save it as UTF-8") from error
    read = list(documents(path, text))
    if broken := next((item for item in read if isinstance(item, Diagnostic)), None):
        raise Failure(f"{broken.span}: {broken.code} {broken.message}", fix=broken.remedy)
    maps = [item for item in read if not isinstance(item, Diagnostic) and isinstance(item[0], dict)]
    if len(maps) != 1 or len(read) != 1:
        raise Failure(f"{path}:1:1: the file is not one map", fix="check the file")
    data, node = maps[0]
    return _Map(data, Document(data, Span(path, 1, 1), node).at)


def _short(value: object) -> str:
    """Give a value for a message: one line, and not without end."""
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
