"""What a plan would do, before anybody judged it: the planner makes it, preflight judges it, both go into the plan.

Everything here follows from the snapshot, the settings and the translation; nothing is chosen by a rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migrate.model.commands import Command
from migrate.model.settings import Settings
from migrate.model.variant import Variant

__all__ = ["Canary", "Draft", "Meant", "NodePlan", "Policies", "Rendered", "Stage"]

Meant = Mapping[str, str | None]
"""Keys of ``cilium-config`` as they are meant; None: the key must be absent."""


class Stage(StrEnum):
    """Which values Helm is given: migration (P3–P5), audit (P6–P7), final (P8 on)."""

    MIGRATION = "M"
    AUDIT = "A"
    FINAL = "F"


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the chart made of one stage's values.

    ``config`` is the ConfigMap ``cilium-config``, ``default`` the same chart's with its own values, ``own`` the same
    chart's with nothing but the user's values. ``operator_verbs`` maps a resource to the verbs of the operator's
    ClusterRole; ``unknown_values`` are paths that the chart lacks.
    """

    config: Mapping[str, str]
    default: Mapping[str, str]
    own: Mapping[str, str] = field(default_factory=dict)
    operator_verbs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tolerations: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    unknown_values: tuple[str, ...] = ()
    objects: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Policies:
    """The translation: ``report`` is the TranslationReport as JSON, ``objects`` the manifests in the order of applying.

    ``allowance`` are the temporary objects of ``policyInWindow: bridged``, ``deferred`` denies that wait for P8
    (``gates.md`` §7), as ``Kind/namespace/name``. ``kept`` are policies that stay as they are; ``unread`` kinds that
    could not be read. ``assumed`` are the keys of ``cilium-config`` that the translation rests on, ``hashes`` the
    hash of each object by ``Kind/namespace/name``.
    """

    report: Mapping[str, Any] = field(default_factory=dict)
    objects: tuple[Mapping[str, Any], ...] = ()
    allowance: tuple[Mapping[str, Any], ...] = ()
    deferred: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    assumed: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodePlan:
    """How one node is moved. ``groups`` are the PDBs that its pods belong to; times are estimates in seconds."""

    mode: str = "drain"
    recycle_order: str = "hold"
    access: str = "api"
    reboot: bool = False
    groups: tuple[str, ...] = ()
    p50_s: float = 0
    p90_s: float = 0


@dataclass(frozen=True, slots=True)
class Canary:
    """The node that goes first and why; ``given_up`` names conditions that no node met."""

    node: str = ""
    reasons: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan in the making; ``pins`` are the commands of P2 with everything they need, each with its undo.

    ``values`` and ``meant`` map each stage; ``rendered`` is None where no chart was at hand (then what only the chart
    can tell is *deferred*). ``repeated_keys`` are keys that stand twice in the user's values file. ``run`` and
    ``holder`` say who judges while a run goes on: its marks, its lock and its Cilium are then our own.
    """

    settings: Settings = field(default_factory=Settings)
    variant: Variant = field(default_factory=Variant)
    values: Mapping[Stage, Mapping[str, Any]] = field(default_factory=dict)
    meant: Mapping[Stage, Meant] = field(default_factory=dict)
    rendered: Mapping[Stage, Rendered] | None = None
    policies: Policies = field(default_factory=Policies)
    canary: Canary = field(default_factory=Canary)
    waves: tuple[tuple[str, ...], ...] = ()
    nodes: Mapping[str, NodePlan] = field(default_factory=dict)
    pins: tuple[tuple[Command, Command], ...] = ()
    own_node: str = ""
    planned_uid: str = ""
    repeated_keys: tuple[str, ...] = ()
    run: str = ""
    holder: str = ""

    @property
    def canaries(self) -> tuple[str, ...]:
        """Give the nodes of P4 in their order (``waves.canary.nodes``): the canary, then who goes next; none without one."""
        ordered = dict.fromkeys([self.canary.node, *(node for wave in self.waves for node in wave)])
        return tuple(ordered)[: self.settings.waves.canaries] if self.canary.node else ()

    @property
    def steps_of_pin(self) -> tuple[str, ...]:
        """Give the names of the commands of P2 (rules marked *P* are mended by them)."""
        return tuple(dict.fromkeys(str(command.name) for command, _ in self.pins))
