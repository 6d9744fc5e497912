"""``--in-cluster``: a run that lives in a Job of the cluster that it moves, and goes on wherever its pod is made again.

The run is laid down where any machine finds it (plan and state in ConfigMaps); the Job then resumes it. Its pod uses the
host's network, so that no switch of the CNI cuts it off, and one that is evicted or lost is followed by another. A run
that halted or was rolled back ends the Job: what comes then is for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from migrate.adapters.mirror_configmap import ConfigMapMirror
from migrate.adapters.run_folder import new_run_id
from migrate.driver.books import Standing, mirrored
from migrate.engine.machine import begin
from migrate.engine.plan_file import plan_document
from migrate.entrypoints.cli.connecting import Connected, unreachable
from migrate.entrypoints.cli.course import Course
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.programs import of_settings
from migrate.entrypoints.cli.rbac import NAME, manifests
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.plan import Plan
from migrate.model.rights import rights_for
from migrate.ports import ApiError

__all__ = ["hand_over", "job_of"]

FIRST = "0" * 64
GRACE_S = 1800
"""Longer than any step takes: a pod that is asked to go finishes its step."""
RESTARTS = 100
FOR_A_PERSON = (1, 2, 3, 4, 5, 6, 8)
"""Exit codes after which another pod would do no better."""


def hand_over(plan: Plan, cluster: Connected, course: Course, image: str) -> int:
    """Lay the run down, grant its rights, make its Job; raises ``Failure`` (exit 7) where the API refuses."""
    if not image:
        raise Failure("--in-cluster needs an image that holds c2c and helm", fix="name it with --image")
    live, namespace = cluster.live, plan.draft.settings.namespace
    run_id = new_run_id()
    mirror = ConfigMapMirror(live.api, live.clock, namespace)
    try:
        for obj in manifests(rights_for(["apply"])):
            live.cluster.apply(obj)
        mirror.begin(run_id, plan_document(plan))
        run = begin(run_id, plan, sorted(plan.draft.nodes))
        mirror.write(mirrored(Standing(run)), 1, FIRST)
        live.cluster.apply(job_of(run_id, image, namespace, cluster.identity.uid, course))
    except ApiError as error:
        raise unreachable(error, live.api.server) from error
    for key, command in of_settings(plan.draft.settings):
        say(f"  {key}: {command[0]} is run in the Job, whose image has to hold it", always=True)
    say(f"  run {run_id[:4]} goes on in Job {namespace}/{_name(run_id)}", always=True)
    next_step(f"c2c watch --run {run_id[:4]}")
    return ExitCode.DONE


def _name(run_id: str) -> str:
    return f"c2c-{run_id}"


def job_of(run_id: str, image: str, namespace: str, uid: str, course: Course) -> dict[str, Any]:
    """Give the Job of a run; ``uid`` is the cluster's, which the pod checks before it does anything."""
    words = ["resume", "--run", run_id, "--yes", "--expect-cluster", uid, "--unless-halted", "--wait", "--progress", "plain"]  # fmt: skip
    words += ["--state-dir", "/var/run/c2c", *_course(course)]
    rules = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": list(FOR_A_PERSON)}},
    ]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": _name(run_id), "namespace": namespace, "labels": {"c2c/run": run_id}},
        "spec": {
            "backoffLimit": RESTARTS,
            "podFailurePolicy": {"rules": rules},
            "template": {"metadata": {"labels": {"c2c/run": run_id}}, "spec": _pod(image, words)},
        },
    }


def _course(course: Course) -> Sequence[str]:
    found = ["--until", course.until] if course.until else []
    found += ["--deadline", f"{course.deadline_s:.0f}s"] if course.deadline_s else []
    return found + (["--metrics", course.metrics] if course.metrics else [])


def _pod(image: str, words: Sequence[str]) -> Mapping[str, Any]:
    return {
        "serviceAccountName": NAME,
        "restartPolicy": "Never",
        "hostNetwork": True,
        "dnsPolicy": "ClusterFirstWithHostNet",
        "terminationGracePeriodSeconds": GRACE_S,
        "tolerations": [{"operator": "Exists"}],
        "containers": [
            {
                "name": "c2c",
                "image": image,
                "args": list(words),
                "env": [{"name": "C2C_NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                "volumeMounts": [{"name": "state", "mountPath": "/var/run/c2c"}],
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "runAsNonRoot": True,
                    "runAsUser": 65534,
                    "capabilities": {"drop": ["ALL"]},
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
            }
        ],
        "volumes": [{"name": "state", "emptyDir": {}}],
    }
