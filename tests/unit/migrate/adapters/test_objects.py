"""Objects come out of every sort of file one by one, and what is broken hides nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from migrate.adapters import objects
from migrate.adapters.objects import Problem, read_objects

WEB = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
DB = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db"}}


def taken(content: str | bytes, size: int = 7) -> tuple[list[Mapping[str, Any]], list[Problem]]:
    """Read a text that comes in small pieces."""
    whole = content if isinstance(content, bytes) else content.encode()
    found: list[Mapping[str, Any]] = []
    problems = read_objects(
        "f", lambda: [whole[i : i + size] for i in range(0, len(whole), size)], found.append
    )
    return found, problems


def names(content: str | bytes) -> list[str]:
    found, problems = taken(content)
    assert problems == []
    return [item["metadata"]["name"] for item in found]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [WEB, DB]}),
        json.dumps({"apiVersion": "v1", "items": [WEB, DB], "kind": "List"}),
        json.dumps([WEB, DB]),
        json.dumps(WEB) + "\n" + json.dumps(DB) + "\n",
        json.dumps(
            {
                "kind": "List",
                "apiVersion": "v1",
                "items": [{"kind": "PodList", "apiVersion": "v1", "items": [WEB, DB]}],
            }
        ),
        yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [WEB, DB]}),
        yaml.safe_dump([WEB, DB]),
        yaml.safe_dump_all([WEB, DB]),
        "# a comment\n---\n" + yaml.safe_dump_all([WEB, DB]) + "...\n",
        "apiVersion: v1\nitems:\n  - {apiVersion: v1, kind: Pod, metadata: {name: web}}\n  - apiVersion: v1\n    kind: Pod\n    metadata:\n      name: db\nkind: List\n",
        "\ufeff" + json.dumps([WEB, DB]),
        "{apiVersion: v1, kind: List, items: [" + json.dumps(WEB) + "," + json.dumps(DB) + "]}",
    ],
    ids=range(12),
)
def test_every_form_of_a_list_gives_its_members(content: str) -> None:
    assert names(content) == ["web", "db"]


@pytest.mark.parametrize(
    "content",
    [
        '{"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "web"}}]}',
        '{"apiVersion": "v1", "items": [{"metadata": {"name": "web"}}], "kind": "PodList"}',
        "apiVersion: v1\nkind: PodList\nitems:\n- metadata:\n    name: web\n",
        "apiVersion: v1\nitems:\n- metadata:\n    name: web\nkind: PodList\n",
    ],
)
def test_members_take_the_kind_that_their_list_says(content: str) -> None:
    found, _ = taken(content)
    assert found == [WEB]


def test_nothing_at_all_is_no_problem() -> None:
    assert taken("") == ([], [])
    assert taken("---\n---\n# nothing\n") == ([], [])
    assert taken("{}") == ([{}], [])


def test_an_item_that_is_no_yaml_hides_no_other() -> None:
    broken = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: web\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: db}\nkind: List\n"
    found, problems = taken(broken)
    assert [item["metadata"]["name"] for item in found] == ["db"]
    assert [(p.file, p.line >= 3) for p in problems] == [("f", True)]


def test_a_document_that_is_no_yaml_hides_no_other() -> None:
    found, problems = taken(f"a: [1\n---\n{yaml.safe_dump(DB)}")
    assert found == [DB]
    assert len(problems) == 1


def test_block_text_with_dashes_inside_an_item_stays_whole() -> None:
    item = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x"},
        "data": {"a": "- one\n- two\nitems:\n- three\n"},
    }
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [item, WEB]}, default_style=None)
    found, problems = taken(text)
    assert (found, problems) == ([item, WEB], [])
    literal = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: x}\n  data:\n    a: |\n      - one\n      - two\n\n      items:\n      - three\nkind: List\n"
    assert taken(literal)[0] == [{**item, "data": {"a": "- one\n- two\n\nitems:\n- three\n"}}]


def test_scalars_are_read_as_kubernetes_reads_them() -> None:
    found, _ = taken("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {a: 22:53, b: yes, c: 010}\n")
    assert found[0]["spec"] == {"a": "22:53", "b": True, "c": 8}


def test_a_text_that_is_not_utf8_is_named() -> None:
    found, problems = taken(b"a: \xff\xfe\n")
    assert found == []
    assert "not UTF-8" in str(problems[0])


def test_json_with_a_key_twice_is_read_by_the_reader_of_yaml_which_says_so() -> None:
    _, problems = taken('{"apiVersion": "v1", "kind": "Pod", "kind": "Pod", "metadata": {"name": "x"}}')
    assert len(problems) == 1


def test_a_large_file_that_breaks_off_keeps_what_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "SMALL", 10)
    whole = json.dumps({"kind": "List", "apiVersion": "v1", "items": [WEB, DB]})
    found, problems = taken(whole[:-30])
    assert found == [WEB]
    assert "damaged after 1 objects" in str(problems[0])


def test_a_problem_is_told_with_its_place() -> None:
    assert str(Problem("a.yaml", 3, "x")) == "a.yaml:3: x"
    assert str(Problem("a.yaml", 0, "x")) == "a.yaml: x"
