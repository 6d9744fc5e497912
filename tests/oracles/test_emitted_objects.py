"""Whatever is emitted, from the corpus, the cases and the examples, Cilium takes; and nothing leans on its defects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.files import load
from migrate.entrypoints.cli.options import plan_from
from tests import capabilities
from tests.oracles.engine import Engine
from tests.unit import test_translate as cases
from translators import CiliumConfig, Options, translate
from translators.frontends import is_policy
from translators.source import Document, read
from translators.world import World

ROOT = Path(__file__).resolve().parents[2]
CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, host_firewall=True,
                      node_selector_labels=True, ipv6=True)  # fmt: skip
FORBIDDEN = ("toServices", "fromGroups", "toGroups", "fromRequires", "toRequires", "authentication",
             "cidrGroupSelector", "toFQDNs", "reserved:")  # fmt: skip
"""Constructs whose meaning rests on a defect, or that fail open (``translation.md`` §6)."""


def written(text: str, name: str) -> list[Document]:
    return read(name, text.encode()).documents


def of_corpus() -> Iterator[Document]:
    plan = plan_from(str(ROOT / "examples" / "corpus-address-plan.yaml"))
    for path in sorted(capabilities.shared("corpus").glob("*.yaml")):
        found = read(path.name, path.read_bytes()).documents
        for file in translate(found, plan=plan, options=Options(cilium=CONFIG)).files:
            yield from written(file.text, file.path)


def of_cases() -> Iterator[Document]:
    for path in cases.TRANSLATED:
        data = cases.load(path)
        listed = cases.documents(data, path)
        policies = [d for d in listed if is_policy(d) or d.kind == "Tier"]
        around = [d for d in listed if d not in policies]
        plan = cases.plan(data.get("ipv6", False))
        result = translate(policies, cluster=around, options=Options(cilium=CONFIG), plan=plan)
        for file in result.files:
            yield from written(file.text, file.path)


def of_examples() -> Iterator[Document]:
    policies = load([str(ROOT / "examples" / "policies")]).documents
    around = load([str(ROOT / "examples" / "cluster")]).documents
    for file in translate(policies, cluster=around, options=Options(cilium=CONFIG)).files:
        yield from written(file.text, file.path)


SOURCES = {"corpus": of_corpus, "cases": of_cases, "examples": of_examples}


@pytest.mark.parametrize("source", SOURCES)
def test_parser_and_schema_take_every_object(engine: Engine, source: str) -> None:
    documents = [d for d in SOURCES[source]() if d.kind != "CiliumCIDRGroup"]
    said = engine.judge(World(), documents, CONFIG, [])
    refused = [
        (d.name, answer)
        for d, answer in zip(documents, said.policies, strict=True)
        if not answer["valid"] or answer.get("schemaValid") is False
    ]
    assert not refused, refused[:3]
    assert len(documents) >= {"corpus": 130, "cases": 60, "examples": 15}[source]


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_rests_on_a_defect(source: str) -> None:
    for document in SOURCES[source]():
        text = json.dumps(document.data.get("spec") or document.data.get("specs"))
        assert not [word for word in FORBIDDEN if word in text], (document.name, text)
        for spec in [document.data.get("spec"), *(document.data.get("specs") or [])]:
            assert not list(wrong_forms(spec or {})), document.name


def wrong_forms(spec: dict[str, Any]) -> Iterator[str]:
    """Name a lone ICMP type 0, an empty list, a range from 0, a port without a protocol."""
    for section in ("ingress", "ingressDeny", "egress", "egressDeny"):
        for element in spec.get(section) or []:
            yield from (key for key, value in element.items() if value == [])
            fields = [f for rule in element.get("icmps", []) for f in rule["fields"]]
            for family in ("IPv4", "IPv6"):
                types = {f["type"] for f in fields if f["family"] == family}
                if 0 in types and types != set(range(256)):
                    yield "type 0 alone"
            for port in (p for rule in element.get("toPorts", []) for p in rule["ports"]):
                if "protocol" not in port or port["protocol"] == "ANY":
                    yield "no protocol"
                if port["port"] == "0" and "endPort" in port:
                    yield "a range from 0"
