"""The whole description of Cilium's policy semantics is accounted for: every statement has its claims, or a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from tests import capabilities
from tests.oracles.claim import CLAIMS
from tests.oracles.statements import PREFACE, Entry, Statement, entries, statements

REASONS, ENTRIES = entries()
DECIDED = [entry for entry in ENTRIES if entry.topics]
AT_LEAST = 210
"""Statements that claims decide: fewer means that some were given up."""


@pytest.fixture(scope="module")
def described() -> list[Statement]:
    """Give the statements of the description; skipped aloud where it is not beside the checkout."""
    return list(statements(capabilities.shared("spec", "policy", "cilium.md").read_text(encoding="utf-8")))


def entry_of(statement: Statement) -> Entry | None:
    """Give the entry of a statement: of those that begin as it does, the longest."""
    found = [entry for entry in ENTRIES if entry.is_of(statement)]
    return max(found, key=lambda entry: len(entry.begins), default=None)


def test_every_statement_of_the_description_is_accounted_for(described: list[Statement]) -> None:
    assert [s for s in described if entry_of(s) is None] == []


def test_nothing_is_accounted_for_that_is_not_in_the_description(described: list[Statement]) -> None:
    spoken_of = {entry_of(statement) for statement in described}
    assert [entry for entry in ENTRIES if entry not in spoken_of] == []


def test_every_section_that_says_something_of_the_engine_has_claims(described: list[Statement]) -> None:
    claimed = {topic.partition(".")[0] for claim in CLAIMS for topic in claim.topics}
    wanted = {entry.section for s in described if (entry := entry_of(s)) is not None and entry.topics}
    own = {section for section in wanted if topics_of(section)}
    assert own <= claimed
    assert wanted | {PREFACE} == {s.section for s in described}, "a section of which nothing is decided"


def topics_of(section: str) -> set[str]:
    """Give the topics that have their place in a section."""
    return {topic for entry in DECIDED for topic in entry.topics if topic.partition(".")[0] == section}


def test_every_topic_has_a_claim_and_every_claim_a_statement() -> None:
    assert [claim.name for claim in CLAIMS if not claim.topics] == [], "rows that do not say what they are of"
    claimed = {topic for claim in CLAIMS for topic in claim.topics}
    assert claimed == {topic for entry in DECIDED for topic in entry.topics}


def test_a_topic_is_named_in_its_own_section() -> None:
    at_home = {topic for entry in DECIDED for topic in entry.topics if topic.startswith(f"{entry.section}.")}
    assert [t for entry in DECIDED for t in entry.topics if t not in at_home] == []


def test_a_statement_is_decided_or_has_one_of_the_reasons() -> None:
    assert [entry for entry in ENTRIES if bool(entry.topics) is bool(entry.reason)] == []
    assert {entry.reason for entry in ENTRIES if entry.reason} == set(REASONS)
    assert [entry for entry in ENTRIES if entry.refuted and not entry.topics] == []
    assert len(DECIDED) >= AT_LEAST
    assert [e for e, count in Counter((e.section, e.begins) for e in ENTRIES).items() if count > 1] == []


TEXT = """# Title

Said of `a. b`. Said again; and (not. cut) so (confirmed by engine). doc deny.rst

## 4. Part

| Point | Behaviour | Tag |
|---|---|---|
| head. not said | one; `two; one`. Three | engine |

1. **First**: mode. code
2. Second
* item
"""


def test_a_description_is_cut_into_its_statements() -> None:
    found: Mapping[str, list[str]] = {"0": [], "4": []}
    for statement in statements(TEXT):
        found[statement.section].append(statement.text)
    assert found == {
        "0": ["Said of `a. b`", "Said again", "and (not. cut) so (confirmed by engine)"],
        "4": ["one", "`two; one`", "Three", "**First**: mode", "Second", "item"],
    }
