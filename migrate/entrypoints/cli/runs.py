"""Which run is meant, and what is known of it: from this machine's folder, else from the cluster that it was in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from migrate.adapters.journal_file import BrokenJournal, read_records, set_aside
from migrate.adapters.mirror_configmap import ConfigMapMirror
from migrate.adapters.run_folder import find_run, runs, state_dir
from migrate.bootstrap import Live, RunPlace
from migrate.driver.books import Standing, played_back, standing
from migrate.driver.session import Forked, mirror_is_further
from migrate.engine.plan_file import PlanError, plan_document, plan_of
from migrate.entrypoints.cli.face import say
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.plan import Plan, canonical
from migrate.model.run import Run
from migrate.model.serial import decode
from migrate.ports import Mirrored

__all__ = ["Known", "keep_plan", "known_run", "load_plan", "local_run", "run_options"]

DEFAULT_NAMESPACE = "c2c-system"


def run_options[F: Callable[..., Any]](verb: F) -> F:
    """Give a verb the options that say which run is meant."""
    for option in (
        click.option("--state-dir", metavar="DIR", envvar="C2C_STATE_DIR", help="Where runs live on this machine."),
        click.option("--run", "run_id", metavar="ID", envvar="C2C_RUN", help="A prefix of the run's id, 4 digits or more."),
    ):  # fmt: skip
        verb = option(verb)
    return verb


@dataclass(frozen=True, slots=True)
class Known:
    """A run: its plan, where it stands, its folder here; ``further``: the mirror that is ahead of the records here."""

    run_id: str
    plan: Plan
    stands: Standing
    folder: Path
    records: Sequence[Mapping[str, Any]] = ()
    further: Mirrored | None = None
    elsewhere: bool = False

    @property
    def place(self) -> RunPlace:
        """Give where its driver goes on: in its folder, behind the mirror where that is further."""
        further = (self.further.seq, self.further.hash) if self.further else None
        return RunPlace(self.run_id, self.folder, further)


def load_plan(path: str) -> Plan:
    """Read a plan; raises ``Failure``: exit 2 where the file cannot be read, 3 where it is no plan to carry out."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}", fix="check the path") from error
    except ValueError as error:
        raise Failure(f"{path} is no JSON: {error}", fix="make a plan with c2c plan -o plan.json") from error
    return checked_plan(document, path)


def checked_plan(document: object, path: str) -> Plan:
    """Give the plan of a document; raises ``Failure`` (exit 3) where it is none that can be carried out."""
    try:
        return plan_of(document)
    except PlanError as error:
        raise Failure(f"{path}: {error}", why="PlanStale", fix=error.fix, code=ExitCode.BLOCKED) from error


def keep_plan(plan: Plan, folder: Path) -> None:
    """Write the plan into the run's folder, so that the run can be resumed and reported without the first file."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "plan.json"
    path.touch(mode=0o600)
    path.write_bytes(canonical(plan_document(plan)) + b"\n")


def local_run(given: str | None, prefix: str | None, *, rebuild: bool = False) -> Known:
    """Give a run of this machine; raises ``Failure`` where there is none, or its journal is damaged (exit 3).

    With ``rebuild`` a damaged journal is set aside, and its good part counts.
    """
    folder = find_run(state_dir(given), prefix)
    plan = load_plan(str(folder / "plan.json"))
    try:
        records = read_records(folder / "journal.jsonl")
    except BrokenJournal as error:
        if rebuild:
            say(
                f"the damaged journal is kept as {set_aside(error)}; {len(error.good)} records are good",
                always=True,
            )
            return local_run(given, prefix)
        fix = "c2c resume --rebuild sets it aside and goes on from the cluster"
        raise Failure(f"the journal is damaged: {error}", why="JournalBroken", fix=fix, code=ExitCode.BLOCKED) from error  # fmt: skip
    return Known(folder.name, plan, played_back(records, plan, folder.name), folder, records)


def known_run(
    live: Live,
    given: str | None,
    prefix: str | None,
    namespace: str = DEFAULT_NAMESPACE,
    *,
    rebuild: bool = False,
) -> Known:
    """Give the run that is meant, from here and from the cluster: whichever is further on the same chain.

    Raises ``Failure`` where there is none, where the two do not fit together, or where the plan is not whole.
    """
    mirror = ConfigMapMirror(live.api, live.clock, namespace)
    mirrored = mirror.read()
    place = state_dir(given)
    here = [r for r in runs(place) if prefix is None or r.startswith(prefix)]
    there = mirrored is not None and (prefix is None or mirrored.run.startswith(prefix))
    if here and not (there and mirrored is not None and mirrored.run not in here and prefix is None):
        known = local_run(given, here[0], rebuild=rebuild)
        try:
            if mirrored is not None and mirror_is_further(known.records, mirrored, known.run_id):
                return _from_mirror(mirrored, known.plan, known.folder, known.records)
        except Forked as error:
            raise Failure(str(error), why="Drift", fix="look at both with c2c status, then c2c resume --rebuild", code=ExitCode.HALTED) from error  # fmt: skip
        return known
    if mirrored is None or not there:
        what = f"no run begins with {prefix}" if prefix else "there is no run"
        raise Failure(
            f"{what}, neither in {place} nor in the cluster", fix="name another folder with --state-dir"
        )
    document = mirror.plan()
    if document is None:
        raise Failure(f"the plan of run {mirrored.run} is not whole in the cluster", fix="go on from the machine that began it", code=ExitCode.BLOCKED)  # fmt: skip
    return _from_mirror(mirrored, checked_plan(document, "the plan in the cluster"), place / mirrored.run, ())


def _from_mirror(mirrored: Mirrored, plan: Plan, folder: Path, records: Sequence[Mapping[str, Any]]) -> Known:
    run = decode(Run, mirrored.state, plan=plan)
    return Known(mirrored.run, plan, standing(run, mirrored.state), folder, records, mirrored, elsewhere=True)
