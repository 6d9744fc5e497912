"""A report from what was written of it: its JSON, or the page that holds the JSON and the excerpts.

So a page in a mailbox is as good as the run that made it: every other format can be made from it.
"""

from __future__ import annotations

import json
from html.parser import HTMLParser

from migrate.render.excerpts import Excerpt, Excerpts, excerpts
from translators.errors import InputError
from translators.report import Report
from translators.report_reading import report_from

__all__ = ["read_saved"]

_NONE = Excerpts(Excerpt(1, ()))
MAX_DIGITS = 9


def read_saved(text: str, where: str) -> tuple[Report, list[Excerpts]]:
    """Give the report of a page or of JSON, and its excerpts; JSON has none of them.

    Raises ``InputError`` for a text that is neither, or of another major version.
    """
    if text.lstrip()[:1] == "<":
        page = _Page()
        page.feed(text)
        page.close()
        report = report_from(_parsed(page.data, where), where)
        return report, page.shown if len(page.shown) == len(report.policies) else excerpts(report, (), {})
    report = report_from(_parsed(text, where), where)
    return report, excerpts(report, (), {})


def _parsed(text: str, where: str) -> object:
    if not text:
        raise InputError(f"{where} holds no report")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error}") from error


class _Page(HTMLParser):
    """What a page says beside its markup: the JSON, and the lines of source and output of each policy."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.data = ""
        self.shown: list[Excerpts] = []
        self._side = ""
        self._is_report = self._is_line = False
        self._blocks: list[tuple[int, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        match tag, given.get("class"):
            case "script", _:
                self._is_report = given.get("id") == "report"
            case "details", "policy":
                self.shown.append(_NONE)
            case "div", ("source" | "output") as side:
                self._side, self._blocks = side, []
            case "h3", _ if self._side:
                self._blocks.append((1, []))
            case "span", _ if self._side and "data-n" in given:
                number = given["data-n"] or ""
                self._line(int(number) if number.isdecimal() and len(number) <= MAX_DIGITS else 1)

    def _line(self, number: int) -> None:
        first, lines = self._blocks[-1] if self._blocks else (number, [])
        self._blocks = self._blocks or [(number, [])]
        self._blocks[-1] = (first if lines else number, [*lines, ""])
        self._is_line = True

    def handle_data(self, data: str) -> None:
        if self._is_report:
            self.data += data
        elif self._is_line and self._blocks and self._blocks[-1][1]:
            self._blocks[-1][1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "span":
            self._is_line = False
        elif tag == "script":
            self._is_report = False
        elif tag == "div" and self._side:
            self._keep()

    def _keep(self) -> None:
        found = tuple(
            Excerpt(first, tuple(t.removesuffix("\n") for t in texts)) for first, texts in self._blocks
        )
        if not self.shown or not found:
            self._side = ""
            return
        last = self.shown[-1]
        if self._side == "source":
            self.shown[-1] = Excerpts(found[0], last.outputs)
        else:
            self.shown[-1] = Excerpts(last.source, found)
        self._side = ""
