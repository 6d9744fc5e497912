from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.render.excerpts import excerpts
from migrate.render.html import page
from migrate.render.saved import read_saved
from tests.models import HOSTILE, MODELS, SOURCE, all_grades, clean, hostile
from translators.layout import OutputFile
from translators.report import to_json

FILES = (OutputFile("shop.yaml", "# c2c\n---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n", ()),)


def paged(report, files=(), texts=None):
    return page(report, excerpts(report, files, texts or {}))


class _Page(HTMLParser):
    """What a browser would make of the page: tags, attributes, text, scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self._in: str = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._in = tag

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        if self._in == "script":
            self.scripts.append(data)
        elif self._in != "style":
            self.text.append(data)

    def values(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.tags if name in attrs]


@pytest.mark.parametrize("name", MODELS)
def test_a_page_fetches_nothing(name):
    page_ = _Page(paged(MODELS[name](), FILES, {"shop.yaml": SOURCE}))
    for value in [*page_.values("src"), *page_.values("href"), *page_.values("xlink:href")]:
        assert value.startswith(("#", "data:")), value
    assert not [tag for tag, _ in page_.tags if tag in {"link", "iframe", "object", "embed", "img", "base"}]


@pytest.mark.parametrize("name", MODELS)
def test_every_link_has_its_target_and_every_id_is_unique(name):
    page_ = _Page(paged(MODELS[name](), FILES, {}))
    ids = page_.values("id")
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in page_.values("href")} <= set(ids)


def test_hostile_names_stay_text():
    friendly, evil = (_Page(paged(model(), FILES, {})) for model in (all_grades, hostile))
    assert [tag for tag, _ in evil.tags if tag in {"script", "img"}] == ["script", "script"]
    assert not [attrs for _, attrs in evil.tags if any(key.startswith("on") for key in attrs)]
    shown = " ".join(evil.text)
    for text in HOSTILE:
        assert text in shown
    assert {tag for tag, _ in evil.tags} == {tag for tag, _ in friendly.tags} | {"strong"}


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1))
def test_any_text_comes_back_as_it_was(text):
    report = all_grades()
    names = tuple(type(p)(**{**_fields(p), "name": text}) for p in report.policies)
    shown = _Page(paged(type(report)(**{**_fields(report), "policies": names}), (), {}))
    assert " ".join(text.split()) in " ".join("".join(shown.text).split())


def _fields(value):
    return {name: getattr(value, name) for name in type(value).__slots__}


@pytest.mark.parametrize("name", MODELS)
def test_the_json_is_inside_unchanged(name):
    report = MODELS[name]()
    embedded = _Page(paged(report, FILES, {})).scripts[0]
    assert json.loads(embedded) == json.loads(json.dumps(to_json(report)))


def test_only_the_pages_own_short_script_may_run():
    text = paged(clean(), (), {})
    page_ = _Page(text)
    script = page_.scripts[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(attrs["content"] for _, attrs in page_.tags if attrs.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy
    assert script.count("\n") <= 60


def test_the_numbers_are_those_of_the_json():
    report = all_grades()
    summary = to_json(report)["summary"]
    shown = re.findall(r"<li[^>]*><b>(\d+)</b>", paged(report, (), {}))
    grades = summary["grades"]
    assert [int(number) for number in shown] == [
        grades["S0"] + grades["S1"] + grades["S2"],
        grades["A"],
        grades["X"],
        summary["kept"],
        summary["differences"],
    ]


def test_source_stands_beside_output_with_the_deciding_line_marked():
    text = paged(all_grades(), FILES, {"shop.yaml": SOURCE})
    assert '<span data-n="8" class="hit">    icmp: {type: 3, code: 4}' in text
    assert '<span data-n="3">apiVersion: cilium.io/v2' in text


def test_headings_are_in_order_and_landmarks_are_there():
    page_ = _Page(paged(all_grades(), FILES, {"shop.yaml": SOURCE}))
    levels = [int(tag[1]) for tag, _ in page_.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert {"header", "main", "nav", "footer"} <= {tag for tag, _ in page_.tags}
    assert all("scope" in attrs for tag, attrs in page_.tags if tag == "th")


def test_equal_reports_give_equal_bytes():
    assert paged(all_grades(), FILES, {}) == paged(all_grades(), FILES, {})


@pytest.mark.parametrize("name", MODELS)
def test_a_page_is_its_own_source(name):
    text = paged(MODELS[name](), FILES, {"shop.yaml": SOURCE})
    report, shown = read_saved(text, "report.html")
    assert report == MODELS[name]()
    assert page(report, shown) == text


def test_a_change_in_the_picture_leads_to_its_row():
    page_ = _Page(paged(all_grades()))
    ids = page_.values("id")
    assert {"#m-0-1", "#m-1-0"} <= set(page_.values("href"))
    assert {"m-0-1", "m-1-0"} <= set(ids)


def test_a_policy_leads_to_the_decision_that_it_waits_for():
    page_ = _Page(paged(all_grades()))
    decision = "d-" + next(f.id for f in all_grades().findings if f.severity == "warning").lower()
    assert decision in page_.values("id")
    assert f"#{decision}" in page_.values("href")


def test_each_decision_says_what_settles_it():
    shown = "".join(_Page(paged(all_grades())).text)
    finding = next(f for f in all_grades().findings if f.code == "CAL-L502")
    assert f'--accept {finding.id}="why"' in shown
    assert "translate.approximate: {CAL-L502: looser}" in shown
