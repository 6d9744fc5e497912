"""``c2c report``: a report that was written, in any other format; offline, from the file alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import yaml

from migrate.entrypoints.cli.output import emit, outputs_option
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.render.excerpts import Excerpts
from migrate.render.saved import read_saved
from migrate.render.table import summary
from migrate.render.translation import renderers
from translators.errors import InputError
from translators.report import Report, to_json

SAVED = Path(".c2c") / "report.json"


@click.command("report")
@click.option(
    "--from",
    "source",
    type=click.Path(),
    required=True,
    metavar="FILE",
    help="A page or JSON that translate wrote, or the folder it wrote to.",
)
@outputs_option
def command(source: str, outputs: Sequence[str]) -> int:
    """Show a translation report again, in any format.

    \b
    c2c report --from report.html
    c2c report --from report.html -o sarif > c2c.sarif
    c2c report --from cilium/ -o report.html -o junit=report.xml
    """
    report, shown = _read(source)
    made = renderers(report, lambda: shown)
    made["yaml"] = lambda: yaml.safe_dump(to_json(report), sort_keys=False, allow_unicode=True)
    emit(outputs, partial(summary, report), made)
    return ExitCode.DONE


def _read(source: str) -> tuple[Report, Sequence[Excerpts]]:
    place = Path(source)
    place = place / SAVED if place.is_dir() else place
    fix = "name a page or JSON that c2c translate wrote"
    try:
        return read_saved(place.read_text(encoding="utf-8-sig"), str(place))
    except OSError as error:
        raise Failure(f"{place} cannot be read: {error.strerror}", fix=fix) from error
    except UnicodeDecodeError as error:
        raise Failure(f"{place} cannot be read: it is not UTF-8", fix=fix) from error
    except InputError as error:
        raise Failure(str(error), fix=fix) from error
