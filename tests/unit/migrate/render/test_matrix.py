from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from migrate.render.matrix import changes, picture
from tests.models import hostile, matrix
from translators.report import Matrix, MatrixLabel

SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_is_valid_and_has_a_titled_cell_for_each_pair():
    root = ET.fromstring(picture(matrix()))
    titles = [g.findtext(f"{SVG}title") for g in root.iter(f"{SVG}g")]
    assert titles == [
        "shop app=web (3 pods) → shop app=web (3 pods): all",
        "shop app=web (3 pods) → outside world: before nothing; after TCP 25 (opens)",
        "outside world → shop app=web (3 pods): before TCP 443; after nothing (closes)",
        "outside world → outside world: neither end is policed",
    ]


def test_only_cells_that_change_are_split_and_marked():
    root = ET.fromstring(picture(matrix()))
    marks = [t.text for t in root.iter(f"{SVG}text") if "mk" in (t.get("class") or "")]
    assert marks == ["+", "–"]
    assert len(list(root.iter(f"{SVG}path"))) == 4


def test_hostile_labels_stay_text():
    root = ET.fromstring(picture(hostile().matrix))
    assert not list(root.iter(f"{SVG}script"))
    assert not list(root.iter(f"{SVG}img"))


def test_long_labels_stay_inside_the_picture():
    long = MatrixLabel("n" * 63, "l" * 63, 1)
    root = ET.fromstring(picture(replace(matrix(), rows=(long, long), columns=(long, long))))
    longest = max(len("".join(t.itertext())) for t in root.iter(f"{SVG}text"))
    assert longest <= 2 * 32 + 1
    assert int(root.get("height")) > longest * 7


def test_changes_list_what_opens_first():
    assert [cell.mark for cell in changes(matrix())] == ["+", "–"]


def test_an_empty_matrix_is_still_a_picture():
    assert ET.fromstring(picture(Matrix((), (), (), (), ()))).tag == f"{SVG}svg"
