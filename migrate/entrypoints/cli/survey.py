"""What preflight is asked about: a snapshot, the configuration, and the translation of the cluster's policies.

The snapshot's files are read twice, once for the translator and once for the model, and held by neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from migrate.adapters.files import load
from migrate.adapters.snapshots import LoadedSnapshot, read_snapshot
from migrate.engine.drafting import draft
from migrate.entrypoints.cli.configuration import Configuration
from migrate.entrypoints.cli.planned_policies import planned_policies
from migrate.errors import Failure
from migrate.model.draft import Stage
from migrate.model.settings import Settings
from migrate.preflight.considered import Given

__all__ = ["Survey", "survey"]

LIVE = "cluster"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was read, and what a draft is made from."""

    loaded: LoadedSnapshot
    given: Given


def survey(cluster: str, conf: Configuration, *, live: bool = False) -> Survey:
    """Read a snapshot and translate its policies, or those that the configuration names.

    ``live``: the snapshot is a dump that goes again, so the place of a policy is named without its folder.
    Raises ``Failure`` where a path cannot be read.
    """
    values, repeated = _values(conf)
    settings = Settings.from_mapping(conf.values, values)
    loaded = read_snapshot(cluster)
    final = draft(loaded.snapshot, settings).meant[Stage.FINAL]
    planned = planned_policies(load([cluster], LIVE if live else ""), loaded.snapshot, conf, final)
    return Survey(loaded, Given(settings, planned.policies, repeated_keys=repeated))


def _values(conf: Configuration) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Read the user's Helm values; give them, and the keys that stand twice, of which Helm takes the last in silence."""
    path = conf.section("cilium").get("values")
    if not path:
        return {}, ()
    try:
        text = Path(path).read_text(encoding="utf-8")
        data, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except (
        OSError,
        ValueError,
        RecursionError,
        yaml.YAMLError,
    ) as error:  # a number of 5,000 digits, endless depth
        raise Failure(
            f"{path} cannot be read: {error}", fix="check cilium.values in the configuration"
        ) from error
    if not isinstance(data, dict | None):
        raise Failure(f"{path} holds no map", fix="Helm values are a map")
    return data or {}, tuple(dict.fromkeys(_repeated(node, (), set())))


def _repeated(node: yaml.Node | None, path: tuple[str, ...], seen: set[int]) -> Iterator[str]:
    """Give the keys that stand twice in one map; what aliases name again is looked at once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            here = (*path, str(key.value))
            if key.value in keys:
                yield ".".join(here)
            keys.add(key.value)
            yield from _repeated(value, here, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item, path, seen)
