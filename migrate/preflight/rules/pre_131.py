"""PRE-131: the flow gates read Hubble; what it does not see, or forgets too soon, they cannot judge.

Off is Hubble in any stage, or its relay. The list of metrics must hold the six names that the gates cross-check with. A
node's ring must outlast a quarter of the soak, as the gate reads at least that often; where no rate was measured, it
must hold the 16383 events of ``procedure.md`` §4.1. A ring that is not one less than a power of two, up to 65535, is
refused by the agent (``pkg/hubble/container/ring.go``).
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.stages import METRICS, RING
from migrate.model.calendar import seconds_between
from migrate.model.draft import Stage
from migrate.model.fields import at, mapping, number
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import config_map_path, departures, effective, is_on

__all__ = ["RULE"]

LARGEST = 65535
READS_A_WINDOW = 4


def check(case: Case) -> Iterator[Hit]:
    """Look at Hubble, its relay, its metrics and its ring."""
    path = config_map_path(case)
    for value, stages in departures(case, "enable-hubble", is_on):
        yield Hit(path, {"what": f"Hubble is off in stage {_list(stages)}"}, {"enable-hubble": value})
    without = [s.value for s in Stage if at(case.draft.values.get(s), "hubble", "relay", "enabled") is False]
    if without:
        evidence = {"stages": without}
        yield Hit("values/hubble.relay.enabled", {"what": f"no relay in stage {_list(without)}"}, evidence)
    for value, stages in departures(case, "hubble-metrics", lambda v: not _missing(v)):
        missing = ", ".join(_missing(value))
        fills = {"what": f"metrics {missing} are not collected in stage {_list(stages)}"}
        yield Hit(path, fills, {"hubble-metrics": value})
    yield from _ring(case, path)


def _list(stages: list[str]) -> str:
    return ", ".join(stages)


def _missing(metrics: str) -> list[str]:
    listed = {item.partition(":")[0] for item in metrics.split()}
    return [name for name in METRICS if name not in listed]


def _ring(case: Case, path: str) -> Iterator[Hit]:
    ring = number({"ring": effective(case, Stage.MIGRATION).get("hubble-event-buffer-capacity")}, "ring")
    if ring & (ring + 1) or not 0 < ring <= LARGEST:
        fills = {"what": f"the agent refuses a ring of {ring}: it is 2^n-1, {LARGEST} at most"}
        yield Hit(path, fills, {"hubble-event-buffer-capacity": ring})
        return
    soak, rates = case.draft.settings.waves.soak_s, _rates(case)
    for node, rate in rates.items():
        needed = rate * soak / READS_A_WINDOW
        if ring < needed:
            fills = {"what": f"{rate:.0f} events/s fill a ring of {ring} in {ring / rate:.0f} s"}
            yield Hit(f"node/{node}", fills, {"ring": ring, "needed": round(needed), "soak_s": soak})
    if not rates and ring < RING:
        yield Hit(
            path, {"what": f"a ring of {ring} holds few events"}, {"hubble-event-buffer-capacity": ring}
        )


def _rates(case: Case) -> dict[str, float]:
    """Give the events a second that were measured on each node; empty without a baseline."""
    baseline = case.snapshot.baseline or {}
    length = seconds_between(str(baseline.get("start", "")), str(baseline.get("end", "")))
    if not length or length < 0:
        return {}
    seen = mapping(baseline, "seen")
    return {node: number(seen, node) / length for node in sorted(seen) if number(seen, node)}


RULE = Rule(
    number=131,
    group=Group.VALUES,
    severity=Severity.WARN,
    title="Flow gate would be blind",
    message="Flow gate would be blind: {what}",
    remedy="hubble.enabled, hubble.relay.enabled, all of hubble.metrics.enabled, and a ring of 2^n-1 that is large enough",
    check=check,
    failures=(31,),
)
