"""What one call of ``verify`` or ``diff`` found: differences, expectations, conditions, as one value and as issues.

Every format is made from this value or from its issues, so that no two of them can count differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.render import words
from migrate.render.issues import COUNTEREXAMPLE, REFUSED, Issue, key_of, place, sorted_issues
from translators.conditions import Broken
from translators.expectations import Answer
from translators.report import DifferenceEntry, Matrix
from translators.verification import Counterexample, Verification

__all__ = [
    "Outcome",
    "accepted_in",
    "answered",
    "broken_issue",
    "compared_issues",
    "difference",
    "headline",
    "issues",
    "sides_of",
]

ENGINES = {"calico": "Calico", "cilium": "Cilium"}
MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that one call of ``verify`` or ``diff`` found.

    ``found`` is None where only one side was given, to be held against expectations alone. ``accepted`` holds, by id
    of a difference, the reason for which the translation's report accepts it.
    """

    found: Verification | None = None
    answers: tuple[Answer, ...] = ()
    broken: tuple[Broken, ...] = ()
    conditions: int = 0
    matrix: Matrix | None = None
    accepted: Mapping[str, str] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        """Say whether the sets differ in something that nobody accepted."""
        found = self.found
        if found is None:
            return False
        return bool(found.refused) or any(
            difference(c).id not in self.accepted for c in found.counterexamples
        )

    @property
    def unmet(self) -> tuple[Answer, ...]:
        """Give the expectations that do not hold."""
        return tuple(answer for answer in self.answers if not answer.holds)

    @property
    def fails(self) -> bool:
        """Say whether something is known to be wrong."""
        return self.differs or bool(self.unmet) or any(b.known for b in self.broken)

    @property
    def inconclusive(self) -> bool:
        """Say whether something that ought to be known is not."""
        open_ = self.found is not None and bool(self.found.unconfirmed or self.found.incomplete)
        return open_ or any(not b.known for b in self.broken)

    @property
    def reason(self) -> str | None:
        """Give the word that goes with the exit code, None where all is well."""
        return "ProofFailed" if self.fails else "InputIncomplete" if self.inconclusive else None


def sides_of(found: Verification) -> tuple[str, str]:
    """Name the two sides in a sentence: by their engines, or as the old and the new set of one."""
    if found.engines[0] == found.engines[1]:
        return "the old set", "the new set"
    return ENGINES[found.engines[0]], ENGINES[found.engines[1]]


def accepted_in(report: Mapping[str, Any]) -> dict[str, str]:
    """Give the differences that a translation report (its JSON) accepts, by the ids that a comparison gives them."""
    reasons = {f.get("id"): f.get("accepted") for f in report.get("findings") or () if f.get("accepted")}
    return {
        _id(d.get("effect"), d.get("direction"), d.get("src"), d.get("dst"), d.get("packets")): str(
            reasons[key]
        )
        for d in report.get("differences") or ()
        if (key := d.get("finding")) in reasons
    }


def _id(*parts: object) -> str:
    return key_of("", *map(str, parts)).removeprefix("-")


def difference(item: Counterexample) -> DifferenceEntry:
    """Give a counterexample as the translation report's difference."""
    effect = "opens" if item.opens else "closes"
    key = _id(effect, item.direction, item.src, item.dst, item.packets)
    ends = item.src, item.dst, item.packets
    finding = f"{COUNTEREXAMPLE}-{key}"
    return DifferenceEntry(
        key, finding, effect, item.direction, *ends, True, "", item.before, item.after, item.pods
    )


def issues(outcome: Outcome) -> tuple[Issue, ...]:
    """Give one issue for everything that is wrong or unknown."""
    return sorted_issues(
        [*compared_issues(outcome), *map(_unmet, outcome.unmet), *map(broken_issue, outcome.broken)]
    )


