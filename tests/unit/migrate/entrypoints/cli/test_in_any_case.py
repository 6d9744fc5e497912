"""What a pipeline collects as JUnit: red wherever the verb did not come to its own end, and never an earlier run's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from migrate.entrypoints.cli.in_any_case import NO_END, junit_in_any_case
from migrate.errors import Failure
from migrate.exitcodes import ExitCode


@junit_in_any_case
def verb(outputs: Sequence[str], ending: object, seen: list[str]) -> int:
    """End as it is told, once the file was looked at."""
    place = Path(outputs[0].partition("=")[2] or outputs[0])
    seen.append(told(place))
    if isinstance(ending, BaseException):
        raise ending
    if isinstance(ending, str):
        place.write_text(ending, encoding="utf-8")
    return 0


def told(path: Path) -> str:
    """Give what a file says is wrong."""
    found = ET.fromstring(path.read_text(encoding="utf-8")).find(".//error")
    assert found is not None
    return found.text or ""


ENDINGS = {
    "a failure is told with its remedy": (Failure("it is locked", fix="wait", code=ExitCode.LOCKED), "it is locked\nwait"),
    "a crash names no more than its kind": (ZeroDivisionError("secret"), "internal error: ZeroDivisionError"),
    "a signal": (KeyboardInterrupt(), "interrupted"),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDINGS)
def test_an_end_that_is_none_is_told(case: str, tmp_path: Path) -> None:
    ending, wanted = ENDINGS[case]
    path, seen = tmp_path / "run.xml", list[str]()
    path.write_text("<testsuites/>", encoding="utf-8")
    with pytest.raises(type(ending)):
        verb(outputs=[f"junit={path}"], ending=ending, seen=seen)
    assert seen == [NO_END], "while it runs the file is what a kill would leave"
    assert told(path) == wanted


def test_the_verb_s_own_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "run.xml"
    assert verb(outputs=[str(path)], ending="<testsuites/>", seen=[]) == 0
    assert path.read_text(encoding="utf-8") == "<testsuites/>"


def test_what_is_handed_over_leaves_none(tmp_path: Path) -> None:
    path = tmp_path / "run.xml"
    assert verb(outputs=[str(path)], ending=None, seen=[]) == 0
    assert not path.exists()
