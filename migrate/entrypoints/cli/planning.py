"""From a snapshot and the configuration to a judged plan; where the cluster is live, it is dumped first, once."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migrate.adapters.live_dump import Questions, dump
from migrate.adapters.snapshot_files import Wishes, write_snapshot
from migrate.adapters.snapshots import LoadedSnapshot
from migrate.engine.exposure import exposure
from migrate.engine.planner import make_plan
from migrate.entrypoints.cli.configuration import Configuration
from migrate.entrypoints.cli.connecting import Connected, unreachable
from migrate.entrypoints.cli.survey import Survey, survey
from migrate.errors import Failure
from migrate.model.draft import Draft, Rendered, Stage
from migrate.model.kinds import RESOURCES, is_wanted
from migrate.model.plan import Plan
from migrate.model.rights import rights_for
from migrate.model.serial import encode
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.ports import ApiError, Charts
from migrate.preflight.considered import Given, considered
from migrate.preflight.judge import Judgement, Verdict
from migrate.preflight.registry import migration_rules
from migrate.preflight.rule import Rule

if TYPE_CHECKING:
    from migrate.adapters.kube_api import KubeApi

__all__ = ["LIVE", "Planned", "dumped", "judged", "planned", "sum_of"]

LIVE = "live"

BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with what it was made from."""

    plan: Plan
    draft: Draft
    judgement: Judgement
    snapshot: Snapshot
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A draft and what the rules say of it."""

    loaded: LoadedSnapshot
    draft: Draft
    judgement: Judgement


@contextmanager
def dumped(cluster: Connected, verbs: Sequence[str], wishes: Wishes | None = None) -> Iterator[str]:
    """Dump a live cluster into a folder that goes again, redacted as every snapshot is; raises ``Failure`` (exit 7).

    ``verbs`` say which rights are asked for.
    """
    from migrate.adapters.eviction import KubeEvictor  # noqa: PLC0415  # the client is slow to import
    from migrate.adapters.live_answers import own_machine  # noqa: PLC0415  # see above

    live = cluster.live
    with tempfile.TemporaryDirectory(prefix="c2c-") as place:
        raw, kept = Path(place) / "raw", Path(place) / "snapshot"
        raw.mkdir(mode=0o700)
        taken = live.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            questions = Questions(
                rights_for(verbs), own_machine(_helm(), _expiry(live.api)), KubeEvictor(live.api)
            )
            dump(live.api, live.cluster, raw, is_wanted, RESOURCES, questions, taken)
        except ApiError as error:
            raise unreachable(error, live.api.server) from error
        write_snapshot(str(raw), str(kept), wishes or Wishes())
        yield str(kept)


def judged(
    place: str,
    conf: Configuration,
    accepted: Mapping[str, str],
    rules: Sequence[Rule],
    cluster: Connected | None = None,
) -> Judged:
    """Read, translate, draft, judge. With a live ``cluster`` the chart is rendered for each stage."""
    found = survey(place, conf, live=cluster is not None)
    given = replace(found.given, accepted=accepted)
    loaded = found.loaded
    if cluster is not None:
        charts = _charts(cluster, given.settings)
        given = replace(given, rendered=_rendered(found, charts) if charts is not None else None)
        loaded = _answered(loaded, given, cluster, charts)
    return Judged(loaded, *considered(loaded.snapshot, given, rules))


def _answered(
    loaded: LoadedSnapshot, given: Given, cluster: Connected, charts: Charts | None
) -> LoadedSnapshot:
    """Add what takes the settings to ask: Helm's release, and whether the server would create what the plan creates."""
    from migrate.adapters.live_answers import admission, release  # noqa: PLC0415  # the client is slow to import
    from migrate.bootstrap import own_objects  # noqa: PLC0415  # see above

    live, snapshot = cluster.live, loaded.snapshot
    known = release(charts) if charts is not None else None
    rendered = given.rendered or {}
    objects = [
        *own_objects(live, given.settings),
        *(o for r in list(rendered.values())[:1] for o in r.objects),
    ]
    answers = replace(snapshot.answers, release=known, creations=admission(live.cluster.tried, objects))
    return replace(loaded, snapshot=replace(snapshot, answers=answers))


def _expiry(api: KubeApi) -> str | None:
    from migrate.adapters.live_answers import expiry  # noqa: PLC0415  # only for a live cluster

    headers = api.headers()
    token = headers.get("Authorization") or headers.get("authorization") or ""
    return expiry(token, api.client.configuration.cert_file, renews=api.renews)


def _helm() -> str:
    from migrate.adapters.helm import helm_binary, helm_version  # noqa: PLC0415  # only for a live cluster

    try:
        return helm_version(helm_binary())
    except Failure:
        return ""


def planned(
    place: str,
    conf: Configuration,
    accepted: Mapping[str, str],
    *,
    cluster: Connected | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> Planned:
    """Give the plan of what was read and judged, with every rule asked that a migration is judged by."""
    made = judged(place, conf, accepted, migration_rules(), cluster)
    snapshot = made.loaded.snapshot
    plan = make_plan(
        snapshot,
        made.draft,
        made.judgement.findings,
        blocked=made.judgement.verdict is Verdict.NO_GO,
        exposure=exposure(snapshot, made.draft),
        inputs={**(inputs or {}), "config": encode(dict(conf.values))},
    )
    return Planned(plan, made.draft, made.judgement, snapshot, tuple(map(str, made.loaded.problems)))


def _charts(cluster: Connected, settings: Settings) -> Charts | None:
    """Give the chart of a live cluster; None without Helm."""
    from migrate.bootstrap import charts_of  # noqa: PLC0415  # the client is slow to import; offline verbs do without

    try:
        return charts_of(cluster.live, settings)
    except Failure:
        return None


def _rendered(found: Survey, charts: Charts) -> Mapping[Stage, Rendered] | None:
    """Render the chart for each stage; None where it cannot be: then what only it knows is deferred."""
    try:
        first, _ = considered(found.loaded.snapshot, found.given, ())
        return {stage: charts.render(first.values[stage]) for stage in Stage}
    except (Failure, ApiError):
        return None


def sum_of(path: str) -> str:
    """Give the SHA-256 of a file, or of a folder's files with their names."""
    found = hashlib.sha256()
    place = Path(path)
    for file in sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]:
        if place.is_dir():
            found.update(str(file.relative_to(place)).encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                found.update(block)
    return found.hexdigest()
