"""PRE-116: an image that is pulled in the middle of a step makes the step as long as the registry is slow.

The images are those that the rendered chart names; a node lists at most its 50 largest, so one that is missing there
may be present all the same. Nodes that are switched already run them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.draft import Stage
from migrate.model.fields import mapping, maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]

ON_EVERY_NODE = "DaemonSet"


def check(case: Case) -> Iterator[Hit]:
    """Name each image of the chart's DaemonSets that a node does not list."""
    rendered = (case.draft.rendered or {}).get(Stage.MIGRATION)
    images = list(dict.fromkeys(i for o in (rendered.objects if rendered else ()) for i in _images(o)))
    for node in case.snapshot.nodes:
        for image in images:
            if not _is_there(image, node.images):
                fills = {"image": image, "n": node.name}
                yield Hit(f"node/{node.name}", fills, {"image": image, "listed": len(node.images)}, node.name)


def _images(item: Mapping[str, Any]) -> Iterator[str]:
    if text(item, "kind") != ON_EVERY_NODE:
        return
    spec = mapping(item, "spec", "template", "spec")
    for part in ("initContainers", "containers"):
        yield from (text(c, "image") for c in maps(spec, part) if text(c, "image"))


def _is_there(image: str, listed: frozenset[str]) -> bool:
    """Compare by digest where one is given, else by name and tag; a registry's default prefix does not count."""
    digest = image.partition("@")[2]
    name = image.partition("@")[0]
    return any((digest and digest in one) or one == name or one.endswith(f"/{name}") for one in listed)


RULE = Rule(
    number=116,
    group=Group.ACCESS,
    severity=Severity.WARN,
    title="Image not pulled yet",
    message="{image} not on {n}",
    remedy="pull it before the node's step (a DaemonSet with the same images, crictl pull), by digest",
    check=check,
    reads=("nodes",),
    chart=True,
    repeat=frozenset({Repeat.CONTINUOUS}),
)
