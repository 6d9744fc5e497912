"""The bytes of every rendering are the contract: rewrite them with ``C2C_REWRITE=1``, then read the diff."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from migrate.render import github, junit, sarif
from migrate.render.excerpts import excerpts
from migrate.render.html import page
from migrate.render.issues import of_report
from migrate.render.markdown import comment
from migrate.render.matrix import picture
from migrate.render.table import summary
from migrate.render.terminal import Canvas
from tests.models import MODELS, SOURCE
from translators.layout import OutputFile
from translators.report import to_json

FOLDER = Path(__file__).parent / "render"
FILES = (OutputFile("shop.yaml", "# c2c\n---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n", ()),)
RENDERERS = {
    "txt": summary,
    "wide.txt": lambda report: summary(report, Canvas(width=None)),
    "json": lambda report: json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n",
    "md": comment,
    "svg": lambda report: picture(report.matrix),
    "sarif": lambda report: sarif.log(of_report(report)),
    "xml": lambda report: junit.suite(
        "c2c translate", junit.cases_of_report(report, of_report(report)), {"input": report.input_hash}
    ),
    "github.txt": lambda report: github.commands(of_report(report)),
    "html": lambda report: page(report, excerpts(report, FILES, {"shop.yaml": SOURCE})),
}


@pytest.mark.parametrize("suffix", RENDERERS)
@pytest.mark.parametrize("name", MODELS)
def test_a_rendering_is_byte_for_byte_the_same(name, suffix):
    text = RENDERERS[suffix](MODELS[name]())
    path = FOLDER / f"{name}.{suffix}"
    if os.environ.get("C2C_REWRITE") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
