from __future__ import annotations

import pytest

from migrate.render.terminal import Canvas
from migrate.render.trace import data, table
from tests.unit.translators.test_question import CLUSTER, FLOW, OPEN, POLICY
from translators import explain

FOUND = explain(FLOW, [POLICY], cluster=CLUSTER)


def test_both_engines_stand_side_by_side_where_there_is_room() -> None:
    lines = table(FOUND, "TCP 5432").splitlines()
    assert lines[0] == "  shop/web-1 → shop/db-1, TCP 5432"
    assert lines[2].split() == ["Calico", "allow", "Cilium", "allow"]
    assert "egress of shop/web-1" in lines[3]
    assert "shop/db rule 1  Allow" in "\n".join(lines)


@pytest.mark.parametrize("width", [20, 40, 60, 76, 80, 120])
def test_every_width_is_kept(width: int) -> None:
    assert max(map(len, table(FOUND, "TCP 5432", Canvas(width=width)).splitlines())) <= width


def test_a_narrow_terminal_has_one_below_the_other() -> None:
    text = table(FOUND, "TCP 5432", Canvas(width=40))
    assert text.index("Calico ") < text.index("Cilium ")
    assert [line for line in text.splitlines() if "Calico " in line] == ["  Calico   allow"]


def test_wide_names_the_place_of_every_step() -> None:
    text = table(FOUND, "TCP 5432", Canvas(width=None))
    assert "shop/db rule 1  Allow  <object>" in text


def test_what_is_not_policed_is_said() -> None:
    text = table(explain({**FLOW, "src": "world"}, [POLICY], [OPEN]), "TCP 5432", Canvas(width=120))
    assert "egress of world: not policed there" in text
    assert "end of tier default  drop" in text


def test_the_data_holds_every_step() -> None:
    told = data(FOUND, "TCP 5432")
    assert told["agrees"] is True
    assert told["calico"]["ingress"] == {
        "verdict": "allow",
        "by": "NetworkPolicy:shop/db#0",
        "place": "<object>",
        "trace": [
            {"at": "NetworkPolicy:shop/db", "rule": "rule 1", "outcome": "allow", "place": "<object>"},
            {"at": "NetworkPolicy:shop/db#0", "rule": "", "outcome": "allow", "place": "<object>"},
        ],
    }
