"""From evidence to the report: which grade each policy gets, and every difference with its example.

A grade is never better than what was proved: an obligation that is open makes its policies unproved
(CAL-V809), whatever the compiler noted. A claim that turns out to differ nowhere costs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from translators.algebra.space import recast
from translators.backends.objects import Manifest
from translators.compiler import Compilation
from translators.conditions import HOSTS, Facts, listed
from translators.diagnostics import Diagnostic, Severity, diagnostic
from translators.emission import Emission, elements_of, naive_size
from translators.flows import TCP, Decision, Direction, Flow
from translators.frontends import PolicySet
from translators.ir.items import Claim, Grade, Note
from translators.ir.policy import Action, Policy
from translators.layout import OutputFile, files
from translators.lowering.sayable import GRADES
from translators.proof.named import NamedDifferences, NamedRegion
from translators.proof.obligations import Obligations
from translators.proof.population import Population
from translators.proof.settle import Difference, Settler
from translators.proof.witnessed import Unexplained, Witnessed
from translators.proof.words import Words, describe
from translators.report import DifferenceEntry, Finding, Method, PolicyEntry, Report
from translators.screening import is_idle
from translators.semantics.cilium.model import POLICY_KINDS
from translators.semantics.cilium.validate import faults
from translators.settings import CILIUM_CONFIRMED, Options
from translators.source import Document
from translators.span import NOWHERE
from translators.world import World

if TYPE_CHECKING:
    from translators.proof.hosts import HostsCompared

__all__ = ["TOOL_VERSION", "Evidence", "Graded", "HostsProved", "grade"]

TOOL_VERSION = "0.1.0"
NOT_CONSIDERED = (
    "preDNAT, doNotTrack and applyOnForward; host policies of single interfaces",
    "layer 7, routing, NAT, and the time in which both CNIs run",
)
_HOST_CODES = {
    "CAL-H601": Grade.X,
    "CAL-H602": Grade.X,
    "CAL-H603": Grade.A,
    "CAL-H604": Grade.X,
    "CAL-H605": Grade.X,
}
_SEVERITIES = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@dataclass(frozen=True, slots=True)
class HostsProved:
    """The policies of the input that became policies of nodes too, and how their traffic compares."""

    sources: tuple[Policy, ...]
    compared: HostsCompared


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the proof left behind."""

    compilation: Compilation
    emission: Emission
    settler: Settler
    obligations: Obligations
    options: Options
    world: World
    witnessed: Witnessed
    hosts: HostsProved | None = None


@dataclass(slots=True)
class _Entry:
    """What is gathered about one document before it becomes a line of the report."""

    document: Document
    policy: Policy | None
    grade: Grade = Grade.S0
    refused: bool = False
    opens: bool = False
    closes: bool = False
    codes: dict[str, None] = field(default_factory=dict)
    conditions: dict[str, str] = field(default_factory=dict)
    findings: dict[str, None] = field(default_factory=dict)

    def worsen(self, grade: Grade) -> None:
        self.grade = max(self.grade, grade)


@dataclass(frozen=True, slots=True)
class Graded:
    """The report, in which every policy document of the input is exactly once, and what goes with it.

    ``files`` are annotated; ``named`` holds the regions of the report's differences.
    """

    report: Report
    files: tuple[OutputFile, ...]
    named: NamedDifferences


def grade(found: PolicySet, evidence: Evidence, extra: Sequence[Diagnostic], input_hash: str) -> Graded:
    """Give the report on what was proved, and what was not."""
    grading = _Grading(found, evidence)
    report = grading.report(extra, input_hash)
    named = NamedDifferences(evidence.settler.space, evidence.world, tuple(grading.named))
    return Graded(report, grading.files, named)


