"""What of a Kubernetes object a snapshot keeps: names and structure, what somebody reads, and never a secret.

A kind is cut to what is asked of it: Secrets to their names, environments to the keys that rules read, command lines to
those of workloads that rules know, ConfigMaps that no rule knows to the addresses and the words of Calico in them. What
is left is searched for secrets by ``migrate.redaction``. The result is a new object; the input is never changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from migrate.model.fields import text
from migrate.redaction import HIDDEN, names_a_secret, pairs_a_secret, redacted_text

__all__ = ["reduced"]

ENV = re.compile(
    r"(IP6?_AUTODETECTION_METHOD|DATASTORE_TYPE|CALICO_[A-Z0-9_]*POOL[A-Z0-9_]*|CALICO_NETWORKING_BACKEND|CLUSTER_TYPE"
    r"|ETCD_ENDPOINTS|FELIX_(?![A-Z0-9_]*(?:SECRET|PASSWORD|TOKEN|KEY))[A-Z0-9_]+|USE_POD_CIDR|NO_DEFAULT_POOLS)\Z"
)
"""Environment variables whose values rules read."""
OPEN_CONFIG_MAPS = frozenset(
    {
        "calico-config", "canal-config", "rke2-canal-config", "kube-flannel-cfg", "kube-proxy", "kube-proxy-config",
        "cilium-config", "cluster-autoscaler-status", "kubeadm-config", "node-local-dns", "coredns", "c2c-run",
    }
)  # fmt: skip
OPEN_COMMANDS = frozenset(
    {
        "kube-proxy", "calico-node", "canal", "rke2-canal", "calico-typha", "calico-kube-controllers", "tigera-operator",
        "cluster-autoscaler", "karpenter", "cilium", "cilium-operator", "kube-controller-manager", "kube-apiserver",
    }
)  # fmt: skip
"""Workloads and static pods whose command lines rules read."""
_DROPPED = frozenset({"managedFields", "kubectl.kubernetes.io/last-applied-configuration"})
_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?(?![\w.])|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?:/\d{1,3})?(?![\w:])"
)
_WORD = re.compile(
    r"(?<![A-Za-z0-9])(?:calico|felix|typha|tigera|projectcalico)[a-z_]{0,40}(?![A-Za-z0-9])|\bcali[*.-]"
)


def reduced(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give what may be kept of one object; it has its kind, name and labels in any case."""
    kind = text(data, "kind")
    match kind:
        case "Secret":
            return _named(data, ("type",))
        case "ConfigMap":
            return _config_map(data)
        case "CustomResourceDefinition":
            return _definition(data)
    release = text(data, "metadata", "annotations", "meta.helm.sh/release-name") == "cilium"
    found: dict[str, Any] = _walked(dict(data), commands=_open_commands(data), managed=release)
    return found


def _named(data: Mapping[str, Any], more: tuple[str, ...] = ()) -> dict[str, Any]:
    """Give the object's identity, and the fields that are named."""
    kept = {k: data[k] for k in ("apiVersion", "kind", *more) if k in data}
    metadata = data.get("metadata")
    return {
        **kept,
        "metadata": _walked(metadata, commands=False, managed=False) if metadata is not None else {},
    }


def _config_map(data: Mapping[str, Any]) -> dict[str, Any]:
    found = _named(data)
    entries = data.get("data")
    if isinstance(entries, Mapping):
        name = text(data, "metadata", "name")
        known = name in OPEN_CONFIG_MAPS or name.startswith("c2c-plan-")
        keep = _value if known else _telling
        found["data"] = {str(k): keep(str(k), v) for k, v in entries.items() if isinstance(v, str)}
    return found


def _value(key: str, value: str) -> str:
    return HIDDEN if names_a_secret(key) else redacted_text(value)


def _telling(_: str, value: str) -> str:
    """Give the addresses and the words of Calico of a text, in their order, each once."""
    met = sorted(
        ((m.start(), m[0]) for p in (_ADDRESS, _WORD) for m in p.finditer(value)), key=lambda pair: pair[0]
    )
    return " ".join(dict.fromkeys(word for _, word in met))


def _definition(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give a CRD's names, versions and conditions, without its schemas."""
    found = _named(data)
    spec = data.get("spec")
    if isinstance(spec, Mapping):
        versions = spec.get("versions")
        found["spec"] = {k: spec[k] for k in ("group", "names", "scope") if k in spec}
        if isinstance(versions, list):
            keys = ("name", "served", "storage", "deprecated")
            found["spec"]["versions"] = [
                {k: v[k] for k in keys if k in v} for v in versions if isinstance(v, Mapping)
            ]
    if "status" in data:
        found["status"] = data["status"]
    return found


def _open_commands(data: Mapping[str, Any]) -> bool:
    """Say whether the command lines of a workload or static pod are read by a rule."""
    name = text(data, "metadata", "name")
    return any(name == known or name.startswith(f"{known}-") for known in OPEN_COMMANDS)


def _walked(value: Any, *, commands: bool, managed: bool, key: str = "") -> Any:  # noqa: ANN401  # plain data
    match value:
        case Mapping():
            pair = pairs_a_secret(value)
            return {
                k: HIDDEN
                if pair and k == "value"
                else _walked(v, commands=commands, managed=managed, key=str(k))
                for k, v in value.items()
                if k not in _DROPPED or (managed and k == "managedFields")
            }
        case list() | tuple():
            if key in {"env", "extraEnv"}:
                return [_variable(item) for item in value]
            if key == "httpHeaders":
                return [{"name": text(item, "name")} for item in value if isinstance(item, Mapping)]
            if key in {"command", "args", "extraArgs"} and not commands:
                return []
            return [_walked(item, commands=commands, managed=managed, key=key) for item in value]
        case str():
            return HIDDEN if names_a_secret(key) and value else redacted_text(value)
    return value


def _variable(item: Any) -> Any:  # noqa: ANN401  # plain data
    if not isinstance(item, Mapping):
        return item
    name = text(item, "name")
    if "value" in item and not ENV.match(name):
        return {"name": name}
    return {k: redacted_text(v) if isinstance(v, str) else v for k, v in item.items()}
