"""Whether a run still may do what it has to: each right is asked for by itself, as preflight asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from migrate.model.rights import Right, held_by_a_run
from migrate.ports import Object

__all__ = ["KubeRights"]


@dataclass(slots=True)
class KubeRights:
    """``access`` asks the server for each of some rights; ``namespace`` is where our own objects are."""

    access: Callable[[Sequence[Right]], Iterable[Object]]
    namespace: str

    def withdrawn(self, *, of_nodes: bool) -> Sequence[str]:
        """Give the rights that are not granted, as people say them."""
        asked = self.access(held_by_a_run(self.namespace, of_nodes=of_nodes))
        return [_words(a["verb"], a["resource"], a["namespace"]) for a in asked if not a["allowed"]]


def _words(verb: str, resource: str, namespace: str) -> str:
    place = f" in {namespace}" if namespace else ""
    return f"the right to {verb} {resource}{place} is gone"
