"""Every choice that the user has, as frozen values; no logic but parsing of a ``cilium-config`` map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "CALICO_NEWEST",
    "CILIUM_CONFIRMED",
    "CILIUM_NEWEST",
    "READINGS",
    "CiliumConfig",
    "ConfigError",
    "Limits",
    "Options",
    "Version",
]

Version = tuple[int, int]
MAX_DIGITS = 10
CILIUM_NEWEST: Version = (1, 20)
CILIUM_CONFIRMED: Version = (1, 20)
CALICO_NEWEST: Version = (3, 34)


READINGS: Mapping[str, str] = {
    "CAL-P110": "as the API server defaults it",
    "CAL-P115": "addresses that nobody placed lie outside the cluster",
    "CAL-N415": "the service matches nothing",
    "CAL-V806": "networks that hold some pods or nodes are approximated",
    "CAL-V813": "pods without a policy are isolated by the mode",
}
"""What a stop means once somebody accepts it; every other stop asks for a changed setting or input."""


@dataclass(frozen=True, slots=True)
class CiliumConfig:
    """The keys of the agent's configuration that change what a policy means; defaults as in the agent.

    ``tunnel_port`` 0: the default of the tunnel's protocol.
    Source: cilium/cilium ``pkg/option/config.go`` at v1.20.2; keys of the ConfigMap ``cilium-config``.
    """

    cidr_match_mode: frozenset[str] = frozenset()
    enable_sctp: bool = False
    enable_extended_ip_protocols: bool = False
    allow_localhost: str = "auto"
    enforcement: str = "default"
    host_firewall: bool = False
    node_selector_labels: bool = False
    cluster_network_policy: bool = False
    default_local_cluster: bool = True
    non_default_deny: bool = True
    policy_map_max: int = 16384
    lockdown_on_overflow: bool = False
    labels: str = ""
    ipv4: bool = True
    ipv6: bool = False
    tunnel_port: int = 0

    @classmethod
    def from_map(cls, data: Mapping[str, str], *, ipv6: bool = False) -> CiliumConfig:
        """Read the ``data`` of a ``cilium-config`` ConfigMap; absent keys take the agent's defaults.

        Raises ``ConfigError`` for a value with which the agent would not start.
        """

        def flag(key: str, default: bool) -> bool:
            return _flag(key, data[key]) if key in data else default

        return cls(
            cidr_match_mode=_modes("policy-cidr-match-mode", data),
            enable_sctp=flag("enable-sctp", False),
            enable_extended_ip_protocols=flag("enable-extended-ip-protocols", False),
            allow_localhost=_word("allow-localhost", data, ("auto", "always", "policy")),
            enforcement=_word("enable-policy", data, ("default", "always", "never")),
            host_firewall=flag("enable-host-firewall", False),
            node_selector_labels=flag("enable-node-selector-labels", False),
            cluster_network_policy=flag("enable-k8s-cluster-network-policy", False),
            default_local_cluster=flag("policy-default-local-cluster", True),
            non_default_deny=flag("enable-non-default-deny-policies", True),
            policy_map_max=_number("bpf-policy-map-max", data, 16384),
            lockdown_on_overflow=flag("enable-endpoint-lockdown-on-policy-overflow", False),
            labels=_patterns("labels", data),
            ipv4=flag("enable-ipv4", True),
            ipv6=flag("enable-ipv6", ipv6),
            tunnel_port=_number("tunnel-port", data, 0),
        )


class ConfigError(ValueError):
    """A value of ``cilium-config`` that the agent does not take; ``key`` is the one that holds it."""

    def __init__(self, key: str, what: str) -> None:
        """``what`` says what is wrong with the value, after the key's name."""
        super().__init__(f"{key}: {what}")
        self.key = key


def _flag(key: str, value: str) -> bool:
    word = str(value).strip().lower()
    if word not in {"1", "t", "true", "0", "f", "false", ""}:
        raise ConfigError(key, f"{value!r} is neither true nor false")
    return word in {"1", "t", "true"}


def _word(key: str, data: Mapping[str, str], known: tuple[str, ...]) -> str:
    """Read one of some words; the first is the default."""
    word = str(data.get(key, known[0])).strip().lower() or known[0]
    if word not in known:
        raise ConfigError(key, f"{data[key]!r} is none of {', '.join(known)}")
    return word


def _modes(key: str, data: Mapping[str, str]) -> frozenset[str]:
    found = frozenset(str(data.get(key, "")).replace(",", " ").split())
    if unknown := sorted(found - {"nodes", "pods"}):
        raise ConfigError(key, f"{unknown[0]!r} is none of nodes, pods")
    return found


def _number(key: str, data: Mapping[str, str], default: int) -> int:
    text = str(data.get(key, default)).strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise ConfigError(key, f"{text!r} is no number")
    return int(text)


def _patterns(key: str, data: Mapping[str, str]) -> str:
    """Read a list of regular expressions, each ``[SOURCE:][!]EXPRESSION``."""
    text = str(data.get(key, ""))
    for pattern in text.split():
        expression = pattern.partition(":")[2] if ":" in pattern else pattern
        try:
            re.compile(expression.removeprefix("!"))
        except (re.error, RecursionError, OverflowError) as error:
            raise ConfigError(key, f"{pattern!r} is no regular expression") from error
    return text


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of the compiler, in cubes, terms or calls; never in seconds (``expansion.md`` §4)."""

    pass_: int = 5_000
    rule: int = 400
    deny: int = 400
    grow: int = 4_000
    retry: int = 20
    sharp: int = 10_000_000
    cubes: int = 50_000
    terms: int = 256
    witnesses: int = 2_000


@dataclass(frozen=True, slots=True)
class Options:
    """What a translation may choose; the defaults are the safe ones.

    ``approximate`` maps a code (or ``default``) to ``stricter`` or ``looser``. ``tiers`` maps a tier's name to
    (order, default action) for tiers whose objects are not in the input. ``accepted`` holds the stops that somebody
    decided, as (code, ``namespace/name`` or ``name``): each then has the one reading of ``READINGS``.
    """

    cilium_version: Version = CILIUM_NEWEST
    cilium: CiliumConfig = field(default_factory=CiliumConfig)
    calico_version: Version = CALICO_NEWEST
    tiers: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    approximate: Mapping[str, str] = field(default_factory=dict)
    kubernetes_policies: str = "native"
    explicit_denies: bool = False
    drop_encapsulation: bool = False
    http: str = "ignore"
    layout: str = "namespace"
    limits: Limits = field(default_factory=Limits)
    accepted: frozenset[tuple[str, str]] = frozenset()

    def chosen(self, code: str) -> str:
        """Give the side that an approximation of this code takes: ``stricter`` unless somebody says otherwise."""
        return self.approximate.get(code) or self.approximate.get("default", "stricter")

    def accepts(self, code: str, label: str) -> bool:
        """Say whether a stop of this code was decided for the policy ``label``."""
        return code in READINGS and (code, label) in self.accepted
