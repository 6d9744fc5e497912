"""CustomResourceDefinitions that a test plants, and waiting until the API server has taken them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.controlplane.client import Api, Object, eventually


def definition(group: str, version: str, kind: str, plural: str, *, is_namespaced: bool) -> Object:
    """Give one CRD that keeps whatever an object holds."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced" if is_namespaced else "Cluster",
            "names": names,
            "versions": [served],
        },
    }


def establish(api: Api, wanted: Sequence[Object], deadline_s: float = 60.0) -> None:
    """Create CRDs and wait until each is Established; the conditions may be absent right after the creation."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(api.create, wanted))
    for crd in wanted:
        name = str(crd["metadata"]["name"])
        eventually(lambda n=name: is_established(api, n), deadline_s, f"{name} is Established")  # type: ignore[misc]


def is_established(api: Api, name: str) -> bool:
    """Say whether a CRD is there and Established."""
    answer = api.call("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
    conditions = (answer.json.get("status") or {}).get("conditions") or [] if answer.ok else []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
