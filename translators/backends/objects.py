"""Gather rules into CiliumNetworkPolicies and CiliumClusterwideNetworkPolicies that keep their source's name.

A subject inside one namespace gives a CNP there, any other a CCNP. One bad rule makes Cilium refuse a whole
object and leaves its subject open, so objects are kept small (``translation.md`` §6 rule 8, §6.4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from translators.algebra.cubes import Budget, join, sub
from translators.algebra.space import SideName, Space
from translators.backends.http import Limited, split
from translators.backends.members import Peering
from translators.backends.rules import Element, Form, Piece, elements
from translators.backends.terms import own_namespace, terms, without_namespace
from translators.backends.yaml_text import dump
from translators.flows import Direction
from translators.ir.items import Compiled, Output, Source
from translators.ir.policy import Policy, PolicyKind

__all__ = ["Manifest", "Writer"]

API = "cilium.io/v2"
MANAGED_BY = {"app.kubernetes.io/managed-by": "c2c"}
MAX_ELEMENTS = 100
MAX_LOG = 32
MAX_SOURCES = 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object to apply, the policies it comes from, and its size in cubes.

    Of ``body`` only the annotations may change later; ``written`` keeps the text of the rest.
    """

    kind: str
    namespace: str | None
    name: str
    body: dict[str, object]
    sources: tuple[Source, ...]
    cubes: int
    written: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def text(self) -> str:
        """Give the object as YAML."""
        parts = []
        for key, value in self.body.items():
            if key == "metadata":
                parts.append(dump({key: value}))
                continue
            if key not in self.written:
                self.written[key] = dump({key: value})
            parts.append(self.written[key])
        return "".join(parts)


@dataclass(slots=True)
class _Rule:
    """What one subject gets: pieces by section, the directions in which it is isolated, and those left open."""

    pieces: dict[tuple[Direction, bool], list[Piece]] = field(default_factory=dict)
    isolated: set[Direction] = field(default_factory=set)
    free: set[Direction] = field(default_factory=set)


@dataclass(slots=True)
class _Object:
    rules: dict[int, _Rule] = field(default_factory=dict)
    sources: dict[int, Source] = field(default_factory=dict)

    def rule(self, subject: int) -> _Rule:
        return self.rules.setdefault(subject, _Rule())


_Key = tuple[str | None, str]


