"""One case a code: the smallest input that raises it stands in tests/fixtures/codes.yaml."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrate.render.issues import Issue
from migrate.render.outcome import Outcome, issues
from translators import CiliumConfig, Limits, Options, translate, verify
from translators.algebra.cidrs import parse_cidr
from translators.diagnostics import CODES, Diagnostic, Severity
from translators.linting import lint
from translators.report import Finding
from translators.source import from_object, read
from translators.world import AddressPlan

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PLAN = AddressPlan(
    pods=(parse_cidr("10.244.0.0/16"),),
    nodes=(parse_cidr("10.0.0.0/24"),),
    services=(parse_cidr("10.96.0.0/12"),),
    api_servers=(parse_cidr("10.0.0.10/32"),),
    stated=True,
)


def cases() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = yaml.safe_load((FIXTURES / "codes.yaml").read_text(encoding="utf-8"))
    return listed


@cache
def cluster() -> list[Any]:
    data = yaml.safe_load((FIXTURES / "cases" / "_fixture.yaml").read_text(encoding="utf-8"))
    return [from_object(item) for item in data["objects"]]


def text_of(case: dict[str, Any]) -> str:
    """Give the file that the case stands for."""
    if "raw" in case:
        return str(case["raw"])
    wide = "gnp" in case
    metadata = {"name": "p"} if wide else {"name": "p", "namespace": "a"}
    kind = "GlobalNetworkPolicy" if wide else "NetworkPolicy"
    item = {
        "apiVersion": "projectcalico.org/v3",
        "kind": kind,
        "metadata": metadata,
        "spec": case.get("gnp") or case["np"],
    }
    return yaml.safe_dump(item)


def raised(case: dict[str, Any]) -> list[Finding] | list[Diagnostic] | list[Issue]:
    """Give what translate, lint or verify says of the case."""
    reading = read("case.yaml", text_of(case).encode())
    around = None if case.get("alone") else [*cluster(), *map(from_object, case.get("objects", ()))]
    options = Options(
        cilium_version=tuple(case.get("cilium", (1, 20))),
        cilium=CiliumConfig.from_map(case.get("config", {})),
        limits=Limits(**case.get("limits", {})),
        accepted=frozenset((code, "p" if "gnp" in case else "a/p") for code in case.get("accept", ())),
        kubernetes_policies=case.get("options", {}).get("kubernetesPolicies", "native"),
    )
    if case.get("verb") == "verify":
        after = read("after.yaml", case["after"].encode()).documents
        found = verify(reading.documents, after, cluster=around, options=options, plan=PLAN)
        return list(issues(Outcome(found)))
    if case.get("verb") == "lint":
        return lint(reading.documents, cluster=around, options=options, plan=PLAN)
    plan = replace(PLAN, pods=(*PLAN.pods, parse_cidr("fd00::/64"))) if case.get("dual") else PLAN
    plan = replace(plan, cilium_pods=tuple(map(parse_cidr, case.get("renumbered", ()))))
    result = translate(
        reading.documents,
        cluster=around,
        options=options,
        plan=None if case.get("planless") else plan,
        diagnostics=reading.diagnostics,
    )
    return list(result.report.findings)


def said(item: Finding | Diagnostic | Issue) -> str:
    """Give the sentence of a finding."""
    return item.text if isinstance(item, Finding) else item.message


@pytest.mark.parametrize("case", cases(), ids=lambda c: c["code"])
def test_the_smallest_input_raises_its_code(case: dict[str, Any]) -> None:
    found = [item for item in raised(case) if item.code == case["code"]]
    assert found
    for item in found:
        text = said(item)
        assert "…" not in text, "a name in the text was not filled in"
        assert not re.search(r"\{\w+\}", text + item.remedy)


def test_codes_are_sorted_into_families_and_their_numbers_are_unique() -> None:
    digits = [code[5:] for code in CODES]
    assert len(set(digits)) == len(digits)
    families = {code[4]: code[5] for code in CODES}
    assert all(code[5] == families[code[4]] for code in CODES)


def test_every_code_has_a_title_a_text_and_a_remedy() -> None:
    for info in CODES.values():
        assert info.title and info.text and info.remedy, info.code


@pytest.mark.parametrize(
    ("code", "severity"),
    [("CAL-P101", Severity.ERROR), ("CAL-P115", Severity.ERROR), ("CAL-H604", Severity.WARNING),
     ("CAL-O306", Severity.NOTE), ("CAL-S203", Severity.NOTE), ("CAL-L504", Severity.NOTE)],
)  # fmt: skip
def test_the_severity_follows_from_the_class(code: str, severity: Severity) -> None:
    assert CODES[code].severity is severity
