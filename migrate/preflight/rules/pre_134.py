"""PRE-134: what the chart renders is, key by key, what was meant; a rc of 0 proves nothing of the kind.

Without a chart: words that Cilium does not know, keys that ``extraConfig`` writes a second time, and values of the
user's that the migration overrules (a warning: they are wishes that will not come true). With one, for each stage:
every planned key as planned; every other key as the chart has it by default, or as the user's values alone would
have it; the operator's right to delete pods exactly where its watcher is on. A key of the live ConfigMap that no stage
knows survives every upgrade, so it is named too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.engine.chart import DOMAINS, outside_domain, overridden_keys
from migrate.engine.stages import without_effect
from migrate.model.draft import Rendered, Stage
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_values import config_map_path, effective, live_config

__all__ = ["RULE"]

ABSENT = "absent"
BOOLEAN = frozenset({"true", "false"})
OVERRULED = "{path} has no effect: {v} in your values, the migration needs {w}"
TWICE = "{key} is written twice: extraConfig overrides what the plan means"
UNKNOWN_WORD = "{key} is {v}, which Cilium does not know: {w}"
EXTRA = "{key} is on the live cluster ({v}) and in no stage: it would survive every upgrade"

Difference = tuple[str, str, str]
"""A key, the value that it has, and the value that it should have."""


def check(case: Case) -> Iterator[Hit | Unread]:
    """Look at words, doubles and overruled values, then compare what was rendered, then the live ConfigMap."""
    yield from _words(case)
    yield from _values(case)
    yield from _compared(case)
    if case.draft.rendered is not None:
        yield from _live(case)


def _words(case: Case) -> Iterator[Hit]:
    minor, found = case.draft.settings.cilium.minor, dict[Difference, list[str]]()
    for stage in Stage:
        for key, value, known in outside_domain(effective(case, stage).data, minor):
            found.setdefault((key, value, f"one of {known}"), []).append(stage.value)
    for (key, value, known), stages in found.items():
        fills = {"key": key, "v": value, "w": known}
        yield Hit(config_map_path(case), fills, {"key": key, "stages": stages}, message=UNKNOWN_WORD)


def _values(case: Case) -> Iterator[Hit]:
    cilium, found = case.draft.settings.cilium, dict[str, tuple[object, object]]()
    for key in overridden_keys(case.draft.values.get(Stage.MIGRATION, {}), cilium.minor):
        yield Hit(f"values/extraConfig.{key}", {"key": key}, {"key": key}, message=TWICE)
    for stage in Stage:
        for path, theirs, ours in without_effect(cilium.values, case.draft.values.get(stage, {})):
            found.setdefault(path, (theirs, ours))
    for path, (theirs, ours) in found.items():
        fills = {"path": path, "v": _said(theirs), "w": _said(ours)}
        yield Hit(
            f"values/{path}",
            fills,
            {"theirs": theirs, "ours": ours},
            severity=Severity.WARN,
            message=OVERRULED,
        )


def _said(value: object) -> str:
    if value is None:
        return ABSENT
    return str(value).lower() if isinstance(value, bool) else str(value)


def _compared(case: Case) -> Iterator[Hit]:
    found: dict[Difference, list[str]] = {}
    for stage, rendered in (case.draft.rendered or {}).items():
        for difference in _differences(rendered, case.draft.meant.get(stage, {})):
            found.setdefault(difference, []).append(stage.value)
    for (key, value, wanted), stages in found.items():
        fills = {"key": key, "v": value, "w": wanted}
        yield Hit(config_map_path(case), fills, {"key": key, "stages": stages})


def _differences(rendered: Rendered, meant: Mapping[str, str | None]) -> Iterator[Difference]:
    config = rendered.config
    for key, wanted in meant.items():
        if config.get(key) != wanted:
            yield key, config.get(key, ABSENT), wanted if wanted is not None else ABSENT
    for key in sorted({*config, *rendered.default} - set(meant)):
        value, default = config.get(key), rendered.default.get(key)
        if value not in (default, rendered.own.get(key, default)):
            yield key, value if value is not None else ABSENT, default if default is not None else ABSENT
        elif default in BOOLEAN and value not in BOOLEAN and key not in DOMAINS:
            yield key, value if value is not None else ABSENT, "true or false"
    verbs = rendered.operator_verbs.get("pods", ())
    watched = not str(meant.get("unmanaged-pod-watcher-interval") or "0").startswith("0")
    if rendered.operator_verbs and ("delete" in verbs) is not watched:
        yield "delete on pods", "granted" if "delete" in verbs else ABSENT, "granted" if watched else ABSENT


def _live(case: Case) -> Iterator[Hit | Unread]:
    if not case.snapshot.knows("configmaps"):
        yield Unread("configmaps")
        return
    known = {key for r in (case.draft.rendered or {}).values() for key in (*r.config, *r.default, *r.own)}
    live = live_config(case) or {}
    for key in sorted(set(live) - known):
        yield Hit(config_map_path(case), {"key": key, "v": live[key]}, {"key": key}, message=EXTRA)


RULE = Rule(
    number=134,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="Rendered configuration is not the one that is meant",
    message="{key} is {v}, meant {w}",
    remedy="correct the value, and give Helm all values files of the stage",
    check=check,
    failures=(2, 46),
    chart=True,
)
