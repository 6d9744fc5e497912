"""PRE-135: what there is to translate, by kind and tier; always said, so that a reader sees what was not found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migrate.model.fields import maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Count the policies of the report."""
    counts: Counter[str] = Counter()
    for entry in maps(case.draft.policies.report, "policies"):
        kept, tier = entry.get("disposition") == "kept", text(entry, "tier")
        where = " kept" if kept else f" in tier {tier}" if tier else ""
        counts[f"{text(entry, 'kind')}{where}"] += 1
    said = ", ".join(f"{n} {what}" for what, n in sorted(counts.items())) or "no policies at all"
    yield Hit("policies", {"counts": said}, dict(counts))


RULE = Rule(
    number=135,
    group=Group.POLICY,
    severity=Severity.INFO,
    title="Policies found",
    message="{counts}",
    remedy="",
    check=check,
)
