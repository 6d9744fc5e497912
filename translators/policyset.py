"""One set of policies as its engine reads it: which engine, which world, which objects count.

What cannot be read, or waits for a decision, is named; so is what no pod's policy decides (preDNAT, doNotTrack).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from translators.diagnostics import Diagnostic
from translators.errors import InputError
from translators.frontends import is_policy, read_policies
from translators.screening import screen
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.cilium.model import CiliumPolicies
from translators.settings import Options
from translators.source import Document
from translators.span import Span
from translators.world import AddressPlan, World
from translators.worldbuilder import build_world

__all__ = ["CALICO", "CILIUM", "Around", "ReadSet", "engine_of", "in_force", "read_set"]

CALICO, CILIUM = "calico", "cilium"
NATIVE = ("networking.k8s.io", "NetworkPolicy")
"""The one kind that both engines enforce."""


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a set: the cluster's objects (None: there is no cluster), the address plan, the settings."""

    cluster: Sequence[Document] | None
    plan: AddressPlan | None
    options: Options


@dataclass(frozen=True, slots=True)
class ReadSet:
    """A set in its world; ``documents`` are what its engine enforces.

    ``diagnostics``: what could not be read, or cannot be decided; ``left_out`` names policies about traffic that no
    pod's policy decides, ``special`` holds them.
    """

    engine: str
    world: World
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]
    left_out: tuple[str, ...]
    options: Options
    special: tuple[Document, ...] = ()

    def calico(self) -> CalicoPolicies:
        """Give the policies as Calico sorts them."""
        return CalicoPolicies.build(self.world, self.documents, self.options.calico_version)

    def cilium(self) -> CiliumPolicies:
        """Give the rules as Cilium parses them."""
        return CiliumPolicies.build(self.world, self.documents, self.options.cilium)

    def refused(self) -> tuple[tuple[Span, str, str], ...]:
        """Give the objects that Cilium would not take, with the reason; nothing of Calico's."""
        if self.engine == CALICO:
            return ()
        return tuple((d.span, f"{d.kind} {d.name}", reason) for d, reason in self.cilium().refused)


def engine_of(documents: Sequence[Document], otherwise: str) -> str:
    """Give the engine whose kinds stand among the documents; raises ``InputError`` if both have some."""
    cilium = any(d.group == "cilium.io" and d.kind.endswith("Policy") for d in documents)
    calico = any(d.group.endswith("projectcalico.org") and d.kind.endswith("Policy") for d in documents)
    if calico and cilium:
        what = "one side holds policies of Calico and of Cilium"
        raise InputError(what, fix="give each set a folder of its own")
    return CILIUM if cilium else CALICO if calico else otherwise


def in_force(documents: Iterable[Document], engine: str) -> list[Document]:
    """Give the objects that an engine would have taken; of a live cluster's these are all."""
    return [d for d in documents if not _is_refused(d, engine)]


def _is_refused(document: Document, engine: str) -> bool:
    if document.kind != "Tier" and not is_policy(document):
        return False
    if engine == CILIUM and (document.group, document.kind) != NATIVE:
        return False
    found = read_policies([document])
    return bool(found.refused or found.unsure_tiers)


def read_set(own: Sequence[Document], engine: str, around: Around) -> ReadSet:
    """Read a set; on Calico's side a tier that is only named is taken as ``translate`` takes it."""
    is_cluster = around.cluster is not None
    behind = list(around.cluster or ())
    world, odd = build_world([*behind, *own], plan=around.plan, is_cluster=is_cluster)
    if engine == CILIUM:
        natives = read_policies(d for d in own if (d.group, d.kind) == NATIVE)
        refused = {id(item.document) for item in natives.refused}
        kept = tuple(d for d in own if id(d) not in refused)
        wrong = (*odd, *(d for item in natives.refused for d in item.diagnostics))
        return ReadSet(CILIUM, world, kept, wrong, (), around.options)
    found = read_policies(own, tiers=[d for d in behind if d.kind == "Tier"])
    screened = screen(found, world, around.options, is_cluster=is_cluster)
    special = [p for p in found.policies if p.pre_dnat or p.do_not_track]
    left_out = {id(p.document) for p in special}
    usable = {id(p.document) for p in found.policies if not p.staged} - left_out
    return ReadSet(
        CALICO,
        world,
        (*found.tier_objects, *screened.assumed_tiers, *(d for d in own if id(d) in usable)),
        (*odd, *found.diagnostics, *(d for d in screened.diagnostics if d.code == "CAL-P115")),
        tuple(f"{p.api_kind} {p.label}" for p in special),
        around.options,
        tuple(p.document for p in special),
    )
