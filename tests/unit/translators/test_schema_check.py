"""Our own checker of schemas says what the genuine one says, and where."""

from __future__ import annotations

import copy
import random
from typing import Any

import jsonschema
import pytest

from translators import translate
from translators.report import to_json
from translators.report_schema import report_schema
from translators.schema_check import departure

POLICY = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "NetworkPolicy",
    "metadata": {"name": "db", "namespace": "shop"},
    "spec": {"selector": "app == 'db'", "ingress": [{"action": "Allow", "protocol": "ICMP", "icmp": {"type": 8, "code": 1}}]},
}  # fmt: skip
REPORT = to_json(translate([POLICY], cluster=[]).report)
ODD: tuple[Any, ...] = (None, True, -1, 3, 1.5, "", "S0", [], {}, [None], {"a": 1}, ["x"])
MUTANTS = 400


def mutant(rng: random.Random) -> Any:
    """Put one odd value for a node, or leave one key out."""
    data = copy.deepcopy(REPORT)
    places: list[tuple[Any, Any]] = []
    ahead: list[Any] = [data]
    while ahead:
        node = ahead.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        places += [(node, key) for key in keys]
        ahead += [node[key] for key in keys]
    node, key = rng.choice(places)
    if isinstance(node, dict) and rng.random() < 0.3:
        del node[key]
    else:
        node[key] = rng.choice(ODD)
    return data


def test_a_report_is_what_its_schema_says() -> None:
    assert departure(REPORT, report_schema(), "r.json") == ""


def test_the_genuine_checker_takes_the_same_reports() -> None:
    rng = random.Random(4)
    genuine = jsonschema.Draft202012Validator(report_schema())
    refused = 0
    for _ in range(MUTANTS):
        data = mutant(rng)
        assert bool(departure(data, report_schema(), "r.json")) is not genuine.is_valid(data)
        refused += not genuine.is_valid(data)
    assert MUTANTS // 4 < refused < MUTANTS


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("policies", 0, "grade"), "S9", "r.json: policies[0].grade is none of S0, S1, S2, A, X"),
        (("policies", 0, "source"), {"file": "a", "line": 1}, "r.json: policies[0].source has no 'column'"),
        (("method", "sizes", "cubes"), "many", "r.json: method.sizes.cubes is no integer"),
        (("summary", "policies"), -1, "r.json: summary.policies is less than 0"),
    ],
)
def test_a_departure_names_its_place(path: tuple[Any, ...], value: Any, said: str) -> None:
    data: Any = copy.deepcopy(REPORT)
    node = data
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    assert departure(data, report_schema(), "r.json") == said
