"""Other names for the things of a cluster: the same name becomes the same pseudonym wherever it stands.

Names of nodes, of namespaces, and of objects in namespaces that are not the system's are replaced, in fields, in label
values and inside the quotes of selectors, so that what belonged together still does. Label keys, addresses and images
of others are left as they are: a pseudonym hides who, not what.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["Pseudonyms", "is_system"]

SYSTEM = re.compile(
    r"(?:default|(?:kube|calico|tigera|cilium|c2c|openshift|rook|istio|metallb|flux|argocd|cattle)(?:-.*)?)\Z"
)
STRUCTURE = frozenset(
    {
        "apiVersion", "kind", "operator", "effect", "type", "protocol", "phase", "status", "reason", "key", "verbs",
        "resources", "apiGroups", "group", "version", "policyTypes", "types", "action", "cidr", "cidrs", "ip", "podIP",
        "hostIP", "nets", "notNets", "accessModes", "driver", "topologyKey", "whenUnsatisfiable", "restartPolicy",
        "uid", "resourceVersion", "creationTimestamp", "tier", "message",
    }
)  # fmt: skip
"""Keys whose values are words of an API and never names."""
_TOKEN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_QUOTED = re.compile(r"(['\"])(.*?)\1")
_EXPRESSION = re.compile(r"==|!=|\bin\s*\{|\bhas\(|\ball\(")


def is_system(namespace: str) -> bool:
    """Say whether a namespace's name says nothing of whose cluster it is."""
    return SYSTEM.match(namespace) is not None


class Pseudonyms:
    """A table of names, made from every name of a snapshot; the order of the names decides the numbers."""

    def __init__(self, nodes: Iterable[str], namespaces: Iterable[str], names: Iterable[str]) -> None:
        self._table: dict[str, str] = {}
        self._nodes = frozenset(nodes)
        for prefix, found in (("name", names), ("ns", namespaces), ("node", self._nodes)):
            for number, name in enumerate(sorted(set(found)), start=1):
                self._table[name] = f"{prefix}-{number}"

    def renamed(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give an object with every name replaced."""
        found: dict[str, Any] = self._walked(data, "")
        return found

    def name(self, name: str) -> str:
        """Give what stands for a name; the name itself where nothing does.

        Static pods carry their node's name behind their own, whosever they are.
        """
        if name in self._table:
            return self._table[name]
        place = name.find("-")
        while place >= 0:
            if name[place + 1 :] in self._nodes:
                return f"{name[:place]}-{self._table[name[place + 1 :]]}"
            place = name.find("-", place + 1)
        return name

    def _walked(self, value: Any, key: str) -> Any:  # noqa: ANN401  # plain data
        match value:
            case Mapping():
                return {k: self._walked(v, str(k)) for k, v in value.items()}
            case list() | tuple():
                return [self._walked(item, key) for item in value]
            case str() if key not in STRUCTURE:
                return self._text(value)
        return value

    def _text(self, value: str) -> str:
        if _EXPRESSION.search(value):
            return _QUOTED.sub(lambda m: f"{m[1]}{self.name(m[2])}{m[1]}", value)
        return _TOKEN.sub(lambda m: self.name(m[0]), value)
