"""One case a code: what the registry promises is raised by a test, or stands in the list of what is not.

The list is read in every review, and may only become shorter: a code that has a case must leave it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.meta.test_house_rules import EXCEPTIONS
from translators.diagnostics import CODES

ROOT = Path(__file__).resolve().parents[2]
NOT_RAISED = {code for listed in EXCEPTIONS["codes"].values() for code in listed}


@cache
def in_tests() -> frozenset[str]:
    """Give the codes that a test or a fixture names."""
    found: set[str] = set()
    for layer in ("unit", "fixtures", "oracles", "property", "robustness"):
        for path in (ROOT / "tests" / layer).rglob("*"):
            if path.suffix in {".py", ".yaml"}:
                found.update(re.findall(r"CAL-[A-Z]\d{3}", path.read_text(encoding="utf-8")))
    return frozenset(found)


def with_case() -> set[str]:
    """Give the codes whose smallest input stands in the fixtures."""
    fixtures = (ROOT / "tests" / "fixtures" / "codes.yaml").read_text(encoding="utf-8")
    return set(re.findall(r"^- code: (CAL-[A-Z]\d{3})$", fixtures, re.MULTILINE))


def test_every_code_has_a_case_or_is_known_not_to_be_raised() -> None:
    assert set(CODES) - in_tests() - NOT_RAISED == set()


def test_every_code_that_can_be_raised_has_its_smallest_input() -> None:
    """It is the example that ``c2c explain CODE`` shows."""
    assert set(CODES) - with_case() == NOT_RAISED


def test_the_list_of_codes_that_are_not_raised_is_no_longer_than_it_must_be() -> None:
    assert with_case() & NOT_RAISED == set()
    assert set(CODES) >= NOT_RAISED
