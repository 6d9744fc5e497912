"""Files of every form give the same documents at the same places, whole or in pieces."""

from __future__ import annotations

import json

import pytest

from translators.source import Document, Reading, read, read_chunks
from translators.span import Span
from translators.worldbuilder import build_world
from translators.yaml_reading import documents

POLICY = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "NetworkPolicy",
    "metadata": {"name": "allow", "namespace": "shop"},
    "spec": {"selector": "app == 'web'", "ingress": [{"action": "Allow"}, {"action": "Deny"}]},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "managedFields": [{"a": 1}]},
    "spec": {
        "nodeName": "n1",
        "containers": [
            {"name": "a", "env": [{"name": "X"}], "ports": [{"name": "http", "containerPort": 80}]}
        ],
        "volumes": [{"name": "v"}],
    },
    "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}], "conditions": []},
}
PIECES = (1, 2, 3, 7, 64, 10_000)


def listed(*items: object, kind: str = "List") -> dict[str, object]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {}, "items": list(items)}


def one_a_line(*items: object) -> str:
    lines = ",\n".join(json.dumps(item) for item in items)
    return f'{{"apiVersion": "v1", "kind": "List", "items": [\n{lines}\n]}}\n'


def in_pieces(text: str, size: int) -> Reading:
    content = text.encode()
    return read_chunks("f.json", lambda: [content[i : i + size] for i in range(0, len(content), size)])