class Writer:
    """Collects both directions of a compilation and writes the objects."""

    def __init__(
        self,
        space: Space,
        peerings: Mapping[Direction, Peering],
        *,
        log: bool,
        short_icmp: bool = False,
        of_nodes: bool = False,
        host_needs_rule: bool = False,
        http: bool = False,
    ) -> None:
        """``log``: the target knows ``log.value``; ``short_icmp``: it reads ICMP type 0 as every type.

        ``of_nodes``: the subjects are nodes, and the objects carry their source's name with ``-hosts``.
        ``host_needs_rule``: the target lets a node reach its own pods by rule alone (probes). ``http``: allows are
        limited on layer 7 too.
        """
        self._http = http and not of_nodes
        self._host_needs_rule = host_needs_rule and not of_nodes
        self._of_nodes = of_nodes
        self._space = space
        self._peerings = peerings
        self._log = log
        self._short_icmp = short_icmp
        self._subject_mask = space.subject.mask | sum(
            f.mask for f in space.fields if f.name[0] == SideName.SUBJECT
        )
        self._objects: dict[_Key, _Object] = {}
        self._free: dict[Direction, Sequence[int]] = {}
        self._rank = 0

    def add(self, compiled: Compiled) -> None:
        """Take in one direction."""
        self._free[compiled.direction] = compiled.free
        limits = split(self._space, compiled.allows) if self._http else ((o, ()) for o in compiled.allows)
        grouped: dict[Limited, list[Output]] = {}
        for output, http in limits:
            grouped.setdefault(http, []).append(output)
        for http, outputs in grouped.items():
            for policy_outputs in _by_policy(outputs):
                self._add_policy(compiled.direction, policy_outputs, allow=True, http=http)
        for policy_outputs in _by_policy(compiled.denies):
            self._add_policy(compiled.direction, policy_outputs, allow=False)
        for output in compiled.isolated:
            self._isolate(compiled.direction, output)

    def _add_policy(
        self, direction: Direction, outputs: Sequence[Output], *, allow: bool, http: Limited = ()
    ) -> None:
        """Join the cubes of one policy's rules; a joined cube belongs to the first rule that it meets."""
        layout = self._space.layout
        ranked = [(self._next_rank(), output) for output in outputs]
        for cube in join(layout, (c for output in outputs for c in output.cubes)):
            met = [(r, o) for r, o in ranked if any(layout.meets(cube, c) for c in o.cubes)]
            subject = cube & self._subject_mask
            target = self._object(cube, met[0][1].source)
            target.sources.update((r, o.source) for r, o in met)
            piece = Piece((cube & ~self._subject_mask) | self._subject_mask, met[0][0], http)
            rule = target.rule(subject)
            rule.pieces.setdefault((direction, allow), []).append(piece)
            if any(
                layout.meets(cube | ~self._subject_mask & self._space.full, f) for f in self._free[direction]
            ):
                rule.free.add(direction)

    def _isolate(self, direction: Direction, output: Output) -> None:
        """Switch default deny on for what no element of the same object has switched it on for."""
        for cube in output.cubes:
            target = self._object(cube, output.source)
            done = [
                subject | (self._space.full & ~self._subject_mask)
                for subject, rule in target.rules.items()
                if direction not in rule.free and any(d is direction for d, _ in rule.pieces)
            ]
            left = sub(self._space.layout, [cube], done, len(done) + 8, Budget())
            if left is None or left:
                target.rule(cube & self._subject_mask).isolated.add(direction)
                target.sources.setdefault(self._next_rank(), output.source)

    def _next_rank(self) -> int:
        self._rank += 1
        return self._rank

    def _object(self, cube: int, source: Source) -> _Object:
        home = own_namespace(self._space, cube, SideName.SUBJECT)
        if source.policy is None:
            key: _Key = (None, f"{source.tier}-end" + ("-hosts" if self._of_nodes else ""))
        elif self._of_nodes:
            key = (None, f"{source.policy.name}-hosts")
        else:
            key = (home, _object_name(source.policy))
        return self._objects.setdefault(key, _Object())

    def manifests(self) -> list[Manifest]:
        """Give the objects by namespace (cluster-wide ones first), then name."""
        ordered = sorted(self._objects.items(), key=lambda entry: (entry[0][0] or "", entry[0][1]))
        return [m for key, gathered in ordered for m in self._write(key, gathered)]

    def _write(self, key: _Key, gathered: _Object) -> Iterator[Manifest]:
        home, name = key
        sources = tuple(source for _, source in sorted(gathered.sources.items()))
        rules = [r for subject, rule in gathered.rules.items() for r in self._rules(subject, rule, home)]
        for number, batch in enumerate(_batches(rules), start=1):
            part = name if number == 1 else f"{name}-{number}"
            yield self._manifest((home, part), [r for r, _ in batch], sources, sum(n for _, n in batch))

    def _manifest(
        self, key: _Key, rules: list[dict[str, object]], sources: tuple[Source, ...], cubes: int
    ) -> Manifest:
        home, name = key
        kind = "CiliumNetworkPolicy" if home is not None else "CiliumClusterwideNetworkPolicy"
        metadata: dict[str, object] = {"name": name}
        if home is not None:
            metadata["namespace"] = home
        metadata["labels"] = dict(MANAGED_BY)
        metadata["annotations"] = {"c2c/source": _source_lines(sources)}
        if self._log:
            for rule in rules:
                rule["log"] = {"value": _log_value(sources)}
        body: dict[str, object] = {"apiVersion": API, "kind": kind, "metadata": metadata}
        body |= {"spec": rules[0]} if len(rules) == 1 else {"specs": rules}
        return Manifest(kind, home, name, body, sources, cubes)

    def _rules(self, subject: int, rule: _Rule, home: str | None) -> Iterator[tuple[dict[str, object], int]]:
        """Give one rule per term of the subject, split where it would grow too long."""
        cube = subject | (self._space.full & ~self._subject_mask)
        sections = self._sections(rule, home)
        size = sum(len(pieces) for pieces in rule.pieces.values())
        for term in terms(self._space, cube, SideName.SUBJECT, home, subject=True):
            for part in _parts(sections):
                yield {**self._subject(term), **_defaults(rule), **part}, size

    def _subject(self, term: dict[str, object]) -> dict[str, object]:
        return {"nodeSelector": without_namespace(term)} if self._of_nodes else {"endpointSelector": term}

    def _sections(self, rule: _Rule, home: str | None) -> dict[str, list[Element]]:
        sections: dict[str, list[Element]] = {}
        for direction in (Direction.INGRESS, Direction.EGRESS):
            for allow, suffix in ((True, ""), (False, "Deny")):
                pieces = rule.pieces.get((direction, allow))
                if not pieces:
                    continue
                form = Form(allow, self._short_icmp)
                made = elements(self._space, self._peerings[direction], pieces, home, form)
                sections[f"{direction}{suffix}"] = [element for element, _ in made]
            if direction in rule.isolated and direction not in sections:
                sections[str(direction)] = [{}]
        if self._host_needs_rule and {"ingress", "ingressDeny"} & sections.keys():
            own: Element = {"fromEntities": ["host"]}
            sections["ingress"] = [*(e for e in sections.get("ingress", []) if e), own]
        return sections


