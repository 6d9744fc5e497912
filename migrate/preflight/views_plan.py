"""What a draft's order of nodes costs: how long each wave takes, and how to say a duration."""

from __future__ import annotations

from migrate.preflight.rule import Case

__all__ = ["back_seconds", "duration", "wave_times"]

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


def duration(seconds: float) -> str:
    """Write seconds as ``2 d 3 h``, ``2 h 40 min`` or ``12 min``, rounded up to minutes."""
    minutes = int(-(-seconds // MINUTE_S))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} d"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{rest} min"] if rest and not days else []
    return " ".join(parts) or "0 min"


def wave_times(case: Case) -> list[tuple[float, tuple[str, ...]]]:
    """Give for each wave the seconds of its slowest node at p90, its soak inside, and its nodes; the canary soaks longer."""
    waves, plans = case.draft.settings.waves, case.draft.nodes
    found = []
    canaries = set(case.draft.canaries)
    for nodes in case.draft.waves:
        slowest = max((plans[n].p90_s for n in nodes if n in plans), default=0.0)
        longer = waves.canary_soak_s - waves.soak_s if canaries & set(nodes) else 0.0
        found.append((slowest + longer, nodes))
    return found


def back_seconds(case: Case) -> float:
    """Give about how long one node needs back: what it needs to move, without its soak, at the median of the nodes."""
    soak = case.draft.settings.waves.soak_s
    times = sorted(max(0.0, plan.p50_s - soak) for plan in case.draft.nodes.values())
    return times[len(times) // 2] if times else 0.0
