"""``c2c rbac``: the smallest roles for the verbs that are named, as YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import click
import yaml

from migrate.entrypoints.cli.output import emit, outputs_option
from migrate.errors import Failure
from migrate.model.rights import Right, rights_for
from migrate.render.terminal import Canvas, Column, Line, Piece, Role, columns, paint

__all__ = ["command", "manifests"]

NAME, OURS = "c2c", "c2c-system"
SHAPE = (Column(), Column(least=20), Column(least=8), Column(least=8))
KNOWN = ("snapshot", "preflight", "plan", "status", "watch", "pause", "approve", "apply", "run", "resume", "abort", "rollback")  # fmt: skip


@click.command("rbac")
@click.option("--for", "verbs", metavar="VERB,…", default="preflight,apply", help="The verbs to be allowed.")
@outputs_option
def command(verbs: str, outputs: Sequence[str]) -> int:
    """Print a ServiceAccount and the smallest roles for the verbs that are named.

    \b
    c2c rbac --for preflight,apply -o yaml | kubectl apply -f -
    c2c rbac --for snapshot -o yaml
    c2c rbac
    """
    wanted = [v.strip() for v in verbs.split(",") if v.strip()]
    if unknown := [v for v in wanted if v not in KNOWN]:
        raise Failure(
            f"--for {unknown[0]}: no verb that reaches a cluster", fix=f"verbs are {', '.join(KNOWN)}"
        )
    rights = rights_for(wanted)
    emit(outputs, partial(_table, rights), {"yaml": lambda: _yaml(manifests(rights))})
    return 0


def _yaml(objects: Sequence[Mapping[str, Any]]) -> str:
    return "---\n".join(yaml.safe_dump(o, sort_keys=False, default_flow_style=False) for o in objects)


def _table(rights: Sequence[Right], canvas: Canvas) -> str:
    rows: list[Line] = [["where", "resources", "verbs", Piece("why", Role.DIM)]]
    for right in rights:
        group = f"{right.group}: " if right.group else ""
        what = (
            group
            + (", ".join(right.resources) or ", ".join(right.paths))
            + "".join(f" {n}" for n in right.names)
        )
        rows.append(
            [right.namespace or "everywhere", what, ", ".join(right.verbs), Piece(right.why, Role.DIM)]
        )
    return paint(columns(rows, SHAPE, canvas), canvas)


def manifests(rights: Sequence[Right], account: str = NAME) -> list[dict[str, Any]]:
    """Give namespace, account, roles and bindings, which can be applied in this order to any cluster."""
    places = sorted({r.namespace for r in rights})
    found: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": OURS, "labels": {"c2c/owned": "true"}},
        },
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": OURS}},
    ]
    for place in places:
        found += _bound(place, [r for r in rights if r.namespace == place], account)
    return found


def _bound(place: str, rights: Sequence[Right], account: str) -> Iterator[dict[str, Any]]:
    kind = "Role" if place else "ClusterRole"
    meta = {"name": NAME, **({"namespace": place} if place else {})}
    api = "rbac.authorization.k8s.io"
    yield {"apiVersion": f"{api}/v1", "kind": kind, "metadata": meta, "rules": [_rule(r) for r in rights]}
    yield {
        "apiVersion": f"{api}/v1",
        "kind": f"{kind}Binding",
        "metadata": dict(meta),
        "roleRef": {"apiGroup": api, "kind": kind, "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": OURS}],
    }


def _rule(right: Right) -> dict[str, Any]:
    if right.paths:
        return {"nonResourceURLs": list(right.paths), "verbs": list(right.verbs)}
    named = {"resourceNames": list(right.names)} if right.names else {}
    return {
        "apiGroups": [right.group],
        "resources": list(right.resources),
        **named,
        "verbs": list(right.verbs),
    }
