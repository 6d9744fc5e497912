from __future__ import annotations

import json

import pytest

from tests.models import MODELS, all_grades
from translators.errors import InputError
from translators.report import to_json
from translators.report_reading import report_from


def data(name="grades"):
    return json.loads(json.dumps(to_json(MODELS[name]())))


@pytest.mark.parametrize("name", MODELS)
def test_what_was_written_is_read_back_whole(name):
    assert report_from(data(name)) == MODELS[name]()


def test_a_key_of_a_newer_minor_version_is_left_out():
    newer = {**data(), "schemaVersion": "1.9", "later": 1}
    newer["policies"][0]["later"] = True
    assert report_from(newer) == all_grades()


@pytest.mark.parametrize("key", ["input", "policies", "method", "matrix"])
def test_a_missing_key_is_named(key):
    wrong = data()
    del wrong[key]
    with pytest.raises(InputError, match=f"r.json has no '{key}'"):
        report_from(wrong, "r.json")


@pytest.mark.parametrize("value", [None, 3, "x", [3]])
def test_a_value_of_another_type_is_damage(value):
    with pytest.raises(InputError, match=r"r.json: policies(\[0\])? is no (array|object)"):
        report_from({**data(), "policies": value}, "r.json")
