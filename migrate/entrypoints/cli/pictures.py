"""Pictures of runs for ``status`` and ``watch``: a rehearsal's from its journal alone, any other also from its cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from migrate.adapters.run_folder import runs, state_dir
from migrate.entrypoints.cli.connecting import Connected, connected, unreachable
from migrate.entrypoints.cli.endings import ending_of
from migrate.entrypoints.cli.face import say
from migrate.entrypoints.cli.output import emit
from migrate.entrypoints.cli.runs import Known, known_run, local_run
from migrate.entrypoints.cli.steering import without_connection
from migrate.exitcodes import ExitCode
from migrate.model.fields import text
from migrate.ports import ApiError
from migrate.render.run_status import Picture, junit, status_document, status_table

__all__ = ["offline", "picture_of", "show"]


def offline(said: Mapping[str, Any]) -> Known | None:
    """Give the run of this machine that the options mean if it is a rehearsal or if no cluster is named."""
    place, prefix = said["state_dir"], said["run_id"]
    here = [r for r in runs(state_dir(place)) if prefix is None or r.startswith(prefix)]
    if not here:
        return None
    known = local_run(place, here[0])
    return known if _is_rehearsal(known) else None


def _is_rehearsal(known: Known) -> bool:
    return any(r.get("kind") == "header" and r.get("rehearsal") for r in known.records[:1])


def picture_of(said: Mapping[str, Any]) -> Picture:
    """Give the picture of the run that the options mean; raises ``Failure`` where there is none."""
    rehearsed = offline(said)
    if rehearsed is not None:
        return Picture(rehearsed.stands.run, "rehearsal", at=rehearsed.stands.at)
    cluster = connected(**without_connection(said))
    try:
        known = known_run(cluster.live, said["state_dir"], said["run_id"])
        live = _is_live(cluster, known.plan.draft.settings.namespace)
    except ApiError as error:
        raise unreachable(error, cluster.live.api.server) from error
    return Picture(known.stands.run, cluster.name, cluster.identity.uid, live=live, at=known.stands.at)


def _is_live(cluster: Connected, namespace: str) -> bool:
    """Say whether somebody holds the lock; whether that process still lives only watching would tell."""
    lease = cluster.live.cluster.get("leases.coordination.k8s.io", "c2c-run", namespace)
    holder = text(lease, "spec", "holderIdentity")
    if holder:
        say(f"{holder} holds the lock, renewed {text(lease, 'spec', 'renewTime')}", detail=True)
    return bool(holder)


def show(picture: Picture, outputs: Sequence[str], *, exit_status: bool) -> int:
    """Emit a picture; gives 0, or what the run itself would exit with."""
    document = partial(status_document, picture)
    rendered: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(document(), indent=2, ensure_ascii=False) + "\n",
        "junit": partial(junit, picture),
    }
    emit(outputs, partial(status_table, picture), rendered)
    return ending_of(picture.run).code if exit_status else ExitCode.DONE
