"""Network sets as CiliumCIDRGroups: one per set that a rule selects, referred to by name.

Labels of groups that overlap merge in Cilium, so a selector over sets is never copied (``cilium.md`` §5).
"""

from __future__ import annotations

from translators.algebra.space import AddressAtom, AtomKind
from translators.backends.members import Group
from translators.backends.objects import MANAGED_BY, Manifest
from translators.compiler import Compilation
from translators.world import NetworkSet, World

__all__ = ["group_name", "groups_of"]


def group_name(item: NetworkSet) -> str:
    """Give the group's name: the set's own, with its namespace before it where it has one."""
    return f"{item.namespace}.{item.name}" if item.namespace else item.name


def groups_of(compilation: Compilation, world: World) -> tuple[list[Group], list[Manifest]]:
    """Give the groups that the rules refer to, and their objects, in the order of their names."""
    used = {
        str(note.fills["set"]).replace("/", ".")
        for compiled in compilation.directions.values()
        for note in compiled.notes
        if note.code == "CAL-N411"
    }
    groups, objects = [], []
    for item in sorted(world.network_sets, key=group_name):
        name = group_name(item)
        if name not in used or not item.nets:
            continue
        groups.append(Group(name, _bits(compilation, item)))
        objects.append(_manifest(name, item))
    return groups, objects


def _bits(compilation: Compilation, item: NetworkSet) -> int:
    def inside(atom: object) -> bool:
        return (
            isinstance(atom, AddressAtom)
            and atom.kind is AtomKind.WORLD
            and any(
                net.family == atom.family and net.first <= atom.intervals[0].first <= net.last
                for net in item.nets
            )
        )

    return compilation.space.peer.where(inside)


def _manifest(name: str, item: NetworkSet) -> Manifest:
    kind = "NetworkSet" if item.namespace else "GlobalNetworkSet"
    source = f"{item.namespace}/{item.name}" if item.namespace else item.name
    body: dict[str, object] = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumCIDRGroup",
        "metadata": {
            "name": name,
            "labels": dict(MANAGED_BY),
            "annotations": {"c2c/source": f"{kind} {source}"},
        },
        "spec": {"externalCIDRs": [str(net) for net in item.nets]},
    }
    return Manifest("CiliumCIDRGroup", None, name, body, (), 0)
