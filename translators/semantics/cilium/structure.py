"""The types that the schemas of Cilium's and Kubernetes' policies ask for, as far as these evaluators read them.

An object of another structure is refused by the API server, so nothing is enforced. A field that is null is the same
as one that is not there: the API server drops it. A null in a list is refused in an object of a CRD; in a
NetworkPolicy it is an element that says nothing. Source: the CRDs of cilium/cilium at v1.20.2
(``pkg/k8s/apis/cilium.io/client/crds``), and ``networking.k8s.io/v1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["malformed", "without_nulls"]

TEXT, NUMBER, TRUTH, EITHER, ANYTHING = "a text", "a whole number", "true or false", "a number or a text", ""
TABLE = "a map of texts"
type Shape = str | list[Any] | dict[str, Any]

_TERM: Shape = {
    "matchLabels": TABLE,
    "matchExpressions": [{"key": TEXT, "operator": TEXT, "values": [TEXT]}],
}
_ICMPS: Shape = [{"fields": [{"family": TEXT, "type": EITHER}]}]
_PORTS: Shape = [{"ports": [{"port": TEXT, "endPort": NUMBER, "protocol": TEXT}], "rules": {}}]
_SETS: Shape = [{"cidr": TEXT, "cidrGroupRef": TEXT, "cidrGroupSelector": _TERM, "except": [TEXT]}]
_SERVICES: Shape = [{"k8sService": {"serviceName": TEXT, "namespace": TEXT}}]


def _element(side: str) -> Shape:
    return {
        f"{side}Endpoints": [_TERM],
        f"{side}Nodes": [_TERM],
        f"{side}CIDR": [TEXT],
        f"{side}CIDRSet": _SETS,
        f"{side}Entities": [TEXT],
        f"{side}Groups": [{}],
        f"{side}Requires": [ANYTHING],
        "toServices": _SERVICES,
        "toFQDNs": [{}],
        "toPorts": _PORTS,
        "icmps": _ICMPS,
    }


_RULE: Shape = {
    "endpointSelector": _TERM,
    "nodeSelector": _TERM,
    "ingress": [_element("from")],
    "ingressDeny": [_element("from")],
    "egress": [_element("to")],
    "egressDeny": [_element("to")],
    "enableDefaultDeny": {"ingress": TRUTH, "egress": TRUTH},
    "log": {"value": TEXT},
    "description": TEXT,
}
_CILIUM: Shape = {"spec": _RULE, "specs": [_RULE]}
_PEERS: Shape = [
    {"podSelector": _TERM, "namespaceSelector": _TERM, "ipBlock": {"cidr": TEXT, "except": [TEXT]}}
]
_NATIVE_PORTS: Shape = [{"port": EITHER, "endPort": NUMBER, "protocol": TEXT}]
_SHAPES: Mapping[str, Shape] = {
    "CiliumNetworkPolicy": _CILIUM,
    "CiliumClusterwideNetworkPolicy": _CILIUM,
    "CiliumCIDRGroup": {"metadata": {"labels": TABLE}, "spec": {"externalCIDRs": [TEXT]}},
    "NetworkPolicy": {
        "spec": {
            "podSelector": _TERM,
            "policyTypes": [TEXT],
            "ingress": [{"from": _PEERS, "ports": _NATIVE_PORTS}],
            "egress": [{"to": _PEERS, "ports": _NATIVE_PORTS}],
        }
    },
}


def malformed(data: Mapping[str, Any]) -> str:
    """Say what is not of its type, with its place; empty where everything is."""
    kind = str(data.get("kind"))
    return next(_wrong(data, _SHAPES.get(kind, {}), "", built_in=kind == "NetworkPolicy"), "")


def _wrong(value: object, shape: Shape, path: str, *, built_in: bool) -> Iterator[str]:
    if value is None or shape == ANYTHING:
        return
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for index, item in enumerate(value):
            if item is None and not (built_in and isinstance(shape[0], dict)):
                yield f"{path}[{index}] is null"
            yield from _wrong(item, shape[0], f"{path}[{index}]", built_in=built_in)
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{path or 'the object'} is no map"
            return
        for key, part in shape.items():
            yield from _wrong(value.get(key), part, f"{path}.{key}".removeprefix("."), built_in=built_in)
    elif not _is(value, shape):
        yield f"{path} is not {shape}"


def _is(value: object, kind: str) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    match kind:
        case "a text":
            return isinstance(value, str)
        case "a whole number":
            return whole
        case "true or false":
            return isinstance(value, bool)
        case "a number or a text":
            return whole or isinstance(value, str)
    return isinstance(value, dict) and all(isinstance(i, str) for pair in value.items() for i in pair)


def without_nulls(value: Any) -> Any:  # noqa: ANN401  # any node of a document
    """Give a node without the fields that are null; a null in a list becomes an element that says nothing."""
    if isinstance(value, Mapping):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [{} if item is None else without_nulls(item) for item in value]
    return value
