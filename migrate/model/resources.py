"""The name of a kind in a cluster, and any object of a kind that no module of its own describes.

A *resource* is written as kubectl writes it: ``pods``, ``deployments.apps``, ``ippools.crd.projectcalico.org``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.fields import Labels, at, labels, maps, text

__all__ = ["CALICO_GROUPS", "Resource", "condition", "plural_of", "resource_of"]

CALICO_GROUPS = ("crd.projectcalico.org", "projectcalico.org")
"""Where Calico's own objects may live: stored CRDs, or v3 CRDs and the aggregated API (``procedure.md`` §2)."""

_IRREGULAR = {
    "endpoints": "endpoints", "networkpolicy": "networkpolicies", "ingress": "ingresses",
    "ciliumcidrgroup": "ciliumcidrgroups", "ciliumidentity": "ciliumidentities", "tigerastatus": "tigerastatuses",
    "blockaffinity": "blockaffinities", "caliconodestatus": "caliconodestatuses",
}  # fmt: skip


def plural_of(kind: str) -> str:
    """Give the plural of a kind by the rules that Kubernetes' own kinds follow."""
    name = kind.lower()
    if name in _IRREGULAR:
        return _IRREGULAR[name]
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("s", "x", "ch")) else "s")


def resource_of(api_version: str, kind: str) -> str:
    """Give the resource of an object by its ``apiVersion`` and ``kind``."""
    group = api_version.partition("/")[0] if "/" in api_version else ""
    plural = plural_of(kind)
    return f"{plural}.{group}" if group else plural


@dataclass(frozen=True, slots=True)
class Resource:
    """One object as it was read; ``data`` is the plain object, of which nothing is promised."""

    kind: str
    name: str
    namespace: str
    uid: str
    resource_version: str
    data: Mapping[str, Any]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Resource:
        """Read any object; what is missing is empty."""
        return cls(
            text(data, "kind"),
            text(data, "metadata", "name"),
            text(data, "metadata", "namespace"),
            text(data, "metadata", "uid"),
            text(data, "metadata", "resourceVersion"),
            data,
        )

    @property
    def labels(self) -> Labels:
        """Give the object's labels."""
        return labels(self.data, "metadata", "labels")

    @property
    def annotations(self) -> Labels:
        """Give the object's annotations."""
        return labels(self.data, "metadata", "annotations")

    @property
    def path(self) -> str:
        """Give ``kind/namespace/name``, the way findings name an object."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    def at(self, *path: str) -> Any:  # noqa: ANN401  # whatever JSON holds there
        """Give what lies at a path of keys, None where nothing does."""
        return at(self.data, *path)


def condition(data: object, kind: str) -> tuple[str, str, str]:
    """Give (status, reason, message) of a condition in ``status.conditions``; ``Unknown`` where it is absent."""
    for item in maps(data, "status", "conditions"):
        if item.get("type") == kind:
            return text(item, "status", default="Unknown"), text(item, "reason"), text(item, "message")
    return "Unknown", "", ""
