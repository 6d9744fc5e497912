"""Ask one flow of both engines: the public ``explain``, with what decided in each, rule by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from translators.ends import MADE, End, in_world, parse_end
from translators.errors import InputError
from translators.explanation import Explainer
from translators.flows import FlowVerdict
from translators.frontends import is_policy
from translators.policyset import CALICO, CILIUM, Around, read_set
from translators.settings import Options
from translators.source import Document, iterate, read
from translators.translation import translate
from translators.world import AddressPlan, World
from translators.worldbuilder import build_world

__all__ = ["Explanation", "explain"]

Input = Iterable[Document | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What each engine says of one flow; ``source`` and ``destination`` name the ends that were asked."""

    source: str
    destination: str
    calico: FlowVerdict
    cilium: FlowVerdict

    @property
    def agrees(self) -> bool:
        """Say whether both give the same verdict."""
        return self.calico.verdict is self.cilium.verdict


def explain(
    flow: Mapping[str, Any],
    before: Input,
    after: Input | None = None,
    *,
    cluster: Input | None = None,
    options: Options | None = None,
    plan: AddressPlan | None = None,
) -> Explanation:
    """Judge a flow under Calico's set ``before`` and Cilium's set ``after``.

    ``flow`` has the form of the batch: ``src``, ``dst``, ``protocol``, and ``port`` or ``icmp_type``; an end may
    also be text (``shop/app=web``, ``world``, see ``translators.ends``). Without ``after`` the set ``before`` is
    translated first. What cannot be read counts as absent, as in a translation. Raises ``InputError`` for a flow that is none, or whose ends the cluster does not hold.
    """
    chosen = options or Options()
    old = list(iterate(before))
    around = list(iterate(cluster)) if cluster is not None else None
    new = list(iterate(after)) if after is not None else _translated(old, around, chosen, plan)
    world, _ = build_world([*(around or ()), *old], plan=plan, is_cluster=around is not None)
    world, asked = _placed(world, flow)
    behind = Around(around, plan, chosen)
    read_old, read_new = read_set(old, CALICO, behind), read_set(new, CILIUM, behind)
    try:
        in_force = [*read_old.documents, *read_old.special]
        calico = Explainer(world, in_force, "calico", chosen).verdict(asked)
        cilium = Explainer(world, read_new.documents, "cilium", chosen).verdict(asked)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(str(error) or "this is no flow") from error
    return Explanation(
        _named(flow.get("src"), asked["src"]), _named(flow.get("dst"), asked["dst"]), calico, cilium
    )


def _translated(
    old: list[Document], around: list[Document] | None, options: Options, plan: AddressPlan | None
) -> list[Document]:
    """Translate, and keep the Kubernetes policies that stay beside the result."""
    result = translate(old, cluster=around, options=options, plan=plan)
    kept = {p.source for p in result.report.policies if p.disposition == "kept"}
    written = [d for f in result.files for d in read(f.path, f.text.encode()).documents]
    return [*written, *(d for d in old if is_policy(d) and d.span in kept)]


def _placed(world: World, flow: Mapping[str, Any]) -> tuple[World, dict[str, Any]]:
    """Put ends that are text into the world; ends that are maps stay as they are."""
    asked = dict(flow)
    for number, key in enumerate(("src", "dst"), 1):
        end = flow.get(key)
        if isinstance(end, str | End):
            parsed = parse_end(end) if isinstance(end, str) else end
            world, asked[key] = in_world(world, parsed, number)
    return world, asked


def _named(typed: object, asked: object) -> str:
    """Name an end: the pod that was chosen for it, else as it was given."""
    text = typed.text if isinstance(typed, End) else str(typed)
    if not isinstance(asked, Mapping):
        return text
    chosen = str(asked.get("pod") or "")
    if not isinstance(typed, str | End):
        return str(next(iter(asked.values()), ""))
    return text if not chosen or chosen.rpartition("/")[2].startswith(MADE) else chosen
