"""One thing changed: in what was emitted, or in Calico's policies. Used to see whether the prover is blind.

Each way changes an object in place and says what it did, or gives an empty text where there was nothing of the kind.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_network
from typing import Any

Object = dict[str, Any]
Way = Callable[[Object, random.Random], str]

SECTIONS = ("ingress", "ingressDeny", "egress", "egressDeny")
OPPOSITE = {"In": "NotIn", "NotIn": "In", "Exists": "DoesNotExist", "DoesNotExist": "Exists"}
NAMESPACE = ("io.kubernetes.pod.namespace", "io.cilium.k8s.namespace.labels.")
LAST_PORT = 65_535


def _rules(body: Object) -> list[Object]:
    return [*([body["spec"]] if "spec" in body else []), *body.get("specs", [])]


def _elements(body: Object) -> list[Object]:
    return [element for rule in _rules(body) for section in SECTIONS for element in rule.get(section, [])]


def _selectors(body: Object) -> Iterator[Object]:
    yield from (rule["endpointSelector"] for rule in _rules(body))
    for element in _elements(body):
        yield from (*element.get("fromEndpoints", []), *element.get("toEndpoints", []))


def _ports(body: Object) -> list[Object]:
    return [
        port for element in _elements(body) for rule in element.get("toPorts", []) for port in rule["ports"]
    ]


def _numbered(body: Object) -> list[Object]:
    return [port for port in _ports(body) if port["port"].isdigit() and port["port"] != "0"]


def _pick(rng: random.Random, items: Sequence[Any]) -> Any:  # an item of any list
    return rng.choice(items) if items else None


def _section(body: Object, rng: random.Random) -> tuple[Object, str] | None:
    found: tuple[Object, str] | None = _pick(
        rng, [(r, s) for r in _rules(body) for s in SECTIONS if r.get(s)]
    )
    return found


def drop_element(body: Object, rng: random.Random) -> str:
    if (found := _section(body, rng)) is None or len(found[0][found[1]]) == 1:
        return ""
    found[0][found[1]].pop(rng.randrange(len(found[0][found[1]])))
    return "an element dropped"


def flip_element(body: Object, rng: random.Random) -> str:
    if (found := _section(body, rng)) is None:
        return ""
    rule, section = found
    other = section.removesuffix("Deny") if section.endswith("Deny") else f"{section}Deny"
    rule.setdefault(other, []).append(rule[section].pop())
    return "an element flipped"


def add_isolation(body: Object, rng: random.Random) -> str:
    _pick(rng, _rules(body)).setdefault(rng.choice(("ingress", "egress")), []).append({})
    return "an empty element added"


def add_everyone(body: Object, rng: random.Random) -> str:
    section = rng.choice(("ingress", "egress"))
    peer = "fromEntities" if section == "ingress" else "toEntities"
    _pick(rng, _rules(body)).setdefault(section, []).append({peer: ["all"]})
    return "everyone added"


def drop_default_deny(body: Object, rng: random.Random) -> str:
    rule = _pick(rng, [rule for rule in _rules(body) if "enableDefaultDeny" in rule])
    if rule is None:
        return ""
    del rule["enableDefaultDeny"]
    return "enableDefaultDeny dropped"


def widen_ports(body: Object, rng: random.Random) -> str:
    port = _pick(rng, _numbered(body))
    if port is None or int(port.get("endPort", port["port"])) >= LAST_PORT:
        return ""
    port["endPort"] = int(port.get("endPort", port["port"])) + 1
    return "a range widened by one"


def shift_ports(body: Object, rng: random.Random) -> str:
    port = _pick(rng, _numbered(body))
    if port is None or int(port.get("endPort", port["port"])) >= LAST_PORT:
        return ""
    port["port"] = str(int(port["port"]) + 1)
    if "endPort" in port:
        port["endPort"] += 1
    return "a port shifted by one"


def change_protocol(body: Object, rng: random.Random) -> str:
    port = _pick(rng, [port for port in _ports(body) if port.get("protocol") in {"TCP", "UDP"}])
    if port is None:
        return ""
    port["protocol"] = "UDP" if port["protocol"] == "TCP" else "TCP"
    return "a protocol changed"


def drop_protocol(body: Object, rng: random.Random) -> str:
    port = _pick(rng, [port for port in _ports(body) if port.get("protocol") in {"TCP", "UDP", "SCTP"}])
    if port is None:
        return ""
    del port["protocol"]
    return "a protocol dropped"


def drop_ports(body: Object, rng: random.Random) -> str:
    element = _pick(rng, [e for e in _elements(body) if "toPorts" in e or "icmps" in e])
    if element is None:
        return ""
    element.pop("toPorts", None)
    element.pop("icmps", None)
    return "the traffic dropped"


def drop_requirement(body: Object, rng: random.Random) -> str:
    chosen = _pick(rng, [s for s in _selectors(body) if s.get("matchExpressions")])
    if chosen is None:
        return ""
    chosen["matchExpressions"].pop(rng.randrange(len(chosen["matchExpressions"])))
    return "a requirement dropped"


def turn_operator(body: Object, rng: random.Random) -> str:
    item = _pick(rng, [e for s in _selectors(body) for e in s.get("matchExpressions", [])])
    if item is None:
        return ""
    item["operator"] = OPPOSITE[item["operator"]]
    return "an operator turned round"


def drop_label(body: Object, rng: random.Random) -> str:
    chosen = _pick(rng, [s for s in _selectors(body) if s.get("matchLabels")])
    if chosen is None:
        return ""
    chosen["matchLabels"].pop(rng.choice(list(chosen["matchLabels"])))
    return "a label dropped"


def drop_namespace(body: Object, rng: random.Random) -> str:
    found = [
        s
        for s in _selectors(body)
        if any(str(e["key"]).startswith(NAMESPACE) for e in s.get("matchExpressions", []))
    ]
    chosen = _pick(rng, found)
    if chosen is None:
        return ""
    kept = [e for e in chosen["matchExpressions"] if not str(e["key"]).startswith(NAMESPACE)]
    chosen["matchExpressions"] = kept
    return "the namespace dropped"


def widen_network(body: Object, rng: random.Random) -> str:
    found = [
        (e, key, i)
        for e in _elements(body)
        for key in ("fromCIDR", "toCIDR")
        for i in range(len(e.get(key, [])))
    ]
    held = [(item, "cidr", None) for e in _elements(body) for key in ("fromCIDRSet", "toCIDRSet")
            for item in e.get(key, []) if "cidr" in item]  # fmt: skip
    chosen = _pick(rng, [*found, *held])
    if chosen is None:
        return ""
    holder, key, place = chosen
    network = ip_network(holder[key] if place is None else holder[key][place])
    if network.prefixlen == 0:
        return ""
    wider = str(network.supernet())
    if place is None:
        holder[key] = wider
    else:
        holder[key][place] = wider
    return "a network widened by one bit"


EMITTED: Sequence[Way] = (
    drop_element, flip_element, add_isolation, add_everyone, drop_default_deny, widen_ports, shift_ports,
    change_protocol, drop_protocol, drop_ports, drop_requirement, turn_operator, drop_label, drop_namespace,
    widen_network,
)  # fmt: skip


def change_order(body: Object, rng: random.Random) -> str:
    if not body["kind"].endswith("NetworkPolicy"):
        return ""
    body["spec"]["order"] = rng.choice((0, 0.5, 499, 1e6))
    return "the order changed"


def flip_action(body: Object, rng: random.Random) -> str:
    spec = body["spec"]
    rule = _pick(rng, [*spec.get("ingress", []), *spec.get("egress", [])])
    if rule is None or "action" not in rule:
        return ""
    rule["action"] = rng.choice([a for a in ("Allow", "Deny", "Pass") if a != rule["action"]])
    return "an action changed"


def drop_rule(body: Object, rng: random.Random) -> str:
    spec = body["spec"]
    rules = _pick(rng, [spec[key] for key in ("ingress", "egress") if spec.get(key)])
    if rules is None:
        return ""
    rules.pop(rng.randrange(len(rules)))
    return "a rule dropped"


def change_default(body: Object, rng: random.Random) -> str:
    if body["kind"] != "Tier":
        return ""
    body["spec"]["defaultAction"] = "Deny" if body["spec"].get("defaultAction") == "Pass" else "Pass"
    return "a tier's default changed"


SOURCE: Sequence[Way] = (change_order, flip_action, drop_rule, change_default)
