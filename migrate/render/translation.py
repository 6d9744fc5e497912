"""Every format of the translation report, by name: what ``translate`` and ``report`` offer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from migrate.render import github, sarif
from migrate.render.excerpts import Excerpts
from migrate.render.issues import of_report
from migrate.render.markdown import comment
from translators.report import Report, to_json

__all__ = ["as_json", "renderers"]


def renderers(report: Report, shown: Callable[[], Sequence[Excerpts]]) -> dict[str, Callable[[], str]]:
    """Give what renders each format; ``shown`` gives the excerpts, and is asked only for the page."""
    return {
        "json": lambda: as_json(report),
        "jsonl": lambda: _lines(report),
        "markdown": lambda: comment(report),
        "html": lambda: _page(report, shown),
        "svg": lambda: _picture(report),
        "sarif": lambda: sarif.log(of_report(report)),
        "junit": lambda: _suite(report),
        "github": lambda: github.commands(of_report(report)),
    }


def as_json(report: Report) -> str:
    """Give the report as JSON, as it stands in ``.c2c/report.json`` too."""
    return json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n"


def _lines(report: Report) -> str:
    hello = {"type": "hello", "schemaVersion": "1.0", "tool": report.method.tool, "run": None}
    rows = [hello, *({"type": "finding", **f} for f in to_json(report)["findings"])]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _page(report: Report, shown: Callable[[], Sequence[Excerpts]]) -> str:
    from migrate.render.html import page  # noqa: PLC0415  # jinja2 is loaded only for a page

    return page(report, shown())


def _picture(report: Report) -> str:
    from migrate.render.matrix import picture  # noqa: PLC0415  # see above

    return picture(report.matrix) if report.matrix else ""


def _suite(report: Report) -> str:
    from migrate.render import junit  # noqa: PLC0415  # the XML library is loaded only for this

    properties = {"input": report.input_hash, "calico": report.method.calico, "cilium": report.method.cilium}
    return junit.suite("c2c translate", junit.cases_of_report(report, of_report(report)), properties)
