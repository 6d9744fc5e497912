"""What Cilium's own charts make of values, as it was measured: ``tests/fixtures/charts/cilium-config.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from migrate.model.versions import Minor

PATH = Path(__file__).parent / "fixtures" / "charts" / "cilium-config.yaml"


@dataclass(frozen=True)
class Measured:
    """One set of values on one chart: the whole ``cilium-config`` and the operator's verbs on pods."""

    name: str
    minor: Minor
    values: Mapping[str, Any]
    default: Mapping[str, str]
    config: Mapping[str, str]
    pod_verbs: tuple[str, ...]

    @property
    def changes(self) -> dict[str, str | None]:
        """Give the keys that the values change against the chart's own; None: it vanishes."""
        keys = set(self.config) | set(self.default)
        return {k: self.config.get(k) for k in keys if self.config.get(k) != self.default.get(k)}


def measured() -> list[Measured]:
    """Give every case on every chart."""
    content = _content()
    found = []
    for minor in (tuple(int(p) for p in v.split(".")[:2]) for v in content["versions"]):
        default = _of(content["defaults"], minor)
        for case in content["cases"]:
            changes = _of(case["changes"], minor)
            config = {k: v for k, v in {**default, **changes}.items() if v is not None}
            verbs = tuple(case["pods"].split())
            found.append(Measured(case["name"], minor, case["values"], default, config, verbs))
    return found


def default_config(minor: Minor) -> dict[str, str]:
    """Give the ``cilium-config`` of a chart with its own values."""
    return _of(_content()["defaults"], minor)


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return content


def _of(by_minor: Mapping[str, Mapping[str, Any]], minor: Minor) -> dict[str, Any]:
    return {**by_minor.get("all", {}), **by_minor.get(f"{minor[0]}.{minor[1]}", {})}
