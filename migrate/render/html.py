"""The report as one self-contained page: inline style, no script, nothing fetched, readable in ten years.

Every name in a cluster is hostile input: jinja2 escapes all of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources

import jinja2

from migrate.render.matrix import reachability
from translators.layout import OutputFile
from translators.report import Report, to_json
from translators.source import Document

__all__ = ["page"]


def page(report: Report, files: Sequence[OutputFile], documents: Sequence[Document]) -> str:
    """Give the whole page; equal reports give equal bytes."""
    by_id = {finding.id: finding for finding in report.findings}
    return _template().render(
        report=report,
        grades=report.grades(),
        by_id=by_id,
        files=files,
        matrix=reachability(report, documents),
        data=_embedded(report),
    )


def _embedded(report: Report) -> str:
    """Give the JSON in a form that cannot end its own script element."""
    text = json.dumps(to_json(report), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _template() -> jinja2.Template:
    text = resources.files("migrate.render").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(text)
