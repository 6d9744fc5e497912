"""What people, nodes and packets do to a world while a run is under way: one deed each, and how it is undone."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate.entrypoints.cli.rbac import manifests
from migrate.model.rights import rights_for
from tests.controlplane import kubelet, machine, nodes, workloads
from tests.controlplane.charts import POOL as CILIUM
from tests.controlplane.client import STRATEGIC, Api, Object, eventually
from tests.controlplane.faults import Fault
from tests.controlplane.stage import Stage, pools
from tests.controlplane.world import World

NEW, OLD = "10.245.*", "192.168.*"
assert CILIUM.startswith(NEW[:-1])
AGENTS, CALICOS = "k8s-app=cilium", "k8s-app=calico-node"
NODE, ADDRESS = "/api/v1/nodes/", "projectcalico.org/IPv4Address"
SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1.metrics.example.com"
HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/dead"
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/c2c"
CONFIG = {"name": "cilium-config", "namespace": "kube-system"}
PROBES = "/api/v1/namespaces/c2c-system/pods"
POLICIES = "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies"
ENDPOINTS = "/apis/cilium.io/v2/namespaces/shop/ciliumendpoints"
DAEMON = "/apis/apps/v1/namespaces/shop/daemonsets/agent"
HELD = "*/c2c-held"
WATCHES = re.compile(r"(unmanaged-pod-watcher-interval:).*")
LOOKED_S = 5.0  # longer than between two looks of ``hurried.py``

APART = {
    "mixed": f"case $own/$host in {NEW}/{OLD}|{OLD}/{NEW})",
    "from-new": f"case $own/$host in {NEW}/{OLD})",
    "to-new": f"case $own/$host in {OLD}/{NEW})",
    "new": f"case $own/$host in {NEW}/{NEW})",
    "any-to-new": f"case $host in {NEW})",
}
PACKETS: Mapping[str, str] = {
    "packets-dropped": f"{APART['mixed']} return 28 ;; esac",
    "calico-blocks-new-range": f"{APART['from-new']} return 28 ;; esac",
    "allowance-without-effect": f"{APART['to-new']} return 28 ;; esac",
    "routes-blackholed": f'[ "$own" = "$host" ] || {APART["new"]} return 28 ;; esac',
    "pods-unreachable": f"{APART['any-to-new']} return 28 ;; esac",
    "felix-restarts": f"{APART['any-to-new']} return 28 ;; esac",
    "address-masqueraded": f"{APART['mixed']} own=192.0.2.99 ;; esac",
    "large-packets-lost": f'case "$url" in *echo*) {APART["mixed"]} return 28 ;; esac ;; esac',
    "cluster-ip-dead": f"case $own/$host in {NEW}/10.96.*) return 28 ;; esac",
    "node-port-dead": 'case "$url" in http://192.0.2.*) [ ! -e "$SIM_ROOT/etc/cni/net.d/05-cilium.conflist" ] || return 7 ;; esac',
    "outside-refuses": f'case "$url/$host/$own" in /db.*/{NEW}) return 28 ;; esac',
    "marks-collide": f'case "$url/$host/$own" in //{NEW}) return 6 ;; esac',
}
"""What becomes of a probe's question, in the words of ``commands.TOOLS``."""