def _defaults(rule: _Rule) -> dict[str, object]:
    """Leave default deny off where the pods are to stay open, unless they are isolated beside."""
    switched = [d for d in Direction if d in rule.free and d not in rule.isolated]
    return {"enableDefaultDeny": {str(d): False for d in switched}} if switched else {}


def _object_name(policy: Policy) -> str:
    """Give the name of a policy's object; beside a Kubernetes policy that stays it must differ from it."""
    kept = policy.kind is PolicyKind.KUBERNETES_NETWORK_POLICY
    return f"{policy.name}-knp" if kept else policy.name


def _by_policy(outputs: Sequence[Output]) -> Iterator[list[Output]]:
    """Group what comes from one policy, or from one end of tier, keeping Calico's order."""
    groups: dict[tuple[int, str], list[Output]] = {}
    for output in outputs:
        owner = output.source.policy
        key = (id(owner) if owner is not None else 0, output.source.tier if owner is None else "")
        groups.setdefault(key, []).append(output)
    yield from groups.values()


def _parts(sections: dict[str, list[Element]]) -> Iterator[dict[str, list[Element]]]:
    if sum(len(items) for items in sections.values()) <= MAX_ELEMENTS:
        yield sections
        return
    for name, items in sections.items():
        for start in range(0, len(items), MAX_ELEMENTS):
            yield {name: items[start : start + MAX_ELEMENTS]}


def _batches(
    rules: Iterable[tuple[dict[str, object], int]],
) -> Iterator[list[tuple[dict[str, object], int]]]:
    batch: list[tuple[dict[str, object], int]] = []
    held = 0
    for rule, size in rules:
        count = sum(len(items) for key, items in rule.items() if isinstance(items, list))
        if batch and held + count > MAX_ELEMENTS:
            yield batch
            batch, held = [], 0
        batch.append((rule, size))
        held += count
    if batch:
        yield batch


def source_line(source: Source) -> str:
    """Give one line of the annotation ``c2c/source``: kind, name, rule, place."""
    policy = source.policy
    if policy is None:
        return f"Tier {source.tier} {source.direction} end"
    name = f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name
    rule = f"[{source.rule.index}]" if source.rule is not None else ""
    span = source.span
    place = f" {span.file}:{span.line}" if span is not None and span.line else ""
    return f"{policy.kind} {name} {source.direction}{rule}{place}"


def _source_lines(sources: Sequence[Source]) -> str:
    lines = list(dict.fromkeys(source_line(source) for source in sources))
    more = [f"+ {len(lines) - MAX_SOURCES} more"] if len(lines) > MAX_SOURCES else []
    return "\n".join([*lines[:MAX_SOURCES], *more]) + ("\n" if len(lines) > 1 else "")


def _log_value(sources: Sequence[Source]) -> str:
    policy = sources[0].policy
    if policy is None:
        text = f"{sources[0].tier}-end"
    else:
        text = f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name
    if len(text) <= MAX_LOG:
        return text
    return f"{text[:25]}~{hashlib.sha256(text.encode()).hexdigest()[:6]}"
