"""Translate and prove: from Calico policies to Cilium manifests, and the report that says what they are worth.

The steps are those of ``architecture.md``: read, compile, write, read back, prove, settle, report. A policy
that cannot be translated never hides another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from translators.compiler import Compilation, compile_policies
from translators.crossing import of_crossing
from translators.diagnostics import Diagnostic, diagnostic
from translators.emission import Compilations, Emission, emit, overflows
from translators.errors import BudgetExceeded
from translators.existing import cluster_policies, is_foreign, over_selecting
from translators.flows import Direction
from translators.frontends import PolicySet, read_policies
from translators.grading import Evidence, HostsProved, grade
from translators.ir.items import Source
from translators.ir.policy import Policy, Tier
from translators.layout import OutputFile
from translators.passes.hosts import HostPolicies, host_policies
from translators.proof import Claims, prove
from translators.proof.named import NamedDifferences
from translators.proof.settle import Settler
from translators.proof.witnessed import witnessed
from translators.report import Report
from translators.screening import screen
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.cilium.model import CiliumPolicies
from translators.settings import Options
from translators.source import Document, iterate
from translators.surroundings import hairpins
from translators.world import AddressPlan, World
from translators.worldbuilder import build_world

__all__ = ["Translation", "translate"]

Input = Iterable[Document | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Translation:
    """The files to apply, the report on them, and its differences as regions that can be asked for a flow."""

    files: tuple[OutputFile, ...]
    report: Report
    named: NamedDifferences | None = None


def translate(
    policies: Input,
    *,
    cluster: Input | None = None,
    options: Options | None = None,
    plan: AddressPlan | None = None,
    diagnostics: Sequence[Diagnostic] = (),
) -> Translation:
    """Translate policies, with or without the cluster that they live in, and prove the result.

    ``policies`` and ``cluster`` are documents or plain Kubernetes objects; policies inside ``cluster`` are not
    translated. ``diagnostics``: findings of whoever read the files. Nothing is written, nothing raised for bad
    policies; ``OptionError`` for options that contradict each other.
    """
    chosen = options or Options()
    own = list(iterate(policies))
    around = list(iterate(cluster)) if cluster is not None else []
    world, odd = build_world([*around, *own], plan=plan, is_cluster=cluster is not None)
    tiers = [d for d in around if d.kind == "Tier"]
    found = read_policies(own, tiers=tiers)
    screened = screen(found, world, chosen, is_cluster=cluster is not None)
    chosen = _as_proved(chosen)
    work = _Work(world, chosen, found, screened.usable)
    work.foreign = [d for d in around if is_foreign(d)]
    compilation, emission, stopped = work.fit(screened.tiers)
    calico = work.source(compilation, [*found.tier_objects, *screened.assumed_tiers], own)
    evidence = work.prove(compilation, emission, calico)
    extra = [
        *diagnostics,
        *odd,
        *screened.diagnostics,
        *stopped,
        *hairpins(calico),
        *of_crossing(calico, found.policies, chosen),
        *over_selecting(work.foreign, world, chosen),
        *cluster_policies(around, chosen),
    ]
    graded = grade(found, evidence, extra, _input_hash(own))
    return Translation(graded.files, graded.report, graded.named)


def _as_proved(options: Options) -> Options:
    """The mode ``always``, once accepted, is named as a whole and kept out of the proof."""
    if options.cilium.enforcement != "always":
        return options
    return replace(options, cilium=replace(options.cilium, enforcement="default"))


def _input_hash(documents: Sequence[Document]) -> str:
    """Hash what the policies say, not how their files are laid out."""
    texts = sorted(json.dumps(d.data, sort_keys=True, default=str) for d in documents)
    return "sha256:" + hashlib.sha256("\n".join(texts).encode()).hexdigest()


class _Work:
    """One translation: what its steps share."""

    def __init__(self, world: World, options: Options, found: PolicySet, usable: Sequence[Policy]) -> None:
        self._world = world
        self._options = options
        self._found = found
        self._usable = list(usable)
        self.hosts: HostPolicies | None = None
        self.foreign: list[Document] = []

    def fit(self, tiers: Mapping[str, Tier]) -> tuple[Compilation, Emission, list[Diagnostic]]:
        """Compile and write, leaving out whatever does not fit until the rest does."""
        compilation, stopped = self._compile(tiers)
        emission = self._emit(compilation, tiers)
        while left_out := overflows(emission, self._usable, self._options.cilium.policy_map_max):
            stopped += left_out.values()
            self._usable = [p for p in self._usable if id(p) not in left_out]
            compilation, more = self._compile(tiers)
            stopped += more
            emission = self._emit(compilation, tiers)
        return compilation, emission, stopped

    def _compile(self, tiers: Mapping[str, Tier]) -> tuple[Compilation, list[Diagnostic]]:
        """Compile, or nothing at all where the expansion is over every budget."""
        try:
            foreign = CiliumPolicies.build(self._world, self.foreign, self._options.cilium).rules
            return compile_policies(self._usable, tiers, self._world, self._options, foreign=foreign), []
        except BudgetExceeded as error:
            stopped = [diagnostic(error.code, p.span, about=p.label, **error.fills) for p in self._usable]
            self._usable = []
            return compile_policies([], tiers, self._world, self._options), stopped

    def _hosts(self, tiers: Mapping[str, Tier]) -> Compilation | None:
        """Compile the policies of nodes, where the target enforces any."""
        cilium = self._options.cilium
        self.hosts = None
        if cilium.host_firewall and cilium.node_selector_labels:
            self.hosts = host_policies(self._usable, tiers, self._world)
        if self.hosts is None:
            return None
        return compile_policies(
            self.hosts.policies, self.hosts.tiers, self._world, self._options, of_nodes=True
        )

    def _emit(self, compilation: Compilation, tiers: Mapping[str, Tier]) -> Emission:
        kept = [*(p.document for p in self._usable if compilation.stays(p)), *self.foreign]
        both = Compilations(compilation, self._hosts(tiers))
        return emit(both, kept, self._world, self._options)

    def source(
        self, compilation: Compilation, tiers: Sequence[Document], own: Sequence[Document]
    ) -> CalicoPolicies:
        """Give what Calico enforces of the policies that were compiled, read anew from their objects."""
        failed = {id(policy.document) for policy, _ in compilation.failed}
        proved = {id(p.document) for p in self._usable} - failed
        source = [*tiers, *(d for d in own if id(d) in proved)]
        calico = CalicoPolicies.build(self._world, source, self._options.calico_version)
        return replace(calico, encapsulation=self._options.drop_encapsulation)

    def prove(self, compilation: Compilation, emission: Emission, calico: CalicoPolicies) -> Evidence:
        """Hold what was read back against the Calico objects."""
        obligations = prove(calico, emission.cilium, _claims(compilation))
        hosts = self._hosts_compared(emission, calico)
        return Evidence(
            compilation=compilation,
            emission=emission,
            settler=Settler(calico, emission.cilium, obligations),
            obligations=obligations,
            options=self._options,
            world=self._world,
            witnessed=witnessed(calico, emission.cilium, obligations),
            hosts=hosts,
        )

    def _hosts_compared(self, emission: Emission, calico: CalicoPolicies) -> HostsProved | None:
        if self.hosts is None or emission.hosts is None:
            return None
        labels = {p.label for p in self.hosts.sources}
        tiers = tuple(
            replace(t, policies=tuple(p for p in t.policies if p.name in labels and not p.namespace))
            for t in calico.tiers
        )
        from translators.proof.hosts import compare_hosts  # noqa: PLC0415  # loaded only where nodes are policed

        compared = compare_hosts(
            replace(calico, tiers=tiers), emission.cilium, self.hosts.hosts, emission.hosts.space
        )
        return HostsProved(self.hosts.sources, compared)


def _claims(compilation: Compilation) -> Claims:
    differing: dict[Direction, list[int]] = {d: [] for d in Direction}
    assumed: dict[Direction, list[int]] = {d: [] for d in Direction}
    nowhere: dict[Direction, list[int]] = {d: [] for d in Direction}
    shut: dict[Direction, frozenset[str]] = {}
    for direction, compiled in compilation.directions.items():
        for claim in compiled.claims:
            into = differing if not claim.assumed else assumed if claim.code else nowhere
            into[direction].extend(claim.region)
        shut[direction] = frozenset(map(_by, compiled.closed))
    for one in compilation.withheld:
        for direction in Direction:
            differing[direction].extend(one.region)
    return Claims(compilation.space, differing, assumed, nowhere, shut)


def _by(source: Source) -> str:
    """Name an Allow as the walk of the source does."""
    if source.policy is None or source.rule is None:
        return "Profile:kns#0"
    return f"{source.policy.kind}:{source.policy.label}#{source.rule.index}"
