"""One flow under both engines: the ends as typed, the verdicts, and what decided them line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from migrate.errors import Failure
from migrate.render.words import rule
from translators import translate
from translators.algebra.cidrs import Address, parse_address
from translators.explanation import Explainer
from translators.flows import PROTOCOLS, Decision, FlowVerdict
from translators.frontends import is_policy
from translators.settings import Options
from translators.source import Document, read
from translators.span import NOWHERE, Span
from translators.world import AddressPlan, Namespace, Node, Pod, World
from translators.worldbuilder import build_world

__all__ = ["Asked", "Traced", "traced"]

WORLD_ADDRESS = "198.51.100.77"
EXAMPLE_ADDRESS = 0x0AFE0101
_TARGET = re.compile(r"(?P<end>.+?):(?P<port>\d+)(?:/(?P<protocol>[A-Za-z0-9]+))?\Z")
_ICMP = re.compile(
    r"(?P<end>.+?):(?P<protocol>icmp|icmpv6)(?:/(?P<type>\d+)(?:/(?P<code>\d+))?)?\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What both engines are to be asked about, and under which settings."""

    before: Sequence[Document]
    after: Sequence[Document] | None
    around: Sequence[Document] | None
    options: Options
    plan: AddressPlan | None


@dataclass(frozen=True, slots=True)
class Traced:
    """The flow in words, and what each engine says of it."""

    title: str
    calico: FlowVerdict
    cilium: FlowVerdict

    @property
    def agrees(self) -> bool:
        """Say whether both give the same verdict."""
        return self.calico.verdict is self.cilium.verdict

    def text(self) -> str:
        """Give the trace for a terminal."""
        lines = [f"  {self.title}", ""]
        for name, verdict in (("Calico", self.calico), ("Cilium", self.cilium)):
            lines.append(f"  {name}   {verdict.verdict}")
            for direction, decision in (("egress", verdict.egress), ("ingress", verdict.ingress)):
                lines += [f"    {text}" for text in _decision(direction, decision)]
            lines.append("")
        return "\n".join(lines)


def traced(source: str, target: str, asked: Asked) -> Traced:
    """Judge one flow; raises ``Failure`` for an end that is none, or that the cluster does not hold.

    Without an ``after`` the policies are translated first, and the result is asked.
    """
    world, _ = build_world(
        [*(asked.around or ()), *asked.before], plan=asked.plan, is_cluster=asked.around is not None
    )
    end, packet = _packet(target)
    ends: dict[str, Mapping[str, str]] = {}
    for key, text in (("src", source), ("dst", end)):
        world, ends[key] = _end(world, text, len(ends) + 1)
    flow = {**ends, **packet}
    tiers = [d for d in asked.around or () if d.kind == "Tier"]
    after = asked.after if asked.after is not None else _translated(asked)
    try:
        calico = Explainer(world, [*tiers, *asked.before], "calico", asked.options).verdict(flow)
        cilium = Explainer(world, after, "cilium", asked.options).verdict(flow)
    except (ValueError, TypeError) as error:
        raise Failure(str(error), fix="ends are ns/pod, ns/app=web, an IP, host:NODE or world") from error
    return Traced(f"{source} → {target}", calico, cilium)


def _translated(asked: Asked) -> list[Document]:
    """Translate, and keep the Kubernetes policies that stay beside the result."""
    result = translate(asked.before, cluster=asked.around, options=asked.options, plan=asked.plan)
    kept = {p.source for p in result.report.policies if p.disposition == "kept"}
    written = [d for f in result.files for d in read(f.path, f.text.encode()).documents]
    return [*written, *(d for d in asked.before if is_policy(d) and d.span in kept)]


def _packet(target: str) -> tuple[str, dict[str, object]]:
    """Split ``TO:PORT[/PROTO]`` or ``TO:icmp/TYPE/CODE``."""
    if found := _ICMP.match(target):
        name = "ICMPv6" if found["protocol"].lower() == "icmpv6" else "ICMP"
        return found["end"], {
            "protocol": name,
            "icmp_type": int(found["type"] or 8),
            "icmp_code": int(found["code"] or 0),
        }
    found = _TARGET.match(target)
    if not found:
        raise Failure(f"{target!r} names no port", fix="write it as shop/db:5432 or shop/db:53/UDP")
    names = {name.upper(): name for name in PROTOCOLS}
    protocol = names.get((found["protocol"] or "TCP").upper())
    if protocol is None or int(found["port"]) > 65535:
        raise Failure(f"{target!r} names no protocol and port", fix="write it as shop/db:53/UDP")
    return found["end"], {"protocol": protocol, "port": int(found["port"])}


def _end(world: World, text: str, number: int) -> tuple[World, Mapping[str, str]]:
    """Give one end as the flow wants it; a pod named by labels is made if no pod has them."""
    if text == "world":
        return world, {"ip": WORLD_ADDRESS}
    if text.startswith("host:"):
        name = text.removeprefix("host:")
        if name not in world.nodes:
            nodes = {**world.nodes, name: Node(name, addresses=(parse_address("192.0.2.10"),))}
            world = replace(world, nodes=nodes)
        return world, {"node": name}
    if "/" not in text:
        try:
            return world, {"ip": str(parse_address(text))}
        except ValueError as error:
            raise Failure(
                f"{text!r} is no end of a flow", fix="ends are ns/pod, ns/app=web, an IP, host:NODE or world"
            ) from error
    return _pod_end(world, text, number)


def _pod_end(world: World, text: str, number: int) -> tuple[World, Mapping[str, str]]:
    namespace, _, rest = text.partition("/")
    labels = dict(part.partition("=")[::2] for part in rest.split(",")) if "=" in rest else None
    for pod in world.pods:
        if pod.namespace != namespace or pod.finished:
            continue
        if pod.name == rest or (labels is not None and labels.items() <= pod.labels.items()):
            return world, {"pod": f"{namespace}/{pod.name}"}
    if labels is None and world.is_cluster:
        raise Failure(f"there is no pod {text}", fix="name its labels instead: shop/app=web")
    made = Pod(
        namespace,
        f"c2c-{number}",
        labels if labels is not None else {"app": rest},
        addresses=(Address(4, EXAMPLE_ADDRESS + number),),
    )
    namespaces = dict(world.namespaces)
    namespaces.setdefault(namespace, Namespace(namespace))
    larger = replace(world, pods=(*world.pods, made), namespaces=namespaces)
    return larger, {"pod": f"{namespace}/{made.name}"}


def _decision(direction: str, decision: Decision | None) -> Iterator[str]:
    if decision is None:
        yield f"{direction:<8} not policed at this end"
        return
    yield f"{direction:<8} {decision.verdict:<6} {_placed(rule(decision.by, direction), decision.span)}"
    for step in decision.trace:
        if step.outcome == "pass":
            yield f"         {'':<6} after {step.place.partition(':')[2]} {step.rule}: Pass"


def _placed(text: str, span: Span | None) -> str:
    return f"{text}  {span}" if span and span != NOWHERE else text
