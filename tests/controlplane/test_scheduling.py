"""The genuine scheduler is asked about pods of every sort, and the filters in memory must say the same, word by word.

Nodes, placed pods and pods in search of a node are drawn at random, each world from its seed; what the API server then
holds is read as a snapshot. Where the scheduler finds a node, it must be one of ours; where it finds none, the reasons
that it counts must be ours: of each node those of the first filter that fails.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from migrate.engine.filters import Filter, filter_of
from migrate.engine.scheduling import ClusterState, fits
from migrate.model.pods import Pod
from migrate.model.snapshot import Snapshot, SnapshotBuilder
from tests.controlplane.client import Api, eventually
from tests.controlplane.instance import ETCD, SCHEDULER, SERVER, ControlPlane

Object = dict[str, Any]
DECIDED_S = 20.0
NODES, PLACED, ASKED, VOLUMES = 6, 24, 40, 4
SEEDS = range(40) if os.environ.get("C2C_LONG") == "1" else range(3)
HARD = "requiredDuringSchedulingIgnoredDuringExecution"
DRIVER = "disk.example.com"
HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
READ = (
    ("v1", "Node", "/api/v1/nodes"),
    ("v1", "Pod", "/api/v1/pods"),
    ("v1", "Namespace", "/api/v1/namespaces"),
    ("v1", "PersistentVolume", "/api/v1/persistentvolumes"),
    ("v1", "PersistentVolumeClaim", "/api/v1/persistentvolumeclaims"),
    ("storage.k8s.io/v1", "CSINode", "/apis/storage.k8s.io/v1/csinodes"),
)
ORDER = (
    {Filter.UNSCHEDULABLE}, {Filter.TAINT}, {Filter.NODE_AFFINITY}, {Filter.PORTS},
    {Filter.RESOURCES, Filter.EXTENDED, Filter.PODS}, {Filter.ATTACHED}, {Filter.VOLUME}, {Filter.SPREAD},
    {Filter.AFFINITY, Filter.APART, Filter.KEPT_OUT},
)  # fmt: skip
"""The scheduler's filters, as its plugins bundle and order them."""
NAMED_FIRST = ({Filter.NODE_AFFINITY}, *ORDER)
"""The same for a pod that names its nodes: the others are put aside before any filter runs, in words of their own."""
PUT_ASIDE = "node(s) didn't satisfy plugin(s) [NodeAffinity]"

pytestmark = pytest.mark.needs("controlplane")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Api]:
    """A server and a scheduler alone: nobody marks nodes as lost, and nothing else touches the pods."""
    folder, failed = tmp_path_factory.mktemp("scheduling"), request.session.testsfailed
    with ControlPlane(folder, (ETCD, SERVER, SCHEDULER)) as plane:
        yield plane.api()
    if request.session.testsfailed == failed:
        shutil.rmtree(folder, ignore_errors=True)


