"""Node selector terms hold as Kubernetes has them hold."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.model.node_selection import selects_node
from migrate.model.nodes import Node

NODE = Node("wrk-1", labels={"zone": "a", "cores": "8"})


def term(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("terms", "holds"),
    [
        ([term("zone", "In", "a", "b")], True),
        ([term("zone", "NotIn", "a")], False),
        ([term("rack", "NotIn", "a")], True),
        ([term("rack", "In", "a")], False),
        ([term("zone", "Exists")], True),
        ([term("zone", "DoesNotExist")], False),
        ([term("cores", "Gt", "4")], True),
        ([term("cores", "Lt", "8")], False),
        ([term("zone", "Gt", "4")], False),
        ([term("cores", "Gt", "x")], False),
        ([term("zone", "In", "b"), term("cores", "Exists")], True),
        ([{}], False),
        ([], False),
        ([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["wrk-1"]}]}], True),
        ([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["wrk-2"]}]}], False),
        ([term("zone", "Near", "a")], False),
    ],
)
def test_a_term_holds_or_not(terms: Any, holds: bool) -> None:
    assert selects_node(terms, NODE) is holds
