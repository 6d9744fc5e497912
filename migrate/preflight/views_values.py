"""What agents and operator will read in each stage: flags over environment over ``cilium-config``.

Rendered by the chart where one was at hand, else as the values are meant (``procedure.md`` §4.4); where a key is
absent, the default of that Cilium stands for it. CiliumNodeConfigs are asked for apart: they speak of single nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.engine.chart import agent_default
from migrate.model.draft import Stage
from migrate.model.fields import at, items, mapping, maps, text
from migrate.model.versions import Minor
from migrate.preflight.rule import Case

__all__ = ["Effective", "config_map_path", "departures", "effective", "is_on", "live_config", "node_configs"]

TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
"""What Go's ``strconv.ParseBool`` takes for true; Cilium takes everything else for false."""


def is_on(value: str) -> bool:
    """Say whether Cilium reads a text as true."""
    return value in TRUE


@dataclass(frozen=True, slots=True)
class Effective:
    """The keys of one stage; ``data`` holds those that are set, ``get`` falls back on Cilium's own default."""

    data: Mapping[str, str]
    minor: Minor

    def get(self, key: str) -> str:
        """Give the value that counts."""
        return self.data.get(key, agent_default(key, self.minor))

    def on(self, key: str) -> bool:
        """Say whether a switch counts as on."""
        return is_on(self.get(key))


def effective(case: Case, stage: Stage, *, operator: bool = False) -> Effective:
    """Give what the agents of a stage read, or its operator."""
    draft = case.draft
    if draft.rendered is not None and stage in draft.rendered:
        config = dict(draft.rendered[stage].config)
    else:
        config = {key: value for key, value in draft.meant.get(stage, {}).items() if value is not None}
    values: Mapping[str, Any] = draft.values.get(stage, {})
    above = mapping(values, "operator") if operator else values
    return Effective({**config, **_environment(above), **_flags(above)}, draft.settings.cilium.minor)


def _environment(values: Mapping[str, Any]) -> dict[str, str]:
    """Give the keys that ``extraEnv`` sets: ``CILIUM_ENABLE_POLICY`` is ``enable-policy``."""
    found = {}
    for item in maps(values, "extraEnv"):
        name = text(item, "name")
        if name.startswith("CILIUM_") and "value" in item:
            found[name.removeprefix("CILIUM_").lower().replace("_", "-")] = text(item, "value")
    return found


def _flags(values: Mapping[str, Any]) -> dict[str, str]:
    """Give the keys that ``extraArgs`` sets: ``--key=value``, ``--key value``, or ``--key`` alone for true."""
    found: dict[str, str] = {}
    args = [str(arg) for arg in items(values, "extraArgs")]
    for place, arg in enumerate(args):
        key, equals, value = arg.removeprefix("--").partition("=")
        if not arg.startswith("--"):
            continue
        follows = (
            args[place + 1] if place + 1 < len(args) and not args[place + 1].startswith("--") else "true"
        )
        found[key] = value if equals else follows
    return found


def departures(
    case: Case,
    key: str,
    is_right: Callable[[str], bool],
    stages: Iterable[Stage] = tuple(Stage),
    *,
    operator: bool = False,
) -> Iterator[tuple[str, list[str]]]:
    """Give each value of a key that is not right, with the stages that have it."""
    found: dict[str, list[str]] = {}
    for stage in stages:
        value = effective(case, stage, operator=operator).get(key)
        if not is_right(value):
            found.setdefault(value, []).append(stage.value)
    yield from found.items()


def config_map_path(case: Case) -> str:
    """Give the path of the ConfigMap ``cilium-config``, the object of findings on its keys."""
    return f"ConfigMap/{case.draft.settings.cilium.namespace}/cilium-config"


def live_config(case: Case) -> Mapping[str, str] | None:
    """Give the live ConfigMap; None where there is none."""
    return case.snapshot.config_map(case.draft.settings.cilium.namespace, "cilium-config")


def node_configs(case: Case) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Give (path, keys) of every CiliumNodeConfig of the cluster."""
    for item in case.snapshot.of("ciliumnodeconfigs.cilium.io"):
        defaults = at(item.data, "spec", "defaults")
        if isinstance(defaults, Mapping):
            yield item.path, {str(k): str(v) for k, v in defaults.items()}
