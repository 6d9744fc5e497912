"""A plan in six lines: what it adds, what it moves, how it goes back, whether it goes past the point of no return."""

from __future__ import annotations

from migrate.model.plan import Plan
from migrate.render.terminal import Line

__all__ = ["duration", "summary"]


def summary(plan: Plan) -> list[Line]:
    """Give the lines that are shown before anybody confirms."""
    draft = plan.draft
    settings = draft.settings
    parallel = settings.waves.parallel
    p50, p90 = (
        sum(getattr(n, k) for n in draft.nodes.values()) / max(parallel, 1) for k in ("p50_s", "p90_s")
    )
    times = f"{duration(p50)}, p90 {duration(p90)}"
    pods = sum(int(s.args.get("pods", 0)) for s in plan.steps if s.command == "Evict")
    staged = len(draft.policies.objects)
    undo = (
        "each node goes back by itself at any time before clean-up"
        if not plan.clean_up
        else "none: Calico is removed"
    )
    no_return = "in this plan: it removes Calico" if plan.clean_up else "none in this plan; c2c cleanup remove is a command of its own"  # fmt: skip
    return [
        [""],
        [f"  plan {plan.hash[:6]}   {len(draft.nodes)} nodes in {len(draft.waves)} waves · {parallel} at a time · {times}"],
        [f"  adds          Cilium {settings.cilium.version} beside Calico · {staged} policies, staged"],
        [f"  moves         {pods} pods"],
        [f"  undo          {undo}"],
        [f"  no return     {no_return}"],
        [""],
    ]  # fmt: skip


def duration(seconds: float) -> str:
    """Give a length of time as people say it: ``3 h 10 min``, ``45 s``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
