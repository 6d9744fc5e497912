"""Questions about policies that several rules ask: the translation's report and objects, and what the cluster holds.

The report is the TranslationReport as JSON (``reports.md`` §8); a policy is named ``Kind/namespace/name`` as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.engine.exposure import Protection, protection
from migrate.engine.sides import Network, path_of
from migrate.engine.window import Pods
from migrate.engine.worlds import documents_of
from migrate.model.fields import items, maps, number, text
from migrate.model.resources import Resource
from migrate.model.snapshot import Snapshot
from migrate.preflight.rule import Case
from migrate.preflight.views import calico_pools, networks
from translators.diagnostics import CODES
from translators.errors import TranslatorError
from translators.explanation import Explainer
from translators.settings import CiliumConfig, Options
from translators.source import from_object
from translators.world import World
from translators.worldbuilder import build_world

__all__ = [
    "CALICO_POLICIES",
    "CILIUM_POLICIES",
    "CLUSTER_POLICIES",
    "NATIVE_POLICIES",
    "Difference",
    "Reported",
    "assumed_config",
    "calico_judge",
    "cilium_judge",
    "cilium_policies",
    "differences",
    "known_pods",
    "names_sctp",
    "policies_of",
    "protected",
    "reported",
    "staged_objects",
]

CALICO_POLICIES = ("networkpolicies", "globalnetworkpolicies")
NATIVE_POLICIES = "networkpolicies.networking.k8s.io"
CLUSTER_POLICIES = tuple(
    f"{plural}.policy.networking.k8s.io"
    for plural in ("clusternetworkpolicies", "adminnetworkpolicies", "baselineadminnetworkpolicies")
)
CILIUM_POLICIES = ("ciliumnetworkpolicies.cilium.io", "ciliumclusterwidenetworkpolicies.cilium.io")


@dataclass(frozen=True, slots=True)
class Reported:
    """One finding of the translation about one policy; ``grade`` and ``direction`` are the policy's."""

    policy: str
    grade: str
    direction: str
    disposition: str
    code: str
    severity: str
    text: str
    remedy: str
    place: str
    accepted: str | None
    id: str

    @property
    def refuses(self) -> bool:
        """Say whether its code leaves the object, or its subjects, without output."""
        return self.code in CODES and CODES[self.code].refuses

    @property
    def is_note(self) -> bool:
        """Say whether it only informs."""
        return self.severity == "note"


@dataclass(frozen=True, slots=True)
class Difference:
    """A region in which the two sets differ; ``policy`` is what the report blames, ``effect`` opens or closes."""

    policy: str
    finding: str
    effect: str
    flow: str
    example: str
    accepted: str | None


def reported(case: Case) -> list[Reported]:
    """Give every finding of the report, once for each policy that has it."""
    return case.once(_reported)


def _reported(case: Case) -> list[Reported]:
    report = case.draft.policies.report
    by_id = {text(f, "id"): f for f in maps(report, "findings")}
    held: list[Reported] = []
    owned: set[str] = set()
    for entry in maps(report, "policies"):
        for key in items(entry, "findings"):
            if key in by_id:
                owned.add(key)
                held.append(_of(by_id[key], path_of_entry(entry), entry))
    held += [_of(f, _path_of_words(text(f, "object")), {}) for k, f in by_id.items() if k not in owned]
    return held


def path_of_entry(entry: Mapping[str, Any]) -> str:
    """Give ``Kind/namespace/name`` of a policy of the report."""
    parts = (text(entry, "kind"), text(entry, "namespace"), text(entry, "name"))
    return "/".join(part for part in parts if part)


def _path_of_words(words: str) -> str:
    """Give ``Kind/namespace/name`` for ``Kind namespace/name``; what names no object stays as it is."""
    return words.replace(" ", "/", 1) if words else "policies"


def _of(finding: Mapping[str, Any], policy: str, entry: Mapping[str, Any]) -> Reported:
    span = finding.get("span")
    line = number(span, "line")
    place = f"{text(span, 'file')}:{line}" if line else text(span, "file")
    accepted = finding.get("accepted")
    return Reported(
        policy=policy,
        grade=text(entry, "grade"),
        direction=text(entry, "direction"),
        disposition=text(entry, "disposition"),
        code=text(finding, "code"),
        severity=text(finding, "severity"),
        text=text(finding, "text"),
        remedy=text(finding, "remedy"),
        place=place,
        accepted=accepted if isinstance(accepted, str) else None,
        id=text(finding, "id"),
    )


def differences(case: Case) -> list[Difference]:
    """Give every difference of the report with the policies that have its finding."""
    return case.once(_differences)


