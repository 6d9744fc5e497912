"""Which field of the space a label of Calico's lives in, and which labels no pod can carry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or

__all__ = ["Home", "Key", "home_of", "leaves", "pod_can_carry"]

_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
_PREFIX = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\Z")


class Home(StrEnum):
    """The kinds of field that hold labels; ``ACCOUNT_LABEL`` has none of its own in Cilium."""

    NAMESPACE = "namespace"
    NAMESPACE_LABEL = "nslabel"
    ACCOUNT = "account"
    ACCOUNT_LABEL = "account-label"
    ORCHESTRATOR = "orchestrator"
    LABEL = "label"


class Key(NamedTuple):
    """A label's home and, for labels, its plain key."""

    home: Home
    name: str = ""


_FIXED = {
    "projectcalico.org/namespace": Key(Home.NAMESPACE),
    "pcns.projectcalico.org/name": Key(Home.NAMESPACE),
    "projectcalico.org/serviceaccount": Key(Home.ACCOUNT),
    "pcsa.projectcalico.org/name": Key(Home.ACCOUNT),
    "projectcalico.org/orchestrator": Key(Home.ORCHESTRATOR),
}


def home_of(key: str) -> Key:
    """Give the home of a label as Calico writes it (``calico.md`` §5)."""
    if key in _FIXED:
        return _FIXED[key]
    if key.startswith("pcns."):
        return Key(Home.NAMESPACE_LABEL, key.removeprefix("pcns."))
    if key.startswith("pcsa."):
        return Key(Home.ACCOUNT_LABEL, key.removeprefix("pcsa."))
    return Key(Home.LABEL, key)


def pod_can_carry(key: str, value: str = "") -> bool:
    """Say whether Kubernetes accepts the label; one that it refuses is never on a pod."""
    prefix, _, name = key.rpartition("/")
    valid_prefix = not prefix or (len(prefix) <= 253 and _PREFIX.match(prefix) is not None)
    return valid_prefix and _NAME.match(name) is not None and _VALUE.match(value) is not None


def leaves(node: Node) -> Iterator[Has | Compare | In]:
    """Give every comparison of a selector, from left to right."""
    match node:
        case Has() | Compare() | In():
            yield node
        case Not(operand):
            yield from leaves(operand)
        case And(operands) | Or(operands):
            for part in operands:
                yield from leaves(part)
        case All() | Global():
            return
