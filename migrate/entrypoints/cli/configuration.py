"""Which configuration file counts, and what ``translate`` takes from it: a flag that was typed wins over it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from migrate.config import checked
from migrate.errors import Failure
from translators.settings import Limits
from translators.world import AddressPlan

__all__ = ["Configuration", "configuration", "found_file", "read_bytes"]


PATHS = (
    ("calico", "policies"),
    ("cilium", "chart"),
    ("cilium", "values"),
    ("nodes", "inventory"),
    ("nodes", "knownHosts"),
)
NO_PATHS = frozenset({"cluster", "-"})


@dataclass(frozen=True, slots=True)
class Configuration:
    """The values of the one file that counts, and its name; empty without a file."""

    values: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""

    def section(self, name: str) -> Mapping[str, Any]:
        """Give a section; empty where it is not written."""
        found = self.values.get(name)
        return found if isinstance(found, Mapping) else {}

    @property
    def plan(self) -> AddressPlan | None:
        """Give the address plan; None where nothing is said of addresses."""
        block = self.section("addresses")
        if not any(block.values()):
            return None
        plan = AddressPlan.of(block)
        return plan.renumbered(self.section("cilium").get("podCIDRs") or ())

    @property
    def accepted(self) -> tuple[str, ...]:
        """Give the acceptances that hold today, in UTC, as ``--accept`` would have them."""
        return tuple(_as_typed(item) for item in self._acceptances() if not _is_over(item))

    @property
    def expired(self) -> tuple[str, ...]:
        """Give what was accepted until a day that has passed, in words."""
        return tuple(
            f"{item.get('id', '')} {item.get('object') or ''}".strip() + f", until {item['until']}"
            for item in self._acceptances()
            if _is_over(item)
        )

    def _acceptances(self) -> Sequence[Mapping[str, Any]]:
        return self.section("translate").get("accept") or ()

    def options(self) -> dict[str, Any]:
        """Give the translator's settings that the file states, by their names in ``Options``."""
        said = self.section("translate")
        names = {
            "explicitDenies": "explicit_denies",
            "dropEncapsulation": "drop_encapsulation",
            "http": "http",
            "approximate": "approximate",
        }
        found = {name: said[key] for key, name in names.items() if key in said}
        if limits := said.get("limits"):
            found["limits"] = Limits(**{"pass_" if k == "pass" else k: v for k, v in limits.items()})
        return found


def _as_typed(item: Mapping[str, Any]) -> str:
    place = f":{item['object']}" if item.get("object") else ""
    told = [str(item["by"])] if item.get("by") else []
    told += [f"until {item['until']}"] if item.get("until") else []
    behind = f" ({', '.join(told)})" if told else ""
    return f"{item.get('id', '')}{place}={item.get('reason') or 'no reason given'}{behind}"


def _is_over(item: Mapping[str, Any]) -> bool:
    """Say whether its last day has passed; raises ``Failure`` for what is no day."""
    until = str(item.get("until") or "")
    if not until:
        return False
    try:
        return date.fromisoformat(until) < datetime.now(UTC).date()
    except ValueError as error:
        what = f"translate.accept: until is {until!r}, which is no day"
        raise Failure(what, fix="write it as 2027-03-01") from error


def configuration(path: str | None) -> Configuration:
    """Read the file that counts; raises ``Failure`` with its first mistake."""
    name = found_file(path)
    if name is None:
        return Configuration()
    values, problems = checked(name, read_bytes(name))
    if problems:
        first, more = problems[0], len(problems) - 1
        also = f" ({more} more: c2c config validate)" if more else ""
        raise Failure(f"{first.span}: {first.what}{also}", fix=first.fix)
    return Configuration(_placed(values, Path(name).parent), name)


def _placed(values: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Give the values with the paths in them from here; in the file they are from the file's own folder."""
    found = dict(values)
    for section, key in PATHS:
        said = found.get(section)
        if not isinstance(said, Mapping) or not said.get(key):
            continue
        found[section] = {**said, key: _from_here(said[key], folder)}
    if isinstance(nodes := found.get("nodes"), Mapping):
        found["nodes"] = {**nodes, **_programs(nodes, folder)}
    return found


def _programs(nodes: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    placed: dict[str, Any] = {}
    if nodes.get("hooks"):
        placed["hooks"] = [{**hook, "command": _program(hook["command"], folder)} for hook in nodes["hooks"]]
    if nodes.get("replace"):
        placed["replace"] = {"command": _program(nodes["replace"]["command"], folder)}
    return placed


def _program(command: Sequence[str], folder: Path) -> list[str]:
    """Give a command whose program is a path from here; one that is a mere name is looked for in PATH."""
    name, *arguments = command
    if "/" in name:
        name = str(folder / name)
        name = name if "/" in name else f"./{name}"  # without it, it would be looked for in PATH
    return [name, *arguments]


def _from_here(said: Any, folder: Path) -> Any:  # noqa: ANN401  # a path, a list of them, or what is none
    if isinstance(said, list | tuple):
        return [_from_here(one, folder) for one in said]
    if not isinstance(said, str) or said in NO_PATHS or "://" in said:
        return said
    return str(folder / said)


def found_file(path: str | None) -> str | None:
    """Give the file named by flag or environment, else ``./c2c.yaml``, else the user's own; never two merged."""
    named = path or os.environ.get("C2C_CONFIG")
    if named:
        return named
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    places = ("c2c.yaml", str(Path(home) / "c2c" / "config.yaml"))
    return next((place for place in places if Path(place).is_file()), None)


def read_bytes(name: str) -> bytes:
    """Read the file; raises ``Failure`` if it cannot be."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Failure(f"{name} cannot be read: {error.strerror}", fix="check the path") from error