class World:
    """One random cluster; everything in it follows from the seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # a test's choice
        self.name = f"w{seed}"
        self.spaces = [f"{self.name}-a", f"{self.name}-b"]

    def node(self, number: int) -> tuple[Object, Object]:
        """Give a node, and the spec that it has once the server has stopped adding taints."""
        pick, name = self.random, f"{self.name}-n{number}"
        labels = {HOST: name, "kubernetes.io/os": "linux"}
        if pick.random() < 0.9:
            labels[ZONE] = pick.choice("ab")
        labels |= {"disk": pick.choice(["ssd", "hdd"]), "cores": str(pick.choice([2, 4, 8]))}
        effect, cordoned = pick.choice(["NoSchedule", "PreferNoSchedule", "NoExecute"]), pick.random() < 0.15
        taints = [{"key": "pool", "value": "gpu", "effect": effect}] if pick.random() < 0.3 else []
        if cordoned:  # a controller that does not run here would add it
            taints.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
        spec = {"taints": taints, "unschedulable": cordoned}
        amounts = {
            "cpu": str(pick.choice([2, 4, 8])),
            "memory": "12Gi",
            "ephemeral-storage": "20Gi",
            "pods": str(pick.choice([5, 8, 20])),
        }
        if pick.random() < 0.3:
            amounts["example.com/gpu"] = "2"
        status = {
            "allocatable": amounts,
            "capacity": amounts,
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        made = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        return made | {"status": status}, spec

    def volume(self, number: int) -> tuple[Object, Object]:
        """Give a volume and the claim that is bound to it: of a zone, or of one node."""
        name, claim, zonal = f"{self.name}-v{number}", f"v{number}", number < VOLUMES - 1
        where = (ZONE, "ab"[number % 2]) if zonal else (HOST, f"{self.name}-n1")
        needs = {"matchExpressions": [{"key": where[0], "operator": "In", "values": [where[1]]}]}
        source: Object = (
            {"csi": {"driver": DRIVER, "volumeHandle": name}} if zonal else {"local": {"path": "/d"}}
        )
        common = {"accessModes": ["ReadWriteOnce"], "storageClassName": "by-hand"}
        ours = {"namespace": self.spaces[0], "name": claim}
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": source
            | common
            | {
                "capacity": {"storage": "1Gi"},
                "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **ours},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [needs]}},
            },
        }
        bound = {"pv.kubernetes.io/bind-completed": "yes"}
        asked = common | {"volumeName": name, "resources": {"requests": {"storage": "1Gi"}}}
        return volume, {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": ours | {"annotations": bound},
            "spec": asked,
        }

    def drivers(self, number: int) -> Object:
        """Give what a node says of the volumes that it takes."""
        name = f"{self.name}-n{number}"
        driver = {"name": DRIVER, "nodeID": name, "topologyKeys": [], "allocatable": {"count": self.random.choice([1, 2, 9])}}  # fmt: skip
        return {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSINode",
            "metadata": {"name": name},
            "spec": {"drivers": [driver]},
        }

    def pod(self, name: str, node: str = "") -> Object:
        """Give a pod of some application, on a node or in search of one."""
        pick = self.random
        spec: Object = {"terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False}
        asked = {"cpu": pick.choice(["50m", "200m", "900m"]), "memory": pick.choice(["64Mi", "1Gi", "3Gi"])}
        if pick.random() < 0.1:
            asked["example.com/gpu"] = "1"
        container: Object = {
            "name": "c",
            "image": "x",
            "resources": {"requests": asked, "limits": {k: v for k, v in asked.items() if "/" in k}},
        }
        if pick.random() < 0.2:
            container["ports"] = [
                {
                    "hostPort": pick.choice([80, 81]),
                    "containerPort": 1,
                    "protocol": pick.choice(["TCP", "UDP"]),
                }
            ]
        spec["containers"] = [container]
        if pick.random() < 0.2:
            spec["initContainers"] = [{"name": "i", "image": "x", "resources": {"requests": {"cpu": pick.choice(["100m", "1500m"])}},
                                       **({"restartPolicy": "Always"} if pick.random() < 0.5 else {})}]  # fmt: skip
        if pick.random() < 0.4:
            spec["tolerations"] = [
                {
                    "key": "pool",
                    "operator": "Exists",
                    **({"effect": "NoSchedule"} if pick.random() < 0.3 else {}),
                }
            ]
        if node:
            spec["nodeName"] = node
        spec |= self._place() | self._company()
        space = pick.choice(self.spaces)
        if space == self.spaces[0] and pick.random() < 0.4:
            names = pick.sample(range(VOLUMES), pick.choice([1, 1, 2]))
            spec["volumes"] = [
                {"name": f"v{n}", "persistentVolumeClaim": {"claimName": f"v{n}"}} for n in names
            ]
        metadata = {
            "name": name,
            "namespace": space,
            "labels": {"app": pick.choice("xyz")},
        }
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def _place(self) -> Object:
        pick = self.random
        match pick.randrange(8):
            case 0:
                return {"nodeSelector": {"disk": pick.choice(["ssd", "hdd", "tape"])}}
            case 1:
                term = pick.choice(
                    [
                        {"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["2"]}]},
                        {
                            "matchExpressions": [
                                {"key": "disk", "operator": "NotIn", "values": ["ssd"]},
                                {"key": ZONE, "operator": "Exists"},
                            ]
                        },
                        {
                            "matchFields": [
                                {"key": "metadata.name", "operator": "In", "values": [f"{self.name}-n0"]}
                            ]
                        },
                    ]
                )
                return {"affinity": {"nodeAffinity": {HARD: {"nodeSelectorTerms": [term]}}}}
        return {}

    def _company(self) -> Object:
        pick = self.random
        selector: Object = {"matchLabels": {"app": pick.choice("xyz")}}
        if pick.random() < 0.2:
            selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x", "y"]}]}
        term: Object = {"topologyKey": pick.choice([HOST, ZONE]), "labelSelector": selector}
        match pick.randrange(4):
            case 0:
                term["namespaces"] = [pick.choice(self.spaces)]
            case 1:
                term["namespaceSelector"] = pick.choice([{}, {"matchLabels": {"team": "a"}}])
        match pick.randrange(7):
            case 0:
                return {"affinity": {"podAntiAffinity": {HARD: [term]}}}
            case 1:
                return {"affinity": {"podAffinity": {HARD: [term]}}}
            case 2 | 3:
                spread = {"maxSkew": pick.choice([1, 2]), "topologyKey": pick.choice([HOST, ZONE]), "whenUnsatisfiable": "DoNotSchedule",
                          "labelSelector": selector}  # fmt: skip
                for key, values in (
                    ("nodeTaintsPolicy", ["Honor", "Ignore"]),
                    ("nodeAffinityPolicy", ["Honor", "Ignore"]),
                ):
                    if pick.random() < 0.3:
                        spread[key] = pick.choice(values)
                if pick.random() < 0.2:
                    spread["minDomains"] = 3
                return {"topologySpreadConstraints": [spread]}
        return {}


def planted(api: Api, world: World) -> None:
    """Make the namespaces, nodes and placed pods of a world."""
    for number, space in enumerate(world.spaces):
        api.create(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": space, "labels": {"team": "ab"[number]}},
            }
        )
        api.create(
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "default", "namespace": space},
            }
        )
    for number in range(NODES):
        node, spec = world.node(number)
        path = f"/api/v1/nodes/{node['metadata']['name']}"
        api.create({k: v for k, v in node.items() if k != "status"})
        api.patch(f"{path}/status", {"status": node["status"]})
        api.patch(path, {"spec": spec})
        api.create(world.drivers(number))
    for number in range(VOLUMES):
        volume, claim = world.volume(number)
        api.create(volume)
        path = api.path(api.create(claim))
        api.patch(f"{path}/status", {"status": {"phase": "Bound"}})
    for number in range(PLACED):
        api.create(world.pod(f"p{number}", f"{world.name}-n{world.random.randrange(NODES)}"))


def uprooted(api: Api, world: World) -> None:
    for space in world.spaces:
        for pod in api.items(f"/api/v1/namespaces/{space}/pods"):
            path = f"/api/v1/namespaces/{space}/pods/{pod['metadata']['name']}"
            api.delete(path, gracePeriodSeconds="0")
    for number in range(NODES):
        api.delete(f"/api/v1/nodes/{world.name}-n{number}")
        api.delete(f"/apis/storage.k8s.io/v1/csinodes/{world.name}-n{number}")


def read(api: Api) -> Snapshot:
    builder = SnapshotBuilder()
    for version, kind, path in READ:
        for item in api.items(path):
            builder.add({"apiVersion": version, "kind": kind, **item})
    return builder.snapshot()


def decided(api: Api, pod: Object) -> tuple[str, Counter[str]]:
    """Give the node that the scheduler chose, or the reasons that it counted."""
    path = api.path(api.create(pod))

    def answer() -> tuple[str, Counter[str]] | None:
        found = api.get(path)
        if node := found["spec"].get("nodeName"):
            return node, Counter()
        for condition in found.get("status", {}).get("conditions", []):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return "", counted(condition["message"])
        return None

    try:
        return eventually(answer, DECIDED_S, f"the scheduler to decide on {path}")
    finally:
        api.delete(path, gracePeriodSeconds="0")


def counted(message: str) -> Counter[str]:
    """Read ``0/6 nodes are available: 2 Insufficient cpu, 4 node(s) were unschedulable. preemption: …``."""
    listed = message.partition("nodes are available: ")[2]
    listed = re.split(r"\.\s|\.\Z", listed, maxsplit=1)[0].replace(PUT_ASIDE, Filter.NODE_AFFINITY)
    return Counter({what: int(number) for number, what in re.findall(r"(\d+) ([^,]+)", listed)})


def worded(reason: str) -> str:
    """Give the reason as the newest schedulers put it; ours are the words of most clusters, and say which taint it is."""
    newest = {
        Filter.TAINT: "node(s) had untolerated taint(s)",
        Filter.VOLUME: "node(s) didn't match PersistentVolume's node affinity",
    }
    return newest.get(filter_of(reason), reason)


def ours(asked: Object, state: ClusterState) -> tuple[set[str], Counter[str]]:
    """Give the nodes that we would offer, and the reasons of the others as the scheduler counts them."""
    pod, offered, reasons = Pod.from_dict(asked), set(), Counter[str]()
    order = NAMED_FIRST if "matchFields" in str(asked) else ORDER
    for name in state.nodes:
        met = fits(pod, name, state)
        if not met:
            offered.add(name)
            continue
        first = next(part for part in order if any(filter_of(r) in part for r in met))
        told = [r for r in met if filter_of(r) in first]
        reasons.update(map(worded, told if Filter.RESOURCES in first else told[:1]))
    return offered, reasons


@pytest.mark.parametrize("seed", SEEDS)
def test_the_filters_say_what_the_scheduler_says(api: Api, seed: int) -> None:
    world = World(seed)
    planted(api, world)
    try:
        state = ClusterState.of(read(api))
        differing = []
        for number in range(ASKED):
            asked = world.pod(f"asked-{number}")
            node, reasons = decided(api, asked)
            offered, expected = ours(asked, state)
            agrees = node in offered if node else (not offered and reasons == expected)
            if not agrees:
                differing.append((asked, node, dict(reasons), sorted(offered), dict(expected)))
        assert not differing, f"seed {seed}: {differing[0]}"
    finally:
        uprooted(api, world)