@dataclass(slots=True)
class Deeds:
    """Deeds in one run; ``place`` is a node's place in the order of the plan."""

    stage: Stage
    _helm: Path = field(init=False)
    _policies: list[Object] = field(default_factory=list)
    _kept: str = ""
    _template: str = ""
    _addresses: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._helm = self.stage.product.helm

    @property
    def world(self) -> World:
        return self.stage.world

    @property
    def api(self) -> Api:
        return self.stage.world.api

    def node(self, place: int) -> str:
        return self.stage.order[place]

    # Packets.

    def spoil(self, name: str) -> None:
        """Let what probes ask meet a fault."""
        path = self.world.agent.folder / "spoilt"
        new = path.with_name("spoilt.new")
        new.write_text(f"spoilt() {{ {PACKETS[name]}\n}}\n", encoding="utf-8")
        new.replace(path)

    def unspoil(self) -> None:
        (self.world.agent.folder / "spoilt").unlink(missing_ok=True)

    def lose_probe(self, place: int, *, ready: bool = False) -> None:
        """Let the probe pods of a node be not Ready, as those whose container does not run."""
        for pod in self.api.items(PROBES, fieldSelector=f"spec.nodeName={self.node(place)}"):
            states = [kubelet.condition(kind, ready) for kind in ("ContainersReady", "Ready")]
            self.api.patch(f"{kubelet.pod_path(pod)}/status", {"status": {"conditions": states}}, STRATEGIC)

    def cut_connections(self, place: int) -> None:
        """Note ends of connections where the loop of a probe pod would."""
        held = list((self.world.agent.folder / self.node(place) / "sim" / "tmp").glob(HELD))
        assert held, "connections are held"
        for folder in held:
            target = (folder / "target").read_text(encoding="utf-8").split()
            since = int((folder / "since").read_text(encoding="utf-8"))
            ends = f"{since + 1} reset {target[0]} {target[1]}\n" * 3
            (folder / "cuts").write_text(ends, encoding="utf-8")

    # Helm and the operator.

    def wrap_helm(self, setting: str) -> None:
        """Let Helm set something else besides, in its next upgrade."""
        program, once = self.stage.product.folder / "helm", self.stage.product.folder / "once"
        once.touch()
        text = (
            f'#!/bin/sh\ncase " $* " in\n*" upgrade "*) if rm {once} 2>&-; then set -- "$@" --set {setting}; fi ;;\nesac\n'
            f'exec {self._helm} "$@"\n'
        )
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
        self.stage.product.helm = program

    def unwrap_helm(self) -> None:
        self.stage.product.helm = self._helm

    def lose_value(self) -> None:
        """Let the chart lose the value that keeps the watcher off, and keep the operator from starting."""
        self.world.operator.is_held = True
        self._template = self._config_map.read_text(encoding="utf-8")
        lost = WATCHES.sub('\\1 "15s"', self._template)
        assert lost != self._template
        self._config_map.write_text(lost, encoding="utf-8")

    def find_value(self) -> None:
        self._config_map.write_text(self._template, encoding="utf-8")

    @property
    def _config_map(self) -> Path:
        return self.world.chart / "templates" / "cilium-configmap.yaml"

    def let_operator(self) -> None:
        self.world.operator.is_held = False

    def run_operator_with(self, **settings: str) -> None:
        self.world.operator.overrides = settings
        self.world.restart_operator()

    def own_field(self, data: Mapping[str, str]) -> None:
        """Own fields of Cilium's configuration, as somebody does who applied it."""
        item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": CONFIG, "data": data}
        self.api.apply(item, "kubectl-edit", force="true")

    def edit_config(self, value: str) -> None:
        path = f"/api/v1/namespaces/{CONFIG['namespace']}/configmaps/{CONFIG['name']}"
        self.api.patch(path, {"data": {"enable-policy": value}})

    # Agents and nodes.

    def crash_agent(self, place: int) -> None:
        self.stage.plant(Fault.AGENT_CRASH_LOOP, place)
        self._delete_pods(AGENTS, place)

    def _delete_pods(self, selector: str, place: int) -> None:
        """Delete a system pod of a node, whatever comes in its place."""
        [pod] = self.world.pods(selector, self.node(place))
        self.api.delete(kubelet.pod_path(pod))

    def restart_agent(self, place: int) -> None:
        """Restart an agent once the run has looked at the one that it restarted itself."""
        time.sleep(LOOKED_S)
        self.world.restart_agent(self.node(place))

    def take_range(self, place: int) -> None:
        """Let a node have no range, and nobody who gives it one."""
        self.world.operator.is_held = True
        self.world.operator.stop()
        self.api.delete(f"/apis/cilium.io/v2/ciliumnodes/{self.node(place)}")
        self._delete_pods(AGENTS, place)

    def announce(self, place: int, address: str = "10.245.0.99/32") -> None:
        """Let calico-node have taken another address for the node's."""
        path = f"{NODE}{self.node(place)}"
        self._addresses.setdefault(place, self.api.get(path)["metadata"]["annotations"][ADDRESS])
        self.api.patch(path, {"metadata": {"annotations": {ADDRESS: address}}})

    def announce_rightly(self, place: int) -> None:
        self.announce(place, self._addresses[place])

    def remove_foreign_conf(self, place: int) -> None:
        (self.world.agent.record(self.node(place)).conf_folder / "00-other.conflist").unlink()

    def restart_dns(self) -> None:
        for place in range(len(self.stage.order)):
            self.stage.plant(Fault.COREDNS_RESTART, place)

    def cordon(self, place: int) -> None:
        """Cordon a node in the run's own name, as a process that was thought dead would."""
        path = f"{NODE}{self.node(place)}"
        run = self.api.get(path)["metadata"]["annotations"]["c2c/run"]
        notes = {"c2c/cordoned-by": run, "c2c/was-unschedulable": "false"}
        self.api.patch(path, {"metadata": {"annotations": notes}, "spec": {"unschedulable": True}})

    def uncordon(self, place: int) -> None:
        notes = {"c2c/cordoned-by": None, "c2c/was-unschedulable": None}
        path = f"{NODE}{self.node(place)}"
        self.api.patch(path, {"metadata": {"annotations": notes}, "spec": {"unschedulable": None}})

    def silence(self, place: int) -> None:
        """Let nothing be heard of a node: its kubelet is held, its state is what the node controller would write."""
        name = self.node(place)
        kubelet.hold_down(self.api, name, "silent", "NodeStatusUnknown", "")
        unknown = kubelet.condition("Ready", False, "NodeStatusUnknown") | {"status": "Unknown"}
        self.api.patch(f"{NODE}{name}/status", {"status": {"conditions": [unknown]}}, STRATEGIC)

    def speak(self, place: int) -> None:
        name = self.node(place)
        kubelet.let_up(self.api, name)
        eventually(lambda: nodes.is_ready(self.api, name), 60, f"{name} is Ready again")

    def replace(self, place: int) -> None:
        """Put another machine of the same name, with an empty disk, in the place of a node."""
        name = self.node(place)
        self.api.delete(f"{NODE}{name}")
        shutil.rmtree(self.world.agent.folder / name)
        nodes.plant(self.api, [p for p in self.world.nodes if p.name == name])

    # Pods.

    def daemon_pod(self, place: int) -> Object:
        """Give the pod of the shop's DaemonSet on a node."""
        [pod] = self._daemon_pods(place)
        return pod

    def _daemon_pods(self, place: int) -> list[Object]:
        query = {"fieldSelector": f"spec.nodeName={self.node(place)}", "labelSelector": "app=agent"}
        return self.api.items("/api/v1/namespaces/shop/pods", **query)

    def renew_daemon_pod(self, place: int) -> None:
        """Delete that pod, and wait until the next one has its address."""
        old = self.daemon_pod(place)
        self.api.delete(kubelet.pod_path(old))

        def is_there() -> bool:
            fresh = [p for p in self._daemon_pods(place) if kubelet.uid_of(p) != kubelet.uid_of(old)]
            return any(p["status"].get("podIP") for p in fresh)

        eventually(is_there, 30, f"another pod of the DaemonSet runs on {self.node(place)}")

    def let_calico_pod_come(self, place: int) -> None:
        self.stage.plant(Fault.WRONG_POOL, place)
        self.renew_daemon_pod(place)
        self.stage.remove(Fault.WRONG_POOL, place)

    def await_cilium(self, place: int) -> None:
        node = self.node(place)
        eventually(lambda: pools(self.world, node) == {"cilium"}, 60, f"the pods of {node} are on Cilium")

    def lose_endpoint(self, place: int) -> None:
        self.api.delete(f"{ENDPOINTS}/{self.daemon_pod(place)['metadata']['name']}")

    def restart_felix(self, place: int) -> None:
        """Felix clears programs of Cilium at its start (``procedure.md`` §7): pods there cannot be reached any more."""
        self.spoil("felix-restarts")
        self._delete_pods(CALICOS, place)

    def hand_back(self, place: int) -> None:
        self.stage.plant(Fault.CONF_COMES_BACK, place)
        node = self.node(place)
        eventually(lambda: self.world.conf(node) == ["10-calico.conflist"], 10, "Calico's file is back")
        self.renew_daemon_pod(place)

    def misschedule(self, place: int) -> None:
        """Keep a pod of a DaemonSet on a node that its DaemonSet does not want any more."""
        pod, name = self.daemon_pod(place), self.node(place)
        self._kept = kubelet.pod_path(pod)
        self.api.patch(self._kept, {"metadata": {"finalizers": ["example.com/held"]}})
        term = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [name]}
        self._place({"nodeSelectorTerms": [{"matchExpressions": [term]}]})

    def schedule(self) -> None:
        self._place(None)
        self.api.patch(self._kept, {"metadata": {"finalizers": None}})

    def _place(self, required: Object | None) -> None:
        affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
        spec = {"affinity": affinity if required is not None else None}
        self.api.patch(DAEMON, {"spec": {"template": {"spec": spec}}})

    # Machines.

    def let_cloud(self, wrong: str = "") -> None:
        """Tell the program that replaces machines how to reach the API server, and what it does wrong."""
        way = {"url": self.api.url, "token": self.api.token, "ca": str(self.api.ca_file), "wrong": wrong}
        (self.stage.product.folder / "way.json").write_text(json.dumps(way), encoding="utf-8")

    def send_machine(self, place: int) -> None:
        """Let the machine come that did not follow, and those to come follow."""
        self.let_cloud()
        nodes.plant(self.api, [machine.follower(self.node(place))])

    # The cluster and the run's own objects.

    def kill_backend(self) -> None:
        """Register an API whose backend is not there."""
        spec: dict[str, Any] = {
            "group": "metrics.example.com",
            "version": "v1",
            "insecureSkipTLSVerify": True,
        }
        spec |= {
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": {"name": "gone", "namespace": "shop"},
        }
        made = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "spec": spec}
        self.api.create({**made, "metadata": {"name": SERVICE.rsplit("/", 1)[-1]}})
        eventually(
            lambda: self.api.get(SERVICE).get("status", {}).get("conditions"), 10, "its backend is missed"
        )

    def drop_backend(self) -> None:
        self.api.delete(SERVICE)

    def hook(self) -> None:
        """Let every eviction be asked of somebody outside who does not answer."""
        self.api.create(workloads.dead_webhook("dead", "shop", url="https://127.0.0.1:1/"))

    def unhook(self) -> None:
        self.api.delete(HOOKS)

    def take_right(self) -> None:
        """Take one right away: to patch nodes."""
        role = self.api.get(ROLE)
        kept = (_without(rule, "nodes", "patch") for rule in role["rules"])
        self.api.expect("PUT", ROLE, {**role, "rules": [rule for rule in kept if rule["verbs"]]})

    def give_rights(self) -> None:
        for obj in manifests(rights_for(["apply"])):
            if obj["kind"] == "ClusterRole":
                self.api.apply(obj, force="true")

    def relabel(self, team: str | None) -> None:
        self.api.patch("/api/v1/namespaces/shop", {"metadata": {"labels": {"team": team}}})

    def delete_policies(self) -> None:
        self._policies = self.api.items(POLICIES)
        assert self._policies, "there are policies to delete"
        for item in self._policies:
            self.api.delete(f"{POLICIES}/{item['metadata']['name']}")

    def bring_policies(self) -> None:
        for item in self._policies:
            meta = {
                k: item["metadata"][k] for k in ("name", "labels", "annotations") if k in item["metadata"]
            }
            kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy"}
            self.api.create(
                {**kind, "metadata": meta, **{k: item[k] for k in ("spec", "specs") if k in item}}
            )


def _without(rule: Object, resource: str, verb: str) -> Object:
    if resource not in rule.get("resources", []):
        return rule
    return {**rule, "verbs": [v for v in rule["verbs"] if v != verb]}
