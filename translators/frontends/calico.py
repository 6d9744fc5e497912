"""Read Calico's own policies and tiers, as ``projectcalico.org/v3`` and as stored ``crd.projectcalico.org/v1``.

The stored form carries the tier in its name and keeps ``types`` as written: absent there means both directions
(``calico.md`` §7). Staged kinds are read like the others and marked; they are never enforced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translators.frontends.fields import Fields
from translators.frontends.rules import rules
from translators.ir.policy import DEFAULT_TIER, Action, Policy, PolicyKind, Rule, Tier
from translators.selectors.ast import All
from translators.source import Document

__all__ = ["GROUPS", "KINDS", "STORED", "policy", "tier"]

STORED = "crd.projectcalico.org"
GROUPS = frozenset({"projectcalico.org", STORED})
KINDS = frozenset({"NetworkPolicy", "GlobalNetworkPolicy", "StagedNetworkPolicy",
                   "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy"})  # fmt: skip
_COMMON = frozenset({"tier", "order", "selector", "serviceAccountSelector", "types", "ingress", "egress",
                     "performanceHints"})  # fmt: skip
_GLOBAL = frozenset({"namespaceSelector", "doNotTrack", "preDNAT", "applyOnForward"})
_KUBERNETES = frozenset({"podSelector", "policyTypes", "ingress", "egress"})


def policy(document: Document) -> tuple[Policy | None, Fields]:
    """Give the policy of one document, None where it is refused, and what was found in it."""
    fields = Fields(document)
    spec = fields.mapping(document.data.get("spec"), ("spec",))
    fields.named()
    if document.kind == "StagedKubernetesNetworkPolicy":
        return _staged_kubernetes(document, fields, spec)
    found = _Reader(document, fields, spec).policy()
    return (None if fields.refused else found), fields


def tier(document: Document) -> tuple[Tier | None, Fields]:
    """Give the tier of one document, None where it is refused."""
    fields = Fields(document)
    spec = fields.mapping(document.data.get("spec"), ("spec",))
    fields.named()
    fields.known(spec, {"order", "defaultAction"}, ("spec",))
    order = fields.number(spec.get("order"), ("spec", "order"))
    text = fields.text(spec.get("defaultAction"), ("spec", "defaultAction")) or "Deny"
    if text not in {"Deny", "Pass"}:
        fields.refuse(("spec", "defaultAction"), f"defaultAction is {text!r}: Deny or Pass is possible")
    action = Action.PASS if text == "Pass" else Action.DENY
    return (None if fields.refused else Tier(document.name, order, action, document.span)), fields


def _staged_kubernetes(
    document: Document, fields: Fields, spec: Mapping[str, Any]
) -> tuple[Policy | None, Fields]:
    fields.known(spec, {*_KUBERNETES, "stagedAction"}, ("spec",))
    fields.add("CAL-P114", ())
    staged = Policy(PolicyKind.KUBERNETES_NETWORK_POLICY, document.namespace or "default",
                    document.name, DEFAULT_TIER, 1000.0, document.span, document, staged=True)  # fmt: skip
    return (None if fields.refused else staged), fields


class _Reader:
    """Reads one policy of Calico's own kinds."""

    def __init__(self, document: Document, fields: Fields, spec: Mapping[str, Any]) -> None:
        self._document = document
        self._fields = fields
        self._spec = spec
        self._global = document.kind.endswith("GlobalNetworkPolicy")
        self._staged = document.kind.startswith("Staged")

    def policy(self) -> Policy:
        fields, spec = self._fields, self._spec
        extra = _GLOBAL if self._global else frozenset()
        staged = {"stagedAction"} if self._staged else set()
        fields.known(spec, _COMMON | extra | staged, ("spec",))
        if self._staged:
            fields.add("CAL-P114", ())
        ingress = rules(fields, spec.get("ingress"), ("spec", "ingress"), global_policy=self._global)
        egress = rules(fields, spec.get("egress"), ("spec", "egress"), global_policy=self._global)
        types = self._types(ingress, egress)
        tier_name, name = self._tier_and_name()
        self._check_flags(egress)
        return Policy(
            kind=PolicyKind.GLOBAL_NETWORK_POLICY if self._global else PolicyKind.NETWORK_POLICY,
            namespace=None if self._global else (self._document.namespace or "default"),
            name=name,
            tier=tier_name,
            order=fields.number(spec.get("order"), ("spec", "order")),
            span=self._document.span,
            document=self._document,
            selector=fields.selector(spec.get("selector"), ("spec", "selector")) or All(),
            selector_text=fields.text(spec.get("selector"), ("spec", "selector")),
            namespace_selector=self._optional("namespaceSelector"),
            account_selector=self._optional("serviceAccountSelector"),
            ingress=ingress,
            egress=egress,
            applies_ingress="Ingress" in types,
            applies_egress="Egress" in types,
            staged=self._staged,
            do_not_track=self._flag("doNotTrack"),
            pre_dnat=self._flag("preDNAT"),
            apply_on_forward=self._flag("applyOnForward"),
        )

    def _optional(self, key: str) -> Any:  # noqa: ANN401  # a selector tree or None
        return self._fields.selector(self._spec.get(key), ("spec", key))

    def _flag(self, key: str) -> bool:
        return self._fields.boolean(self._spec.get(key), ("spec", key))

    def _tier_and_name(self) -> tuple[str, str]:
        """Give the tier and the name without the prefix that the stored form adds for tier ``default``."""
        tier_name = self._fields.text(self._spec.get("tier"), ("spec", "tier")) or DEFAULT_TIER
        name = self._document.name
        if self._document.group == STORED:
            name = name.removeprefix(f"{DEFAULT_TIER}.")
        return tier_name, name

    def _types(self, ingress: tuple[Rule, ...], egress: tuple[Rule, ...]) -> frozenset[str]:
        path = ("spec", "types")
        written = self._fields.sequence(self._spec.get("types"), path)
        for index, item in enumerate(written):
            if not isinstance(item, str) or item not in {"Ingress", "Egress"}:
                self._fields.refuse((*path, index), f"types holds {item!r}: Ingress or Egress is possible")
        if written:
            return frozenset(str(item) for item in written)
        if self._document.group == STORED:
            self._fields.add("CAL-P111", ("spec",))
            return frozenset({"Ingress", "Egress"})
        return self._defaulted(bool(ingress), bool(egress))

    def _defaulted(self, ingress: bool, egress: bool) -> frozenset[str]:
        if egress:
            types = frozenset({"Egress", "Ingress"} if ingress else {"Egress"})
        else:
            types = frozenset({"Ingress"})
        by_key = {key for key in ("ingress", "egress") if self._spec.get(key) is not None}
        other = frozenset(key.capitalize() for key in by_key) or frozenset({"Ingress"})
        if other != types:
            empty = "egress" if not egress and "egress" in by_key else "ingress"
            self._fields.add(
                "CAL-P110", ("spec", empty), choice=empty, types=_list(types), other=_list(other)
            )
        return types

    def _check_flags(self, egress: tuple[Rule, ...]) -> None:
        before, untracked = self._flag("preDNAT"), self._flag("doNotTrack")
        if before and untracked:
            self._fields.add("CAL-P113", ("spec",), flags="preDNAT and doNotTrack")
        if (before or untracked) and not self._flag("applyOnForward"):
            flag = "preDNAT" if before else "doNotTrack"
            self._fields.add("CAL-P113", ("spec",), flags=f"{flag} without applyOnForward")
        if before and egress:
            self._fields.add("CAL-P113", ("spec",), flags="preDNAT and egress rules")


def _list(types: frozenset[str]) -> str:
    return "[" + ", ".join(sorted(types, reverse=True)) + "]"
