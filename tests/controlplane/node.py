"""One simulated node: what its kubelet, its runtime, its calico-node and its cilium-agent do at one look.

Every step compares the pods that the API has with the node's record and does what is missing, so that a look may be
interrupted and made again. The order of the steps is that of a real node: what is gone is torn down first, the CNIs
come next, since they decide what the conf folder holds, and then the pods.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from tests.controlplane import cni, kubelet, kwok
from tests.controlplane.client import Api, Object
from tests.controlplane.cni import Conf, Plugin
from tests.controlplane.faults import Fault, Faults
from tests.controlplane.record import REBOOT_REQUEST, NodeRecord, Running, Sandbox, free_address
from tests.controlplane.simulated_calico import Calico
from tests.controlplane.simulated_cilium import Cilium

FOREIGN = '{"cniVersion": "1.0.0", "name": "other", "plugins": [{"type": "bridge"}]}'
FOREIGN_RANGE = "10.88.0.0/16"
RESERVED = 3  # of a Cilium range: the network, the router and the health endpoint
MIRROR = "kubernetes.io/config.mirror"
DEFAULT_CONFIG = {cni.WRITE_KEY: f"{cni.POD_SIDE}/05-cilium.conflist", cni.EXCLUSIVE_KEY: "true"}


PROBE = "c2c/probe"
CONTROLLER = "sync-policymap"


@dataclass(slots=True)
class Node:
    """A node with its record; ``reconcile`` and ``reboot`` are called under ``lock``."""

    obj: Object
    record: NodeRecord
    api: Api
    calico: Calico
    cilium: Cilium
    faults: Faults
    problems: list[str]
    lock: threading.RLock = field(default_factory=threading.RLock)
    _seen: dict[str, float] = field(default_factory=dict)
    _conf: tuple[Conf | None, float] = (None, 0.0)
    _probes: set[str] = field(default_factory=set)
    _mirrors: dict[str, Object] = field(default_factory=dict)
    _cut_off: set[str] = field(default_factory=set)
    _calico_fails: bool = False
    _after_boot: bool = False
    _unpublished: bool = False

    @property
    def name(self) -> str:
        return self.record.name

    def reconcile(self, pods: dict[str, Object]) -> None:
        """Bring the node to where these pods and its faults want it."""
        live = {uid: pod for uid, pod in pods.items() if kubelet.phase_of(pod) not in kubelet.FINISHED}
        if (request := self.record.root / REBOOT_REQUEST).exists():
            request.unlink()
            self.reboot()
        for sandbox in [s for uid, s in self.record.sandboxes.items() if uid not in live]:
            self._delete(sandbox)
        self._keep_mirrors(pods)
        self._play_calico(live)
        self._play_cilium(live)
        self._keep_conf()
        for pod in live.values():
            if kubelet.uid_of(pod) not in self.record.sandboxes and kubelet.label_of(pod) not in self._cnis():
                self._add(pod)
            self._offer_probe(pod)
            if kubelet.is_taken_for_lost(pod) and self._is_ready():
                kubelet.recover(self.api, pod)
        self._probe_pods(live)
        if self.faults.take(Fault.COREDNS_RESTART, self.name):
            self._restart([pod for pod in live.values() if kubelet.label_of(pod) == "kube-dns"])
        self._publish()
        self._report_network()
        if self._after_boot:
            self._after_boot = False
            if not self.faults.stands(Fault.NODE_NEVER_READY, self.name):
                kubelet.let_up(self.api, self.name)

    def _is_ready(self) -> bool:
        conditions = self.obj["status"].get("conditions") or []
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def _cnis(self) -> frozenset[str]:
        return self.calico.variant.labels | {"cilium"}

    def conf(self) -> Conf | None:
        """Give the conf that the runtime has loaded, which a fault may let lag behind the folder."""
        now, found = time.monotonic(), cni.first_conf(self.record.conf_folder)
        loaded, since = self._conf
        if found == loaded:
            self._conf = (loaded, now)
        elif now - since >= self.faults.seconds(Fault.LATE_SWITCH, self.name):
            self._conf = (found, now)
        return self._conf[0]

    def caller(self) -> Plugin | None:
        """Give the plugin that the runtime calls now, for ADD and for DEL."""
        conf = self.conf()
        if conf and self.faults.stands(Fault.WRONG_POOL, self.name):
            return Plugin.CALICO if conf.plugin is Plugin.CILIUM else Plugin.CILIUM
        return conf.plugin if conf else None

    def reboot(self) -> None:
        """Stop everything, take a new boot id, and let the next look start it again in new sandboxes."""
        if self.faults.stands(Fault.BOOT_ID_UNCHANGED, self.name):
            return
        kubelet.hold_down(self.api, self.name, "reboot", "KubeletNotReady", "node is rebooting")
        old = list(self.record.sandboxes.values())
        for sandbox in old:
            self._delete(sandbox)
        self.record.new_boot()
        self.record.agent, self.record.calico_uid = None, ""
        kubelet.set_boot_id(self.api, self.name, self.record.boot_id)
        self.record.save()
        self._after_boot = True

    def _delete(self, sandbox: Sandbox) -> None:
        """Run CNI DEL; the record is changed when the cluster knows, so that what fails is done again."""
        caller = self.caller()
        if sandbox.plugin is Plugin.CALICO and caller is Plugin.CALICO:
            self.calico.drop_handle(sandbox)
        if sandbox.plugin is Plugin.CILIUM:
            self.cilium.drop_endpoint(sandbox)
        self.record.tear_down(sandbox, caller)
        if sandbox.plugin is Plugin.CALICO:
            self._unpublished = True
        self.record.save()

    def _publish(self) -> None:
        """Write the node's IPAM objects, again until it has succeeded."""
        if self._unpublished:
            self.calico.publish(self.record)
            self._unpublished = False

    def _keep_mirrors(self, pods: dict[str, Object]) -> None:
        """Make the mirror pod of a static pod again when somebody deleted it: the static pod itself runs on."""
        names = {str(pod["metadata"]["name"]) for pod in pods.values()}
        for pod in pods.values():
            if MIRROR in (pod["metadata"].get("annotations") or {}):
                self._mirrors[str(pod["metadata"]["name"])] = pod
        for name, pod in self._mirrors.items():
            if name not in names:
                kept = {k: v for k, v in pod["metadata"].items() if k in {"name", "namespace", "labels"}}
                kept["annotations"] = {MIRROR: pod["metadata"]["annotations"][MIRROR]}
                fresh = {"apiVersion": "v1", "kind": "Pod", "metadata": kept, "spec": pod["spec"]}
                self.api.attempt("POST", f"/api/v1/namespaces/{kept['namespace']}/pods", fresh)

    def _play_calico(self, live: dict[str, Object]) -> None:
        pod = _newest(live, self.calico.variant.labels)
        uid = kubelet.uid_of(pod) if pod else ""
        if self.record.calico_uid and self.record.calico_uid != uid:
            self.calico.stop(self.record)
            self.record.calico_uid = ""
        if pod is None:
            return
        fails = self.faults.stands(Fault.CALICO_NOT_READY, self.name)
        if self.record.calico_uid == uid:
            if fails is not self._calico_fails:
                kubelet.report(self.api, pod, self.record, self._host_sandbox(pod), ready=not fails)
                self._calico_fails = fails
            return
        sandbox = self._host_sandbox(pod)
        address = self.record.address
        if self.faults.take(Fault.ADDRESS_JUMP, self.name):
            address = address.rsplit(".", 1)[0] + ".250"
        self.calico.start(self.record, address)
        kubelet.report(self.api, pod, self.record, sandbox, ready=not fails)
        self.record.calico_uid, self._calico_fails = uid, fails
        self.record.save()

    def _play_cilium(self, live: dict[str, Object]) -> None:
        pod = _newest(live, frozenset({"cilium"}))
        if pod is None:
            self.record.agent = None
            return
        uid = kubelet.uid_of(pod)
        if self.record.agent is None or self.record.agent.uid != uid:
            if not self._starts(pod):
                return
        agent = self.record.agent
        failing = CONTROLLER if self.faults.stands(Fault.AGENT_UNHEALTHY, self.name) else ""
        if agent and agent.failing != failing:
            agent.failing = failing
            self.record.save()
        if agent and not agent.is_ready and self._may_be_ready():
            self._take_over(agent)
            self.cilium.clear_taint(self.obj)
            kubelet.report(self.api, pod, self.record, self._host_sandbox(pod), ready=True)
            agent.is_ready = True
            self.record.save()

    def _starts(self, pod: Object) -> bool:
        """Start an agent: from here on it runs with the settings of this moment, until its pod goes."""
        uid = kubelet.uid_of(pod)
        since = self._seen.setdefault(f"{uid}/{self.record.serials.get(uid, 0)}", time.monotonic())
        if time.monotonic() - since < self.faults.seconds(Fault.SLOW_IMAGE, self.name):
            return False
        try:
            config = self.cilium.settings(
                str(pod["metadata"]["namespace"]), self.obj["metadata"].get("labels") or {}
            )
        except cni.SameKeyTwiceError as error:
            if (problem := f"{self.name}: {error}") not in self.problems:
                self.problems.append(problem)
            return False
        if config is None:
            return False
        sandbox = self._host_sandbox(pod)
        crashes = self.faults.stands(Fault.AGENT_CRASH_LOOP, self.name)
        waiting = "CrashLoopBackOff" if crashes else ""
        kubelet.report(self.api, pod, self.record, sandbox, ready=False, waiting=waiting)
        self.record.agent = Running(uid, sandbox.serial, config)
        self.record.write_running_config(config)
        cni.write(self.record.root / "opt/cni/bin/cilium-cni", "")
        self._offer_commands(pod)
        self.record.save()
        return True

    def _may_be_ready(self) -> bool:
        stuck = (Fault.AGENT_NEVER_READY, Fault.AGENT_CRASH_LOOP)
        if any(self.faults.stands(fault, self.name) for fault in stuck):
            return False
        return bool(self.cilium.ranges(self.obj, self.record))

    def _take_over(self, agent: Running) -> None:
        if self.faults.stands(Fault.CONF_NOT_WRITTEN, self.name):
            return
        unasked = self.faults.stands(Fault.CONF_WITHOUT_LABEL, self.name)
        cni.take_over(
            self.record.conf_folder, {**agent.config, **DEFAULT_CONFIG} if unasked else agent.config
        )

    def _keep_conf(self) -> None:
        """Let a running, exclusive agent write and rename again; an agent that is not does it at its start only."""
        if self.faults.take(Fault.FOREIGN_CONF, self.name):
            cni.write(self.record.conf_folder / "00-other.conflist", FOREIGN)
        if self.faults.stands(Fault.CONF_COMES_BACK, self.name):
            cni.hand_back(self.record.conf_folder, self.calico.variant.conf)
            return
        agent = self.record.agent
        if agent and agent.is_ready and cni.is_exclusive(agent.config):
            self._take_over(agent)

    def _offer_probe(self, pod: Object) -> None:
        """Let a probe pod run its scripts, once it is there."""
        uid = kubelet.uid_of(pod)
        probes = PROBE in (pod["metadata"].get("labels") or {})
        if probes and uid not in self._probes:
            offered = self._offer_commands(pod, name=str(pod["metadata"]["name"]))
            self._probes |= {uid} if offered else set()

    def _offer_commands(self, pod: Object, **more: str) -> bool:
        """Let commands that are run in a pod find this node's folder, and the agent's log be read.

        False where what was offered to a pod of the same name before is still there: it goes with that pod, so this is
        to be asked again.
        """
        metadata = {
            "name": pod["metadata"]["name"],
            "namespace": pod["metadata"]["namespace"],
            "ownerReferences": kubelet.owner_of({**pod, "kind": "Pod"}),
        }
        taken = True
        log = self.record.root / "sim" / "agent.log"
        log.touch()
        known = {"SIM_ROOT": str(self.record.root), **{f"SIM_{k.upper()}": v for k, v in more.items()}}
        local = {"envs": [{"name": k, "value": v} for k, v in known.items()]}
        for kind, spec in (
            ("Exec", {"execs": [{"local": local}]}),
            ("Logs", {"logs": [{"logsFile": str(log)}]}),
        ):
            obj = {"apiVersion": f"{kwok.GROUP}/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
            path = f"/apis/{kwok.GROUP}/v1alpha1/namespaces/{metadata['namespace']}/{kwok.KINDS[kind]}"
            if not self.api.attempt("POST", path, obj).ok:
                found = self.api.attempt("GET", f"{path}/{metadata['name']}")
                owners = found.json["metadata"].get("ownerReferences", []) if found.ok else []
                taken &= [o["uid"] for o in owners] == [kubelet.uid_of(pod)]
        return taken

    def _host_sandbox(self, pod: Object) -> Sandbox:
        uid = kubelet.uid_of(pod)
        if uid not in self.record.sandboxes:
            self.record.hold(self._sandbox(pod, Plugin.HOST, self.record.address))
        return self.record.sandboxes[uid]

    def _sandbox(self, pod: Object, plugin: Plugin, address: str) -> Sandbox:
        metadata = pod["metadata"]
        return self.record.sandbox(
            kubelet.uid_of(pod), str(metadata["namespace"]), str(metadata["name"]), plugin, address
        )

    def _add(self, pod: Object) -> None:
        """Make a pod's sandbox, where the runtime can and the cluster takes it; else the next look tries again."""
        if kubelet.is_host(pod):
            sandbox = self._host_sandbox(pod)
            if sandbox.serial > 1:
                kubelet.report(self.api, pod, self.record, sandbox, ready=True)
            return
        plugin = self.caller()
        address = self._address(plugin) if plugin else None
        if plugin is None or address is None or self.faults.stands(Fault.NO_ADDRESS, self.name):
            return
        sandbox = self._sandbox(pod, plugin, address)
        self._register(pod, sandbox)
        kubelet.announce(self.api, pod, sandbox)
        if kubelet.phase_of(pod) == "Running":
            kubelet.report(self.api, pod, self.record, sandbox, ready=True)
        self.record.hold(sandbox)
        self._unpublished |= plugin is Plugin.CALICO
        self.record.save()

    def _probe_pods(self, live: dict[str, Object]) -> None:
        """Probe the node's own pods, as its kubelet does: those that it does not reach are not ready."""
        agent = self.record.agent
        enforces = agent is not None and agent.config.get("enable-policy") != "never"
        enforces &= agent is not None and agent.config.get("policy-audit-mode") != "true"
        fails = enforces and self.faults.stands(Fault.PODS_CUT_OFF, self.name)
        if not (fails or self._cut_off):
            return
        own = {
            uid: pod
            for uid, pod in live.items()
            if not kubelet.is_host(pod) and kubelet.phase_of(pod) == "Running"
        }
        for uid, pod in own.items():
            if (uid in self._cut_off) is not fails and uid in self.record.sandboxes:
                kubelet.report(self.api, pod, self.record, self.record.sandboxes[uid], ready=not fails)
        self._cut_off = set(own) if fails else set()

    def _restart(self, pods: list[Object]) -> None:
        """Restart the containers of pods in their sandboxes."""
        for pod in pods:
            if sandbox := self.record.sandboxes.get(kubelet.uid_of(pod)):
                sandbox.restarts += 1
                kubelet.report(self.api, pod, self.record, sandbox, ready=True)

    def _address(self, plugin: Plugin) -> str | None:
        match plugin:
            case Plugin.CALICO if self.calico.can_serve(self.record):
                conf = self.conf()
                ipam = conf.ipam if conf and conf.ipam else self.calico.variant.ipam
                return self.calico.address(self.record, self.obj["spec"].get("podCIDRs") or [], ipam)
            case Plugin.CILIUM if self.record.agent and self.record.agent.is_ready:
                return free_address(self.cilium.ranges(self.obj, self.record), self.record, skip=RESERVED)
            case Plugin.OTHER:
                return free_address([FOREIGN_RANGE], self.record, skip=2)
        return None

    def _register(self, pod: Object, sandbox: Sandbox) -> None:
        """Let the plugin write what the cluster knows of a sandbox."""
        if sandbox.plugin is Plugin.CALICO:
            self.calico.publish_handle(self.record, sandbox)
        if sandbox.plugin is Plugin.CILIUM:
            ready = not self.faults.stands(Fault.ENDPOINT_NOT_READY, self.name)
            identity = not self.faults.stands(Fault.IDENTITY_MISSING, self.name)
            self.cilium.add_endpoint(self.record, pod, sandbox, ready=ready, identity=identity)

    def _report_network(self) -> None:
        """A node without any conf file is not ready, with the words of the kubelet."""
        held = (self.obj["metadata"].get("annotations") or {}).get(kubelet.DOWN)
        if self.conf() is None and held is None:
            text = "container runtime network not ready: cni plugin not initialized"
            kubelet.hold_down(self.api, self.name, "network", "KubeletNotReady", text)
        elif self.conf() is not None and held == "network":
            kubelet.let_up(self.api, self.name)


def _newest(live: dict[str, Object], labels: frozenset[str]) -> Object | None:
    """Give the pod with one of these ``k8s-app`` labels; where two overlap, the one that nobody is deleting."""
    found = [pod for pod in live.values() if kubelet.label_of(pod) in labels]
    return max(found, key=lambda pod: "deletionTimestamp" not in pod["metadata"], default=None)