def rest(text: str, span: Span) -> str:
    """Give the text from a place on."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[span.line - 1 :])[span.column - 1 :]


def told(reading: Reading) -> list[object]:
    """Everything that can be asked of documents: data, place, places inside."""
    return [
        (d.data, d.span, d.at("spec", "ingress", 1), d.at("spec", "selector"), d.at("metadata", "name"))
        for d in reading.documents
    ]


TEXTS = {
    "one object": json.dumps(POLICY),
    "indented": json.dumps(listed(POLICY, POD, POLICY), indent=4),
    "sorted keys": json.dumps(listed(POD, POLICY), indent=1, sort_keys=True),
    "one a line": one_a_line(POLICY, POD, POLICY),
    "a bare list": json.dumps([POLICY, POD]),
    "no objects among objects": json.dumps([POLICY, {"a": 1}, None]),
    "a map that is no list": json.dumps({"apiVersion": "v1", "kind": "Thing", "items": [1, 2]}),
    "an empty list": json.dumps(listed()),
    "not ASCII": json.dumps({**POLICY, "x": "ü💡"}, ensure_ascii=False),
}


@pytest.mark.parametrize("name", TEXTS)
def test_json_gives_what_yaml_gives_at_the_same_places(name: str) -> None:
    text = TEXTS[name]
    reading = read("f.json", text.encode())
    assert not reading.diagnostics
    (whole,) = [found for found in documents("f.json", text) if isinstance(found, tuple)]
    wanted = whole[0] if isinstance(whole[0], list) else whole[0].get("items", [whole[0]])
    objects = [o for o in wanted if isinstance(o, dict) and "kind" in o]
    if name == "a map that is no list":
        objects = [whole[0]]
    for document, data in zip(reading.documents, objects, strict=True):
        assert document.kind == data["kind"]
        if data["kind"] == "NetworkPolicy":
            assert document.data == data
            assert rest(text, document.span).startswith("{")
            assert rest(text, document.at("spec", "selector")).startswith("\"app == 'web'\"")
            assert "Deny" in rest(text, document.at("spec", "ingress", 1))[:60]
            assert "Allow" not in rest(text, document.at("spec", "ingress", 1))[:60]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("size", PIECES)
def test_pieces_give_what_the_whole_gives(name: str, size: int) -> None:
    whole, pieces = read("f.json", TEXTS[name].encode()), in_pieces(TEXTS[name], size)
    assert told(pieces) == told(whole)
    assert pieces.others == whole.others


def test_places_inside_an_item_count_from_the_file() -> None:
    (_, second) = read("f.json", one_a_line(POD, POLICY).encode()).documents
    line = json.dumps(POLICY)
    assert (second.span.line, second.span.column) == (3, 1)
    place = second.at("spec", "ingress", 1)
    assert place.line == 3
    assert line[place.column - 1 :] == '{"action": "Deny"}]}}'


def test_lines_of_json_are_documents_in_a_row() -> None:
    text = "\n".join(json.dumps(item) for item in (POLICY, POD)) + "\n"
    first, second = read("f.jsonl", text.encode()).documents
    assert (first.kind, first.span.line, second.kind, second.span.line) == ("NetworkPolicy", 1, "Pod", 2)


def test_a_list_of_the_api_types_its_items_wherever_its_kind_stands() -> None:
    bare = {key: value for key, value in POLICY.items() if key not in {"kind", "apiVersion"}}
    first = {"kind": "NetworkPolicyList", "apiVersion": "projectcalico.org/v3", "items": [bare]}
    last = {"items": [bare], "kind": "NetworkPolicyList", "apiVersion": "projectcalico.org/v3"}
    for outer in (first, last):
        (document,) = read("f.json", json.dumps(outer).encode()).documents
        assert document.data == POLICY
    (placed,) = read("f.json", json.dumps(first).encode()).documents
    assert placed.at("spec", "ingress", 1).column > 1


def test_lists_within_lists_are_read() -> None:
    text = json.dumps(listed(listed(POLICY), [POD]))
    assert [d.kind for d in read("f.json", text.encode()).documents] == ["NetworkPolicy", "Pod"]


@pytest.mark.parametrize(
    "text", [json.dumps(POD), json.dumps([POD], indent=2), "kind: Pod\n" + "apiVersion: v1"]
)
def test_of_a_pod_only_what_policies_can_ask_is_kept(text: str) -> None:
    (document,) = read("f", text.encode()).documents
    assert not {"managedFields", "annotations"} & document.metadata.keys()
    assert "volumes" not in document.data.get("spec", {})
    assert "env" not in json.dumps(document.data)


def test_the_world_sees_no_difference_in_a_pod_that_was_cut_down() -> None:
    (document,) = read("f", json.dumps(POD).encode()).documents
    cut, odd = build_world([document])
    whole, _ = build_world([Document(POD, document.span)])
    assert cut.pods == whole.pods
    assert not odd


@pytest.mark.parametrize("part", ["metadata", "spec", "status"])
@pytest.mark.parametrize("value", [None, 3, "x", [1]])
def test_an_odd_pod_stays_odd(part: str, value: object) -> None:
    pod = {**POD, part: value}
    (document,) = read("f", json.dumps(pod).encode()).documents
    whole, odd = build_world([Document(pod, document.span)])
    cut, also = build_world([document])
    assert (cut.pods, [d.code for d in also]) == (whole.pods, [d.code for d in odd])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"apiVersion": "v1", "kind": "Pod", "kind": "Pod"}', "CAL-P118"),
        ('{"apiVersion": "v1",\n "kind": "Pod"', "CAL-P101"),
        ("[" * 200 + "]" * 200, "CAL-P101"),
        ('{"apiVersion": "v1", "kind": "X", "a": ' + "[" * 150 + "]" * 150 + "}", "CAL-P101"),
        ('{"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": "\\ud800"}}}', "CAL-P101"),
    ],
)
@pytest.mark.parametrize("size", [5, 1_000])
def test_what_is_no_plain_json_is_named(text: str, code: str, size: int) -> None:
    assert [d.code for d in in_pieces(text, size).diagnostics] == [code]


def test_bytes_that_are_no_text_are_named_with_their_line() -> None:
    (found,) = read("f", b'{"kind": "Pod",\n "a": "\xff"}').diagnostics
    assert (found.code, found.span.line) == ("CAL-P101", 2)


def test_blank_pieces_keep_the_lines() -> None:
    reading = read_chunks("f", lambda: [b"\n\n", b" \n", b"kind: Pod\napiVersion: v1\n"])
    assert reading.documents[0].span.line == 4


def test_nan_is_a_word_as_the_cluster_reads_it() -> None:
    (document,) = read("f", b'{"apiVersion": "v1", "kind": "X", "a": NaN}').documents
    assert document.data["a"] == "NaN"
