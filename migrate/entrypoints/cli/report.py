"""``c2c report``: the report of a run from its journal, or a report that was written in any other format; offline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import Any

import click
import yaml

from migrate.adapters.journal_file import good_records
from migrate.adapters.run_folder import find_run, state_dir
from migrate.entrypoints.cli.face import say
from migrate.entrypoints.cli.output import emit, outputs_option
from migrate.entrypoints.cli.runs import load_plan, run_options
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.story import MigrationReport
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
    metavar="FILE",
    help="A page or JSON that translate wrote, or the folder it wrote to; else the run's own report.",
)
@outputs_option
@run_options
def command(source: str | None, outputs: Sequence[str], state_dir: str | None, run_id: str | None) -> int:
    """Build the report of a run, or of a rehearsal, from its journal; or show a translation report again.

    \b
    c2c report --run 7f3a -o report.html -o report.json
    c2c report -o report.md
    c2c report --from report.html -o sarif > c2c.sarif
    """
    if source is None:
        return _of_run(state_dir, run_id, outputs)
    report, shown = _read(source)
    made = renderers(report, lambda: shown)
    made["yaml"] = lambda: yaml.safe_dump(to_json(report), sort_keys=False, allow_unicode=True)
    emit(outputs, partial(summary, report), made)
    return ExitCode.DONE


def _of_run(place: str | None, prefix: str | None, outputs: Sequence[str]) -> int:
    """Tell what the records of a run say; a damaged journal is told as far as it is good (exit 8)."""
    from migrate.render.story import Damage, story  # noqa: PLC0415  # only for a run

    folder = find_run(state_dir(place), prefix)
    plan = load_plan(str(folder / "plan.json"))
    records, damage = good_records(folder / "journal.jsonl")
    if damage:
        say(f"the journal is damaged: {damage}; {len(records)} records are good", always=True)
    if not records:
        raise Failure(f"the journal of run {folder.name[:4]} holds no good record", why="JournalBroken", fix=f"look at {folder / 'journal.jsonl'}; c2c status asks the cluster instead", code=ExitCode.INCONCLUSIVE)  # fmt: skip
    report = story(plan, records, Damage(damage), list(_evidence(folder)))
    _show(report, records, outputs)
    return ExitCode.INCONCLUSIVE if damage else ExitCode.DONE


def _evidence(folder: Path) -> Iterator[tuple[str, str]]:
    """Give each file of evidence with its sum; ``sha256sum -c`` takes the list from the run's folder."""
    for path in sorted((folder / "evidence").rglob("*")):
        if path.is_file():
            with path.open("rb") as stream:
                yield str(path.relative_to(folder)), file_digest(stream, "sha256").hexdigest()


def _show(report: MigrationReport, records: Sequence[Any], outputs: Sequence[str]) -> None:
    from migrate.render import run_events, story_chart, story_text  # noqa: PLC0415  # only for a run

    def page() -> str:
        from migrate.render import story_page  # noqa: PLC0415  # jinja2 only for a page

        return story_page.page(report)

    def lines() -> str:
        hello = {"type": "hello", "schemaVersion": "1.0", "tool": report.tool.version, "run": report.run}
        return "".join(
            json.dumps(e, ensure_ascii=False) + "\n" for e in (hello, *map(run_events.event_of, records))
        )

    rendered: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n",
        "yaml": lambda: yaml.safe_dump(
            json.loads(json.dumps(asdict(report))), sort_keys=False, allow_unicode=True
        ),
        "jsonl": lines,
        "markdown": lambda: story_text.markdown(report),
        "html": page,
        "junit": lambda: story_text.junit(report),
        "svg": lambda: story_chart.svg(report),
    }
    emit(outputs, partial(story_text.table, report), rendered)


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