class _Grading:
    def __init__(self, found: PolicySet, evidence: Evidence) -> None:
        self._found = found
        self._evidence = evidence
        self.files: tuple[OutputFile, ...] = evidence.emission.files
        self._findings: dict[str, Finding] = {}
        self._differences: list[DifferenceEntry] = []
        self.named: list[NamedRegion] = []
        self._entries: dict[int, _Entry] = {}
        for policy in found.policies:
            self._entries[id(policy.document)] = _Entry(policy.document, policy)
        for item in found.refused:
            entry = _Entry(item.document, None, Grade.X, refused=True)
            self._entries[id(item.document)] = entry
        self._by_object = {
            (str(e.document.span), label): e
            for e in self._entries.values()
            if e.policy is not None
            for label in (e.policy.label, f"{e.policy.api_kind} {e.policy.label}")
        }

    def report(self, extra: Sequence[Diagnostic], input_hash: str) -> Report:
        for item in (*self._found.diagnostics, *extra):
            self._diagnosed(item)
        for policy, error in self._evidence.compilation.failed:
            code = error.code or "CAL-P115"
            self._diagnosed(
                diagnostic(code, policy.span, about=policy.label, object="The address plan", path=error.what,
                           n="too many", max=self._evidence.options.limits.terms,
                           rule=f"{policy.label} with {error.what}", choice="left out")
            )  # fmt: skip
            self._entries[id(policy.document)].refused = True
        self._refused()
        self._absorbed()
        self._withheld()
        for compiled in self._evidence.compilation.directions.values():
            for note in compiled.notes:
                self._noted(note)
        self._settle()
        self._hosts()
        self._unproved()
        self._witnessed()
        self._parts()
        self.files = self._annotated(input_hash)
        return self._assembled(input_hash)

    def _annotated(self, input_hash: str) -> tuple[OutputFile, ...]:
        """Write on every object what its policies are worth; the meaning was proved before, and stays.

        Objects whose policies are all exact for every cluster state carry S0.
        """
        for manifest in self._evidence.emission.manifests:
            documents = [id(s.policy.document) for s in manifest.sources if s.policy is not None]
            entries = [self._entries[key] for key in documents if key in self._entries]
            metadata = manifest.body["metadata"]
            if not isinstance(metadata, dict):
                continue
            worst = max((e.grade for e in entries), default=Grade.S0)
            codes = sorted({code for e in entries for code in e.codes})
            notes = {"c2c/grade": worst.name, "c2c/input": input_hash}
            if codes:
                notes["c2c/codes"] = ", ".join(codes)
            metadata["annotations"] = {**metadata["annotations"], **dict(sorted(notes.items()))}
        return tuple(files(self._evidence.emission.manifests, self._evidence.options.layout))

    def _refused(self) -> None:
        """Name every emitted object that Cilium would not take, which would leave its subjects open."""
        for manifest in self._evidence.emission.manifests:
            if manifest.kind not in POLICY_KINDS:
                continue
            for reason in faults(manifest.body, self._evidence.options.cilium)[:1]:
                policy = next((s.policy for s in manifest.sources if s.policy is not None), None)
                span = policy.span if policy is not None else None
                about = policy.label if policy is not None else ""
                name = f"{manifest.kind} {manifest.name}"
                self._diagnosed(diagnostic("CAL-V801", span, about=about, object=name, reason=reason))

    def _absorbed(self) -> None:
        """Name every Kubernetes policy that was converted: its original goes at cut-over."""
        for policy in self._found.policies:
            if id(policy) in self._evidence.compilation.absorbed:
                item = diagnostic("CAL-K705", policy.span, about=policy.label, name=policy.label)
                self._diagnosed(item)

    def _parts(self) -> None:
        """Name every policy that became several objects (rule 8), and running connections where something closes."""
        count: dict[int, int] = {}
        for manifest in self._evidence.emission.manifests:
            for key in {id(s.policy) for s in manifest.sources if s.policy is not None}:
                count[key] = count.get(key, 0) + 1
        for policy in self._found.policies:
            if (parts := count.get(id(policy), 0)) > 1:
                about = f"{policy.api_kind} {policy.label}"
                self._diagnosed(
                    diagnostic("CAL-V812", policy.span, about=about, policy=policy.label, n=parts)
                )
        if any(d.effect == "closes" for d in self._differences):
            self._diagnosed(diagnostic("CAL-H611", None, about="the target"))

    def _withheld(self) -> None:
        """Name every policy that selects subjects without output; one that selects no others is refused."""
        hosts = self._evidence.emission.hosts
        for one in (*self._evidence.compilation.withheld, *(hosts.withheld if hosts else ())):
            for policy, wholly in one.touched:
                entry = self._entries.get(id(policy.document))
                if entry is None:
                    continue
                about = f"{policy.api_kind} {policy.label}"
                item = diagnostic(one.error.code, one.source.span, about=about, **one.error.fills)
                entry.codes[item.code] = None
                entry.findings[self._add(item.code, item.message, item.remedy, item).id] = None
                entry.worsen(Grade.X)
                entry.refused = entry.refused or (wholly and not self._is_kept(policy))

    def _entry_at(self, item: Diagnostic) -> _Entry | None:
        """Find the policy that a diagnostic is about: the document that begins at or before its place, if it is one."""
        exact = self._by_object.get((str(item.span), item.object))
        if exact is not None:
            return exact
        best: _Entry | None = None
        for entry in self._entries.values():
            span = entry.document.span
            near = span.file == item.span.file and span.line <= item.span.line
            if near and (best is None or span.line > best.document.span.line):
                best = entry
        if best is None or any(best.document.span < other <= item.span for other in self._found.others
                               if other.file == item.span.file):  # fmt: skip
            return None
        return best

    def _diagnosed(self, item: Diagnostic) -> None:
        entry = self._entry_at(item)
        if item.code == "CAL-L513" and self._evidence.options.http == "enforce" and _is_tcp(entry, item):
            return
        finding = self._add(item.code, item.message, item.remedy, item)
        if entry is None:
            return
        entry.codes[item.code] = None
        entry.findings[finding.id] = None
        label = entry.policy.label if entry.policy else ""
        if item.refuses and not self._evidence.options.accepts(item.code, label):
            entry.refused = True
            entry.worsen(Grade.X)
        if item.code == "CAL-H605" and entry.policy and is_idle(entry.policy, self._evidence.world):
            entry.worsen(Grade.S1)
            entry.conditions[HOSTS] = item.code
        elif item.code in _HOST_CODES and not (item.code == "CAL-H601" and self._evidence.hosts):
            entry.worsen(_HOST_CODES[item.code])
            entry.opens = True
            self._graver(finding.id)
            entry.refused = entry.refused or item.code in {"CAL-H604", "CAL-H605"}
        if item.code == "CAL-O316":
            entry.worsen(Grade.S1)
            entry.conditions[f"Tier {entry.policy.tier if entry.policy else ''}"] = item.code

    def _add(self, code: str, text: str, remedy: str, item: Diagnostic) -> Finding:
        digest = hashlib.sha256(f"{code}|{item.object}|{item.path}|{text}".encode()).hexdigest()[:8]
        key = f"{code}-{digest}"
        finding = Finding(key, code, str(item.severity), text, remedy, item.span, item.object)
        return self._findings.setdefault(key, finding)

    def _noted(self, note: Note) -> None:
        policy = note.source.policy
        if policy is None:
            return
        entry = self._entries[id(policy.document)]
        for name in note.objects:
            entry.conditions[name] = entry.conditions.get(name) or note.code
        if note.grade < Grade.A:
            entry.worsen(note.grade)
        if not note.code:
            return
        note = self._in_form(note, entry)
        span = note.span or note.source.span
        fills: dict[str, Any] = dict(note.fills)
        item = diagnostic(note.code, span, about=f"{policy.api_kind} {policy.label}", **fills)
        finding = self._add(note.code, item.message, item.remedy, item)
        entry.codes[note.code] = None
        entry.findings[finding.id] = None

    def _in_form(self, note: Note, entry: _Entry) -> Note:
        """All ICMP in the short form holds for one release alone."""
        rule = note.source.rule
        shortened = self._evidence.emission.short_icmp and rule is not None and rule.action is Action.ALLOW
        if note.code != "CAL-L503" or not shortened:
            return note
        version = ".".join(map(str, CILIUM_CONFIRMED))
        entry.worsen(Grade.S1)
        entry.conditions[f"Cilium {version}"] = note.code
        form = f", in a short form that holds for Cilium {version} only"
        return replace(note, fills={"n": 1, "form": form})

    def _settle(self) -> None:
        """Work out every claim; what differs nowhere leaves the grade as it is."""
        compilation = self._evidence.compilation
        space = compilation.space
        for direction, compiled in compilation.directions.items():
            grouped: dict[tuple[str, object, int], list[Claim]] = {}
            withheld = [Claim(one.error.code, one.source, one.region) for one in compilation.withheld]
            for claim in (*compiled.claims, *withheld):
                if not claim.assumed and (claim.source.policy is not None or claim.code == "CAL-V807"):
                    rule = claim.source.rule.index if claim.source.rule else -1
                    owner = id(claim.source.policy) if claim.source.policy else claim.source.tier
                    grouped.setdefault((claim.code, owner, rule), []).append(claim)
            for claims in grouped.values():
                region = [
                    recast(cube, space, self._evidence.settler.space) for c in claims for cube in c.region
                ]
                for difference in self._evidence.settler.settle(direction, region):
                    self._differs(claims[0], difference)

    def _differs(self, claim: Claim, difference: Difference) -> None:
        entry = self._owner(claim, difference)
        entry.worsen(Grade.X if claim.code in {"CAL-O314", "CAL-S211"} else GRADES.get(claim.code, Grade.A))
        entry.opens = entry.opens or difference.opens
        entry.closes = entry.closes or not difference.opens
        source, destination, packets = describe(
            Words(self._evidence.settler.space, difference.direction), difference.cubes
        )
        effect = "opens" if difference.opens else "closes"
        label = claim.source.policy.label if claim.source.policy else claim.source.tier
        text = f"{claim.code}|{label}|{effect}|{difference.direction}|{source}|{destination}|{packets}"
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        self.named.append(NamedRegion(digest, difference.direction, difference.cubes))
        finding = next(
            (f for f in entry.findings if f.startswith(claim.code)), next(iter(entry.findings), "")
        )
        self._differences.append(
            DifferenceEntry(digest, finding, effect, str(difference.direction), source, destination, packets,
                            difference.example is not None, _example(difference.example.flow) if difference.example else "",
                            *_decisions(difference), self._today(difference))
        )  # fmt: skip
        if difference.opens:
            self._graver(finding)

    def _graver(self, key: str) -> None:
        """Make an error of a finding by which something opens."""
        if key in self._findings:
            self._findings[key] = replace(self._findings[key], severity=str(Severity.ERROR))

    def _owner(self, claim: Claim, difference: Difference) -> _Entry:
        """Find whose a difference is: of the policy that claims it, or that an object which stays overrides.

        Where no policy selects the pods the object alone is to blame, and nothing of the input gets a worse grade.
        """
        if claim.source.policy is not None:
            return self._entries[id(claim.source.policy.document)]
        calico, _ = _decisions(difference)
        entry = self._by_trace(calico[1])
        if entry is not None:
            return entry
        name = claim.source.tier
        item = diagnostic("CAL-V807", None, about=name, object=name, subject="pods that no policy selects",
                          effect="it isolates them")  # fmt: skip
        finding = self._add(item.code, item.message, item.remedy, item)
        return _Entry(Document({}, NOWHERE), None, findings={finding.id: None})

    def _today(self, difference: Difference) -> tuple[int | None, int | None] | None:
        """Count the pods that a difference concerns, where there is a cluster to count in."""
        if not self._evidence.world.is_cluster:
            return None
        return self._population.of(difference.direction, difference.cubes)

    @cached_property
    def _population(self) -> Population:
        return Population(self._evidence.settler.space, self._evidence.world)

    def _hosts(self) -> None:
        """Name what differs on the nodes themselves, under the policy that decided it there."""
        proved = self._evidence.hosts
        for item in proved.compared.differences if proved is not None else ():
            entry = self._by_trace(item.calico.by) or self._entries[id(proved.sources[0].document)]  # type: ignore[union-attr]  # differences came from it
            entry.worsen(Grade.A)
            entry.opens = entry.opens or item.opens
            entry.closes = entry.closes or not item.opens
            effect = "opens" if item.opens else "closes"
            text = f"CAL-H601|{effect}|{item.direction}|{item.source}|{item.destination}|{item.packets}"
            digest = hashlib.sha256(text.encode()).hexdigest()[:8]
            finding = next((f for f in sorted(entry.findings) if f.startswith("CAL-H601")), "")
            if item.opens:
                self._graver(finding)
            self._differences.append(
                DifferenceEntry(digest, finding, effect, str(item.direction), item.source, item.destination,
                                item.packets, True, _example(item.example), _decision(item.calico), _decision(item.cilium))
            )  # fmt: skip

    def _unproved(self) -> None:
        """An open obligation is a counterexample if both point evaluators confirm it, else it is unproved."""
        for item in self._evidence.obligations.open[:50]:
            confirmed = self._evidence.settler.confirm(item.direction, item.cube)
            words = Words(self._evidence.settler.space, item.direction)
            source, destination, packets = describe(words, [item.cube])
            verdicts = ("deny", "allow") if item.opens else ("allow", "deny")
            code = "CAL-V809" if confirmed else "CAL-V808"
            found = diagnostic(code, item.span, about=item.by, src=source, dst=destination, proto=packets,
                               port=item.name, a=verdicts[0], b=verdicts[1],
                               flow=f"{source} -> {destination}, {packets} ({item.name})")  # fmt: skip
            finding = self._add(found.code, found.message, found.remedy, found)
            entry = self._by_trace(item.by)
            if entry is not None:
                entry.worsen(Grade.X)
                entry.codes[found.code] = None
                entry.findings[finding.id] = None
                entry.opens = entry.opens or item.opens
                entry.closes = entry.closes or not item.opens

    def _witnessed(self) -> None:
        """What the matrices show and nobody named is a counterexample; a lone pod's namespace is a condition."""
        for name in self._evidence.witnessed.orphans:
            item = diagnostic("CAL-O312", None, about=f"Namespace {name}", object=f"Namespace {name}",
                              subject=f"its pods in {name}")  # fmt: skip
            self._add(item.code, item.message, item.remedy, item)
        for point in self._evidence.witnessed.unexplained:
            self._counterexample(point)

    def _counterexample(self, point: Unexplained) -> None:
        words = Words(self._evidence.settler.space, point.direction)
        source, destination, packets = describe(words, [point.cube])
        calico, cilium = (str(d.verdict) if d is not None else "" for d in (point.calico, point.cilium))
        code = "CAL-V809" if point.confirmed else "CAL-V808"
        by = point.calico.by if point.calico is not None else ""
        span = point.calico.span if point.calico is not None else None
        found = diagnostic(code, span, about=by, src=source, dst=destination, proto=packets, port=point.flow.port,
                           a=calico, b=cilium, flow=f"{source} -> {destination}, {packets}")  # fmt: skip
        finding = self._add(found.code, found.message, found.remedy, found)
        entry = self._by_trace(by)
        if entry is not None:
            entry.worsen(Grade.X)
            entry.codes[code] = None
            entry.findings[finding.id] = None

    def _by_trace(self, by: str) -> _Entry | None:
        label = by.partition(":")[2].partition("#")[0]
        for entry in self._entries.values():
            if entry.policy is not None and entry.policy.label == label:
                return entry
        return None

    def _assembled(self, input_hash: str) -> Report:
        entries = sorted((self._line(e) for e in self._entries.values()), key=_entry_key)
        codes = {name: code for e in self._entries.values() for name, code in e.conditions.items() if code}
        digest = hashlib.sha256("".join(f.path + f.text for f in self.files).encode())
        options = self._evidence.options
        facts = Facts(self._evidence.world, self._found.tiers, options.cilium_version)
        return Report(
            input_hash=input_hash,
            output_hash="sha256:" + digest.hexdigest(),
            policies=tuple(entries),
            findings=tuple(sorted(self._findings.values(), key=_finding_key)),
            differences=tuple(sorted(self._differences, key=lambda d: (d.effect != "opens", d.id))),
            conditions=listed(entries, codes, facts),
            method=Method(
                tool=TOOL_VERSION,
                calico=".".join(map(str, options.calico_version)),
                cilium=".".join(map(str, options.cilium_version)),
                cluster="snapshot" if self._evidence.world.is_cluster else None,
                obligations=dict(self._evidence.obligations.checked),
                open_obligations=len(self._evidence.obligations.open)
                + len(self._evidence.witnessed.unexplained),
                compared=_compared(self._evidence.witnessed),
                not_considered=NOT_CONSIDERED,
                sizes=_sizes(self._evidence),
            ),
        )

    def _line(self, entry: _Entry) -> PolicyEntry:
        document, policy = entry.document, entry.policy
        kept = policy is not None and self._is_kept(policy)
        disposition = "refused" if entry.refused else ("kept" if kept else "translated")
        direction = None
        if entry.opens or entry.closes:
            direction = "both" if entry.opens and entry.closes else "looser" if entry.opens else "stricter"
        worst = Grade.X if entry.refused else entry.grade
        return PolicyEntry(
            kind=document.kind,
            namespace=policy.namespace if policy else (document.namespace or None),
            name=policy.name if policy else document.name,
            source=document.span,
            disposition=disposition,
            grade=worst.name,
            direction=direction,
            codes=tuple(sorted(entry.codes)),
            outputs=tuple(self._outputs.get(id(document), ())),
            conditions=tuple(sorted(entry.conditions)),
            findings=tuple(sorted(entry.findings)),
            tier=policy.tier if policy else "",
            order=policy.order if policy else None,
        )

    def _is_kept(self, policy: Policy) -> bool:
        return policy.staged or self._evidence.compilation.stays(policy)

    @cached_property
    def _outputs(self) -> dict[int, list[str]]:
        """Give, by policy, the files and lines of the objects that hold something of it."""
        lines = {key: (f.path, line) for f in self.files for key, line in f.objects}
        found: dict[int, list[str]] = {}
        for manifest in self._evidence.emission.manifests:
            path, line = lines[manifest.kind, manifest.namespace, manifest.name]
            for key in dict.fromkeys(id(s.policy.document) for s in manifest.sources if s.policy is not None):
                found.setdefault(key, []).append(f"{path}:{line}")
        return found


