"""Evictions and the small workloads that the cases about them need; pods run without the node agent.

A pod whose template carries its address is run by kwok at once, so that a budget sees healthy pods.
"""

from __future__ import annotations

from tests.controlplane import kubelet, workloads
from tests.controlplane.client import Answer, Api, Object, eventually


def ready_template(obj: Object) -> Object:
    """Let the pods of a workload run at once, all with the same address."""
    obj["spec"]["template"]["metadata"]["annotations"] = {kubelet.ADDRESS: "10.0.0.9"}
    return obj


def evict(api: Api, pod: Object, uid: str = "", **query: str) -> Answer:
    """Ask for one eviction, with the precondition of a uid if one is given."""
    options = {"deleteOptions": {"preconditions": {"uid": uid}}} if uid else {}
    metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, **options}
    return api.call("POST", f"{kubelet.pod_path(pod)}/eviction", body, **query)


def running(api: Api, namespace: str, app: str, count: int) -> list[Object]:
    """Wait until ``count`` pods of an app are Ready, and give them."""

    def found() -> list[Object] | None:
        pods = api.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=f"app={app}")
        ready = [pod for pod in pods if is_ready(pod) and "deletionTimestamp" not in pod["metadata"]]
        return ready if len(ready) == count else None

    return eventually(found, 30, f"{count} pods of {app} are Ready")


def is_ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def guarded(api: Api, namespace: str, app: str, replicas: int, **limit: int | str) -> list[Object]:
    """Give the Ready pods of a Deployment under a budget that the controller has seen."""
    api.create(ready_template(workloads.deployment(namespace, app, replicas)))
    api.create(workloads.budget(namespace, app, app, **limit))
    pods = running(api, namespace, app, replicas)
    path = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/{app}"

    def observed() -> bool:
        status = api.get(path).get("status") or {}
        return status.get("currentHealthy") == replicas and status.get("observedGeneration") == 1

    eventually(observed, 20, f"the budget of {app} is observed")
    return pods
