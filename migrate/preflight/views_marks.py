"""Marks that a run leaves in the cluster: labels, annotations and taints of nodes, and its ConfigMap (``state.md`` §5.2)."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.fields import text
from migrate.model.nodes import Node
from migrate.model.resources import Resource

__all__ = ["ENDED", "Mark", "marks_of", "run_of", "state_of"]

LABELS = "io.cilium.migration/"
GUARD = "c2c/guard-"
RUN = "c2c/run"
KEPT = frozenset({"c2c/migrated-at"})
"""May stay after a run that ended well."""
ENDED = frozenset({"DONE", "ROLLED_BACK"})


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark: ``run`` is the run that it names, empty where it names none."""

    text: str
    run: str = ""


def marks_of(node: Node) -> Iterator[Mark]:
    """Give the marks on a node, each with the run that the node's annotation, or a taint itself, names."""
    run = node.annotations.get(RUN, "")
    for key, value in sorted(node.labels.items()):
        if key.startswith(LABELS):
            yield Mark(f"label {key}={value}", run)
    for key, value in sorted(node.annotations.items()):
        if key.startswith("c2c/") and key not in KEPT:
            yield Mark(f"annotation {key}={value}", run)
    for taint in node.taints:
        if taint.key.startswith(GUARD):
            yield Mark(f"taint {taint.key}", taint.key.removeprefix(GUARD))


def state_of(item: Resource) -> Mapping[str, Any]:
    """Give the state that a run's ConfigMap holds; empty where it cannot be read."""
    try:
        packed = base64.b64decode(text(item.data, "data", "state"), validate=True)
        found = json.loads(gzip.decompress(packed))
    except (ValueError, OSError, EOFError, zlib.error):
        return {}
    return found if isinstance(found, Mapping) else {}


def run_of(item: Resource) -> str:
    """Give the run of a ConfigMap: by its label, else by its state."""
    return item.labels.get(RUN, "") or text(state_of(item), "id")