def compared_issues(outcome: Outcome) -> Iterator[Issue]:
    """Give one issue for everything that the comparison alone found."""
    found = outcome.found
    if found is None:
        return
    sides = sides_of(found)
    for item in found.counterexamples:
        entry = difference(item)
        yield Issue(
            COUNTEREXAMPLE,
            "error" if item.opens else "warning",
            " ".join(words.decided(entry, sides)),
            place(item.before[2] or item.after[2]),
            entry.finding,
            related=(place(item.after[2]),) if item.after[2] else (),
            accepted=outcome.accepted.get(entry.id),
            differences=(words.claim(entry, sides),),
            opens=item.opens,
        )
    for span, name, reason in found.refused:
        text = f"Cilium would refuse {name}: {reason}; its subject stays open."
        yield Issue(REFUSED, "error", text, span, key_of(REFUSED, name, reason), name, opens=True)
    for odd in found.incomplete:
        key = key_of(odd.code, odd.object, odd.message)
        yield Issue(odd.code, "error", odd.message, odd.span, key, odd.object, odd.remedy)


def _unmet(answer: Answer) -> Issue:
    text = answered(answer)
    key = key_of(COUNTEREXAMPLE, answer.expectation.words, str(answer.expectation.expected), answer.engine)
    opens = answer.expectation.expected == "deny"
    related = (place(answer.place),) if answer.place else ()
    return Issue(COUNTEREXAMPLE, "error", text, answer.expectation.span, key, related=related, opens=opens)


def answered(answer: Answer) -> str:
    """Say of an expectation that does not hold what happens instead, and what does it."""
    wanted = answer.expectation
    if not answer.asked:
        return f"{wanted.words}: nothing that this names is there, so the expectation says nothing."
    done, told = ("drops", "allowed") if wanted.expected == "allow" else ("allows", "dropped")
    why = f" ({wanted.why})" if wanted.why else ""
    by = words.rule(answer.by)
    where = f", {answer.place}" if answer.place else ""
    return f"{wanted.words}: expected to be {told}{why}, {ENGINES[answer.engine]} {done} {answer.flow}: {by}{where}."


def broken_issue(item: Broken) -> Issue:
    """Say of a condition in what way it no longer holds, and what hangs on it."""
    who = ", ".join(item.policies[:3]) + (
        f" and {len(item.policies) - 3} more" if len(item.policies) > 3 else ""
    )
    text = f"{item.object}: {item.how}. The translation of {who} is exact only while it stays."
    code = item.code or COUNTEREXAMPLE
    level = "error" if item.known else "warning"
    return Issue(
        code, level, text, place(""), key_of(code, item.object, item.how), item.object, "Translate again."
    )


def headline(outcome: Outcome) -> str:
    """Say in one sentence what it comes to."""
    found = outcome.found
    parts = []
    if found is not None:
        accepted = sum(difference(c).id in outcome.accepted for c in found.counterexamples)
        if found.proved:
            parts.append("the same verdicts")
        for count, one, many in (
            (len(found.counterexamples) - accepted, "difference", "differences"),
            (accepted, "accepted difference", "accepted differences"),
            (len(found.refused), "object that Cilium would refuse", "objects that Cilium would refuse"),
            (found.unconfirmed, "open point without an example", "open points without an example"),
            (len(found.incomplete), "policy that cannot be judged", "policies that cannot be judged"),
        ):
            if count:
                parts.append(f"{count:,} {words.plural(count, one, many)}")
    if outcome.answers:
        held = len(outcome.answers) - len(outcome.unmet)
        parts.append(f"{held} of {len(outcome.answers)} expectations hold")
    if outcome.broken:
        count = len(outcome.broken)
        parts.append(
            f"{count} of {outcome.conditions} conditions no longer {words.plural(count, 'holds', 'hold')}"
        )
    title = "Expectations" if found is None else " → ".join(sides_of(found)).replace("the old", "The old")
    return f"{title}: {', '.join(parts) or 'nothing was asked'}"