def _differences(case: Case) -> list[Difference]:
    owners: dict[str, list[Reported]] = {}
    for finding in reported(case):
        owners.setdefault(finding.id, []).append(finding)
    found = []
    for item in maps(case.draft.policies.report, "differences"):
        key = text(item, "finding")
        flow = f"{text(item, 'src')} → {text(item, 'dst')}, {text(item, 'packets')}"
        effect, example = text(item, "effect"), text(item, "example")
        if key not in owners:
            found.append(Difference("policies", key, effect, flow, example, None))
        for owner in owners.get(key, ()):
            found.append(Difference(owner.policy, key, effect, flow, example, owner.accepted))
    return found


def policies_of(snapshot: Snapshot) -> Iterator[Resource]:
    """Give every policy of Calico and of Kubernetes that the cluster holds, staged ones left out."""
    for plural in CALICO_POLICIES:
        yield from snapshot.calico(plural)
    yield from snapshot.of(NATIVE_POLICIES)


def cilium_policies(snapshot: Snapshot) -> Iterator[Resource]:
    """Give the policies of Cilium that the cluster holds already."""
    for resource in CILIUM_POLICIES:
        yield from snapshot.of(resource)


def staged_objects(case: Case, *, in_window: bool = False) -> list[Mapping[str, Any]]:
    """Give what the plan applies; in the window without what waits for P8."""
    policies = case.draft.policies
    waiting = set(policies.deferred) if in_window else set[str]()
    return [o for o in policies.objects if path_of(o) not in waiting]


def known_pods(case: Case) -> Pods:
    """Give what the allowance of the window asks of the cluster's pods."""
    ports: dict[tuple[str, str], set[int]] = {}
    for name, protocol, number_ in (p for pod in case.snapshot.pods for p in pod.named_ports):
        ports.setdefault((name, protocol), set()).add(number_)
    ranges: list[Network] = []
    if "pods" in assumed_config(case).cidr_match_mode:
        pools = [cidr for _, cidr in calico_pools(case.snapshot)]
        ranges = networks([*pools, *case.draft.settings.cilium.pod_cidrs])
    return Pods(ranges, ports)


def assumed_config(case: Case) -> CiliumConfig:
    """Give what the translation assumed of Cilium."""
    return CiliumConfig.from_map(case.draft.policies.assumed)


def protected(case: Case) -> Sequence[Protection]:
    """Give by namespace and direction which pods the staged policies, and those that stay, isolate."""
    return case.once(_protected)


def _protected(case: Case) -> Sequence[Protection]:
    return protection(case.snapshot, _after(case), assumed_config(case))


def _after(case: Case) -> list[Mapping[str, Any]]:
    """Give the policies that Cilium enforces at the end: staged ones, and native ones that stay."""
    kept = set(case.draft.policies.kept)
    native = [r.data for r in case.snapshot.of(NATIVE_POLICIES) if r.path in kept]
    return [*case.draft.policies.objects, *native]


def cilium_judge(case: Case) -> Explainer:
    """Give Cilium's evaluator over what will be enforced at the end."""
    return case.once(_cilium_judge)


def _cilium_judge(case: Case) -> Explainer:
    documents = [from_object(item) for item in _after(case)]
    return Explainer(case.once(_world), documents, "cilium", Options(cilium=assumed_config(case)))


def calico_judge(case: Case) -> Explainer | None:
    """Give Calico's evaluator over the cluster's policies; None where Calico itself could not read them."""
    return case.once(_calico_judge)


def _calico_judge(case: Case) -> Explainer | None:
    held = [*policies_of(case.snapshot), *case.snapshot.calico("tiers")]
    held += [r for resource in CLUSTER_POLICIES for r in case.snapshot.of(resource)]
    options = Options()
    if case.draft.variant.minor != (0, 0):
        options = Options(calico_version=case.draft.variant.minor)
    try:
        return Explainer(case.once(_world), [from_object(r.data) for r in held], "calico", options)
    except (TranslatorError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _world(case: Case) -> World:
    return build_world(documents_of(case.snapshot), is_cluster=True)[0]


def names_sctp(case: Case) -> bool:
    """Say whether a policy, of the input or of the output, speaks of SCTP."""
    return case.once(_names_sctp)


def _names_sctp(case: Case) -> bool:
    held: Iterable[Mapping[str, Any]] = (p.data for p in policies_of(case.snapshot))
    return any(_holds_sctp(item) for item in (*held, *case.draft.policies.objects))


def _holds_sctp(value: object) -> bool:
    if isinstance(value, Mapping):
        return value.get("protocol") == "SCTP" or any(_holds_sctp(v) for v in value.values())
    return isinstance(value, list | tuple) and any(_holds_sctp(v) for v in value)
