"""The plan as a file: the JSON document that ``apply`` accepts, and back again (``state.md`` §5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.model.draft import Canary, Draft, Meant, NodePlan, Policies, Stage
from migrate.model.fields import at, items, mapping, text
from migrate.model.plan import PLAN_VERSION, Plan, Step, digest
from migrate.model.serial import DecodeError, decode, encode
from migrate.model.settings import Settings
from migrate.model.variant import Variant

__all__ = ["PlanError", "plan_document", "plan_of"]


class PlanError(Exception):
    """A document is no plan that this version can carry out; the message says why, ``fix`` what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


def plan_document(plan: Plan, *, with_hash: bool = True) -> dict[str, Any]:
    """Give the plan as a document; it holds no time and no secret, so the same input gives the same bytes."""
    draft = plan.draft
    document: dict[str, Any] = {
        "schemaVersion": PLAN_VERSION,
        "kind": "Plan",
        "cleanUp": plan.clean_up,
        "cluster": {"uid": draft.planned_uid, "context": draft.settings.context},
        "inputs": encode(plan.inputs),
        "variant": encode(draft.variant),
        "cilium": {
            "version": draft.settings.cilium.version,
            "chart": draft.settings.cilium.chart,
            "stages": {str(stage): _stage(draft, stage) for stage in draft.values},
        },
        "policies": encode(draft.policies),
        "exposure": encode(plan.exposure),
        "canary": encode(draft.canary),
        "waves": encode(draft.waves),
        "nodes": encode(draft.nodes),
        "pins": encode(draft.pins),
        "ownNode": draft.own_node,
        "steps": [encode(step) for step in plan.steps],
        "settings": encode(draft.settings),
        "bound": encode(plan.bound),
        "findings": encode(plan.findings),
        "blocked": plan.blocked,
    }
    return {**document, "hash": plan.hash} if with_hash else document


def _stage(draft: Draft, stage: Stage) -> dict[str, Any]:
    return {"values": encode(draft.values[stage]), "config": encode(draft.meant[stage])}


def plan_of(document: object) -> Plan:
    """Give the plan that a document holds; raises ``PlanError`` where it is another thing, newer, or was changed."""
    if not isinstance(document, Mapping) or document.get("kind") != "Plan":
        raise PlanError("this is no plan", "make one with c2c plan -o plan.json")
    version = text(document, "schemaVersion")
    if version.split(".")[0] != PLAN_VERSION.split(".")[0]:
        raise PlanError(f"the plan has version {version or '(none)'}, this tool reads {PLAN_VERSION}", "make the plan again with this version: c2c plan -o plan.json")  # fmt: skip
    said = text(document, "hash")
    if digest({k: v for k, v in document.items() if k != "hash"}) != said:
        raise PlanError("the plan was changed after it was made: its hash does not fit", "make it again with c2c plan; settings are changed in the configuration, never in a plan")  # fmt: skip
    try:
        return _plan(document, said)
    except DecodeError as error:
        raise PlanError(f"the plan cannot be read: {error}", "make it again with c2c plan -o plan.json") from error  # fmt: skip


def _plan(document: Mapping[str, Any], said: str) -> Plan:
    return Plan(
        draft=_draft(document),
        steps=tuple(decode(Step, s, path="steps") for s in items(document, "steps")),
        bound={k: (str(v[0]), str(v[1])) for k, v in mapping(document, "bound").items()},
        findings=tuple(items(document, "findings")),
        exposure=tuple(items(document, "exposure")),
        inputs=mapping(document, "inputs"),
        blocked=document.get("blocked") is True,
        clean_up=document.get("cleanUp") is True,
        hash=said,
    )


def _draft(document: Mapping[str, Any]) -> Draft:
    stages = mapping(document, "cilium", "stages")
    meant: dict[Stage, Meant] = {Stage(s): mapping(v, "config") for s, v in stages.items()}
    return Draft(
        settings=decode(Settings, document.get("settings", {}), path="settings"),
        variant=decode(Variant, document.get("variant", {}), path="variant"),
        values={Stage(s): mapping(v, "values") for s, v in stages.items()},
        meant=meant,
        policies=decode(Policies, document.get("policies", {}), path="policies"),
        canary=decode(Canary, document.get("canary", {}), path="canary"),
        waves=tuple(tuple(w) for w in items(document, "waves")),
        nodes={n: decode(NodePlan, p, path=f"nodes.{n}") for n, p in mapping(document, "nodes").items()},
        pins=_pins(document),
        own_node=text(document, "ownNode"),
        planned_uid=str(at(document, "cluster", "uid") or ""),
    )


def _pins(document: Mapping[str, Any]) -> Any:  # noqa: ANN401  # pairs of commands
    return decode(Draft, {"pins": items(document, "pins")}, path="pins").pins
