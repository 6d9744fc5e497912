"""PRE-165: estimates against the time that there is: each wave against one window, the whole against window and deadline.

A wave takes as long as its slowest node at p90; waves follow one another, the canary soaks longer. A wave that is longer
than the window cannot end in it; a total that is longer only means several windows, which the run can pause between.
``deadlines.run`` counts without soaks.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.calendar import window_seconds
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_plan import duration, wave_times

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Compare each wave, and all of them."""
    settings, waves = case.draft.settings, wave_times(case)
    total = sum(seconds for seconds, _ in waves)
    if settings.waves.window.days:
        window = window_seconds(settings.waves.window)
        for place, (seconds, nodes) in enumerate(waves, start=1):
            if seconds > window:
                fills = {
                    "what": f"Wave {place} needs",
                    "t": duration(seconds),
                    "w": f"window is {duration(window)}",
                }
                yield Hit(f"wave/{place}", fills, {"nodes": list(nodes), "p90_s": seconds})
        if total > window:
            fills = {"what": "The run needs", "t": duration(total), "w": f"window is {duration(window)}"}
            yield Hit("plan", fills, {"p90_s": total, "window_s": window})
    limit, soaks = settings.deadlines.run_s, _soaks(case)
    if limit and total - soaks > limit:
        fills = {"what": "The run needs", "t": duration(total - soaks), "w": f"deadline is {duration(limit)}"}
        yield Hit("plan", fills, {"p90_s": total - soaks, "deadline_s": limit})


def _soaks(case: Case) -> float:
    waves, canaries = case.draft.settings.waves, len(case.draft.canaries)
    return canaries * waves.canary_soak_s + max(0, len(case.draft.waves) - canaries) * waves.soak_s


RULE = Rule(
    number=165,
    group=Group.TIME,
    severity=Severity.WARN,
    title="Longer than the window",
    message="{what} {t}, {w}",
    remedy="split the run (--until), more nodes at once (waves.parallel), or shorter soaks; a run pauses between windows",
    check=check,
    reads=("nodes",),
)
