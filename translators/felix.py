"""Settings of Calico's agent as its objects state them: the FelixConfiguration, and the environment of calico-node.

Source: projectcalico/calico ``felix/config/config_params.go`` (names, defaults; the environment wins over the object).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translators.source import Document
from translators.world import Felix

__all__ = ["felix_of", "felix_says"]

VXLAN_PORT = 4789
_NAMES = {
    "endpoint_to_host": ("defaultEndpointToHostAction", "FELIX_DEFAULTENDPOINTTOHOSTACTION"),
    "bpf": ("bpfEnabled", "FELIX_BPFENABLED"),
    "vxlan_port": ("vxlanPort", "FELIX_VXLANPORT"),
}
OBJECT, AGENT = "object", "agent"


def felix_says(document: Document) -> dict[str, Any]:
    """Give what a document sets, by (source, field); nothing for any other document.

    Raises ``TypeError`` or ``AttributeError`` for an object that is odd.
    """
    if document.kind == "FelixConfiguration" and document.name == "default":
        spec = document.data.get("spec") or {}
        found = {f"{OBJECT} {name}": spec.get(key) for name, (key, _) in _NAMES.items()}
        return {OBJECT: True, **{key: value for key, value in found.items() if value is not None}}
    if document.kind == "DaemonSet" and document.name == "calico-node":
        listed = _environment(document.data.get("spec") or {})
        return {
            OBJECT: True,
            **{f"{AGENT} {n}": listed[key] for n, (_, key) in _NAMES.items() if key in listed},
        }
    return {}


def _environment(spec: Mapping[str, Any]) -> dict[str, str]:
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or []
    entries = [e for c in containers if c.get("name") == "calico-node" for e in c.get("env") or []]
    return {str(e["name"]): str(e["value"]) for e in entries if e.get("value") is not None}


def felix_of(said: Mapping[str, Any]) -> Felix:
    """Put together what the documents set.

    Felix's own default for traffic to the node is Drop; a cluster that shows neither object is taken to be set up as
    the manifests, the chart and the operator do, which say Accept.
    """

    def value(name: str, otherwise: object) -> str:
        return str(said.get(f"{AGENT} {name}", said.get(f"{OBJECT} {name}", otherwise)))

    port = value("vxlan_port", VXLAN_PORT)
    return Felix(
        endpoint_to_host=value("endpoint_to_host", "Drop" if said else "Accept").capitalize(),
        bpf=value("bpf", False).lower() == "true",
        vxlan_port=int(port) if port.isdigit() else VXLAN_PORT,
    )
