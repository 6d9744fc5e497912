"""The examples that ``c2c explain CODE`` prints: made from the smallest inputs that raise each code, with what is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from tests.unit.translators.test_codes import cases, raised, said

MADE = "# Made from tests/fixtures/codes.yaml by `make docs`: the smallest input that raises a code, and what is said.\n"


def examples() -> str:
    """Give the text of the file."""
    found: dict[str, dict[str, str]] = {}
    for case in cases():
        if case["code"] not in found:
            found[case["code"]] = {"input": "\n".join(_input(case)) + "\n", "says": _said(case)}
    return MADE + yaml.dump(
        dict(sorted(found.items())), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096
    )


_SURROUNDED = {
    "config": "with cilium-config {}",
    "limits": "with translate.limits {}",
    "options": "with {}",
    "planless": "without a cluster, and without an address plan",
    "dual": "where pods have an address of both families",
}


def _input(case: dict[str, Any]) -> Iterator[str]:
    """Give the lines of the file, and as comments what else has to be so."""
    for key, flag in (("cilium", "--cilium-version"), ("calico", "--calico-version")):
        if key in case:
            yield f"# with {flag} {'.'.join(map(str, case[key]))}"
    for key, words in _SURROUNDED.items():
        if case.get(key):
            yield f"# {words}".format(_flow(case[key]))
    if "raw" in case:
        yield from str(case["raw"]).rstrip("\n").splitlines()
    else:
        yield from _policy(case)
    if "after" in case:
        yield "--- # against, under verify"
        yield from str(case["after"]).rstrip("\n").splitlines()
    for item in case.get("objects", ()):
        yield "--- # in the cluster"
        yield _flow(item)


def _policy(case: dict[str, Any]) -> Iterator[str]:
    wide = "gnp" in case
    yield "apiVersion: projectcalico.org/v3"
    yield f"kind: {'GlobalNetworkPolicy' if wide else 'NetworkPolicy'}"
    yield "metadata: {name: p}" if wide else "metadata: {name: p, namespace: a}"
    yield "spec:"
    for key, value in (case.get("gnp") or case["np"]).items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"  {key}:"
            yield from (f"  - {_flow(item)}" for item in value)
        else:
            yield f"  {key}: {_flow(value)}"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=4096, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _said(case: dict[str, Any]) -> str:
    return said(next(item for item in raised(case) if item.code == case["code"]))


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