def _is_tcp(entry: _Entry | None, item: Diagnostic) -> bool:
    """Say whether the rule that a finding is about speaks of TCP alone, so that layer 7 can be asked."""
    if entry is None or entry.policy is None:
        return False
    return any(f".ingress.{r.index}." in item.path and r.protocol == TCP for r in entry.policy.ingress)


def _entry_key(entry: PolicyEntry) -> tuple[str, str, str, str, int]:
    return (entry.kind, entry.namespace or "", entry.name, entry.source.file, entry.source.line)


def _finding_key(finding: Finding) -> tuple[int, str, int, str]:
    order = _SEVERITIES[Severity(finding.severity)]
    return (order, finding.span.file, finding.span.line, finding.id)


def _decisions(difference: Difference) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    if difference.example is None:
        return ("", "", ""), ("", "", "")
    ingress = difference.direction is Direction.INGRESS
    sides = (difference.example.calico, difference.example.cilium)
    found = [_decision(side.ingress if ingress else side.egress) for side in sides]
    return found[0], found[1]


def _decision(decision: Decision | None) -> tuple[str, str, str]:
    if decision is None:
        return ("", "", "")
    return (str(decision.verdict), decision.by, str(decision.span) if decision.span else "")


def _example(flow: Flow) -> str:
    ends = []
    for peer in (flow.source, flow.destination):
        pod = peer.pod
        ends.append(f"{pod.namespace}/{pod.labels}" if pod else str(peer.address or peer.entity))
    return f"{ends[0]} -> {ends[1]}, protocol {flow.protocol}, port {flow.port}"


def _sizes(evidence: Evidence) -> dict[str, int]:
    cubes = sum(
        len(output.cubes)
        for compiled in evidence.compilation.directions.values()
        for output in (*compiled.allows, *compiled.denies)
    )
    emission, compilation = evidence.emission, evidence.compilation
    naive_elements, naive_map = naive_size(compilation, evidence.world, evidence.options)
    sizes = {
        "items": compilation.items,
        "cubes": cubes,
        "objects": len(emission.manifests),
        "rules": sum(len(_rules(m)) for m in emission.manifests),
        "elements": elements_of(emission.cilium),
        "naive_elements": naive_elements,
    }
    if emission.sizes:
        sizes |= {"map_entries": emission.sizes[0].entries, "naive_map_entries": naive_map}
    return sizes


def _rules(manifest: Manifest) -> list[object]:
    body = manifest.body
    specs = body.get("specs") or [body.get("spec")]
    return list(specs) if isinstance(specs, list) else []


def _compared(found: Witnessed) -> dict[str, int]:
    """Give the counts of the matrix comparison; none where there was no cluster to compare over."""
    if not found.classes:
        return {}
    points = found.agree + found.differ
    return {"classes": found.classes, "atoms": found.atoms, "points": points, "differ": found.differ}
