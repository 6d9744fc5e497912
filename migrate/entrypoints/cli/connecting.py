"""Reaching a cluster: kubectl's options, the banner, the check that it is the right one, the word that confirms."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from migrate.entrypoints.cli.face import say
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.connection import Connection
from migrate.model.events import FailureClass
from migrate.model.settings import seconds
from migrate.model.snapshot import Identity
from migrate.ports import ApiError

if TYPE_CHECKING:
    from migrate.bootstrap import Live

__all__ = ["Connected", "confirm", "connected", "connection_options", "expect", "unreachable"]


def connection_options[F: Callable[..., Any]](verb: F) -> F:
    """Give a verb kubectl's options for reaching a cluster."""
    for option in (
        click.option(
            "--request-timeout", metavar="10s", default="30s", help="How long one request may take."
        ),
        click.option("--as-group", "as_groups", multiple=True, metavar="GROUP", help="As in kubectl."),
        click.option("--as", "as_user", metavar="USER", default="", help="As in kubectl."),
        click.option("--context", metavar="NAME", default="", help="The context of the kubeconfig."),
        click.option("--kubeconfig", metavar="PATH", envvar="KUBECONFIG", default="", help="As in kubectl."),
    ):
        verb = option(verb)
    return verb


class Connected:
    """An open connection and which cluster it leads to."""

    def __init__(self, live: Live, identity: Identity) -> None:
        self.live = live
        self.identity = identity

    @property
    def name(self) -> str:
        """Give what a person types to say that this is the cluster: the context, or the first digits of the UID."""
        name = self.identity.context
        return self.identity.uid[:8] if name in {"", "in-cluster"} else name


def connected(**said: Any) -> Connected:  # noqa: ANN401  # the options of a verb
    """Open the connection that the options describe and say which cluster it is; raises ``Failure`` (exit 7)."""
    from migrate.bootstrap import open_cluster  # noqa: PLC0415  # the client is slow to import; offline verbs do without

    connection = Connection(
        kubeconfig=said["kubeconfig"],
        context=said["context"],
        as_user=said["as_user"],
        as_groups=tuple(said["as_groups"]),
        timeout_s=seconds(said["request_timeout"]),
    )
    live = open_cluster(connection)
    try:
        identity = live.cluster.identity()
    except ApiError as error:
        raise unreachable(error, live.api.server) from error
    as_user = f" · as {connection.as_user}" if connection.as_user else ""
    say(
        f"{identity.context} · {identity.server} · uid {identity.uid[:8]} · {identity.version}{as_user}",
        always=True,
    )
    return Connected(live, identity)


def unreachable(error: ApiError, server: str) -> Failure:
    """Give the failure of a verb whose call got no answer, or a refusal."""
    if error.failure is FailureClass.DENIED:
        fix = "log in again, or ask for the rights that c2c rbac prints"
        return Failure(f"the API server refuses: {error}", fix=fix, code=ExitCode.UNREACHABLE)
    return Failure(f"{server} cannot be reached: {error}", fix="check the network and the kubeconfig; trying again may help", code=ExitCode.UNREACHABLE)  # fmt: skip


def expect(cluster: Connected, wanted: str | None, planned_uid: str = "") -> None:
    """Check that this is the cluster that was meant; raises ``Failure`` (exit 3, ``WrongCluster``) before any write."""
    if wanted and wanted not in {cluster.identity.context, cluster.identity.uid}:
        raise Failure(
            f"this is {cluster.name} ({cluster.identity.uid}), not {wanted}",
            why="WrongCluster: --expect-cluster names another",
            fix="choose the context with --context",
            code=ExitCode.BLOCKED,
        )
    if planned_uid and planned_uid != cluster.identity.uid:
        raise Failure(
            f"the plan is for the cluster with uid {planned_uid}; this is {cluster.identity.uid}",
            why="WrongCluster: a plan is bound to the cluster that it was made for",
            fix="choose the context with --context, or make a plan for this cluster",
            code=ExitCode.BLOCKED,
        )


def confirm(cluster: Connected, *, yes: bool, named: bool, word: str = "") -> None:
    """Let a person type the cluster's name (or ``word``); raises ``Failure`` (exit 3) without a yes of either sort.

    ``named``: a plan or ``--expect-cluster`` says which cluster is meant, which ``--yes`` without a terminal needs.
    """
    meant = word or cluster.name
    if yes and (named or sys.stdin.isatty()):
        return
    if not sys.stdin.isatty():
        why = "--yes alone does not say which cluster" if yes else "nobody can be asked: there is no terminal"
        raise Failure(
            "CM3001 confirmation missing",
            why=why,
            fix="give --yes and --expect-cluster NAME" if not named else "give --yes",
            code=ExitCode.BLOCKED,
        )
    say(f"Type {'it' if word else 'the cluster' + chr(39) + 's name'} to begin, anything else to leave: {meant}", always=True)  # fmt: skip
    if sys.stdin.readline().strip() != meant:
        raise Failure("not confirmed; nothing was changed", fix="run it again", code=ExitCode.BLOCKED)
