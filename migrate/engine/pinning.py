"""The steps of P2: what is changed in Calico, kube-proxy and on hosts before Cilium comes, and how each goes back.

Pure: everything follows from the snapshot and the settings, and the undo of a step is made of what the snapshot holds,
so it needs no backup file. A step is there only where this cluster needs it; preflight's rules marked *P* ask the same
questions (``procedure.md`` §5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from migrate.engine.autodetection import FIELDS, INSTALLATIONS, INTERNAL_IP, detections, must_pin, planned
from migrate.engine.host_allowance import allowance
from migrate.engine.host_files import HostFile, drop_ins
from migrate.engine.local_traffic import edited, gap, wanted_cidr
from migrate.model.addresses import Network, contains, networks
from migrate.model.commands import Command, Name
from migrate.model.fields import mapping, maps, text
from migrate.model.installs import calico_node
from migrate.model.ippools import ip_pools
from migrate.model.kube_proxy import daemon_set, kube_proxies
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.model.variant import Variant, calico_api
from migrate.model.workloads import Workload

__all__ = ["Pin", "can_pin", "cover_pools", "pins", "uncovered"]

CHART_CONFIG = {"rke2": "rke2-calico"}
DETECTION_KEYS = {
    "kubernetes-internal-ip": "kubernetes",
    "skip-interface": "skipInterface",
    "can-reach": "canReach",
    "cidr": "cidrs",
}
EVERY_KEY = ("firstFound", "kubernetes", "interface", "skipInterface", "canReach", "cidrs")
METHOD_VARIABLES = {4: "IP_AUTODETECTION_METHOD", 6: "IP6_AUTODETECTION_METHOD"}
BLOCK_SIZES = {4: 26, 6: 122}
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pin:
    """One step of P2 and its undo, both as commands with everything they need to act.

    Arguments of ``PinAutodetect`` and ``PatchKubeProxy``: ``patches``, each ``{resource, namespace, name, type, patch}``
    (``type``: merge, strategic, apply with the whole object, or delete), and ``rollout``, the DaemonSets to wait for;
    of ``ApplyCoverPool`` and ``AllowHostPorts``: ``objects``; of their undo: ``delete``, by path. ``HostDropIn`` holds
    one file.
    """

    command: Command
    undo: Command


def pins(
    snapshot: Snapshot, settings: Settings, variant: Variant, access: Mapping[str, str] | None = None
) -> tuple[Pin, ...]:
    """Give the steps in the order of P2: files on hosts, Calico's address, cover pools, host policies, kube-proxy.

    ``access`` maps nodes to how they are reached; a node that only the API reaches gets no file.
    """
    return (
        *_host_files(snapshot, access or {}),
        *_autodetection(snapshot, settings, variant),
        *_cover_pool(snapshot, settings, variant),
        *_host_ports(snapshot, settings, variant),
        *_kube_proxy(snapshot, settings),
    )


def _host_files(snapshot: Snapshot, access: Mapping[str, str]) -> Iterator[Pin]:
    for name, facts in sorted(snapshot.facts.items()):
        if access.get(name, "ssh") == "api":
            continue
        for file in drop_ins(facts):
            yield Pin(
                Command(Name.HOST_DROP_IN, name, _file(file)),
                Command(Name.REMOVE_DROP_IN, name, {"path": file.path, "apply": _lists(file.undo)}),
            )


def _file(file: HostFile) -> Object:
    return {
        "path": file.path,
        "content": file.content,
        "mode": file.mode,
        "apply": _lists(file.apply),
        "needs": file.needs,
        "prior": dict(file.evidence),
    }


def _lists(commands: tuple[tuple[str, ...], ...]) -> list[list[str]]:
    return [list(words) for words in commands]


def _autodetection(snapshot: Snapshot, settings: Settings, variant: Variant) -> Iterator[Pin]:
    """Give one step that pins every family at once, so that calico-node rolls once."""
    wanted = {
        d.family: planned(settings, d.family) for d in detections(snapshot, variant) if must_pin(d, settings)
    }
    method = _method(snapshot, _install(settings, variant), wanted)
    pairs = [pair for pair in (method, _mark_mask(snapshot, settings)) if pair]
    agent = calico_node(snapshot)
    if pairs and agent is not None:
        rollout = [f"DaemonSet/{agent.label}"]
        yield Pin(
            Command(Name.PIN_AUTODETECT, args={"patches": [new for new, _ in pairs], "rollout": rollout}),
            Command(Name.UNPIN_AUTODETECT, args={"patches": [old for _, old in pairs], "rollout": rollout}),
        )


def can_pin(snapshot: Snapshot, settings: Settings, variant: Variant) -> bool:
    """Say whether this way of installing Calico leaves the method to us; else only its owner can change it."""
    return _method(snapshot, _install(settings, variant), {4: INTERNAL_IP}) is not None


def _install(settings: Settings, variant: Variant) -> str:
    return settings.variant if settings.variant != "auto" else variant.install


def _method(snapshot: Snapshot, install: str, wanted: Mapping[int, str]) -> tuple[Object, Object] | None:
    """Give the patch for the way Calico was installed, and its undo; None where only its owner can change it."""
    agent = calico_node(snapshot)
    if not wanted or agent is None:
        return None
    match install:
        case "operator" | "helm":
            return _installation(snapshot, wanted)
        case "rke2":
            return _chart_config(snapshot, wanted)
        case "manifest" | "kubespray" | "k3s":
            return _environment(agent, wanted)
    return None


def _installation(snapshot: Snapshot, wanted: Mapping[int, str]) -> tuple[Object, Object] | None:
    """Patch the Installation; a field takes one method, so all others are removed with it."""
    found = snapshot.of(INSTALLATIONS)
    if not found:
        return None
    network = mapping(found[0].at("spec", "calicoNetwork"))
    new = {FIELDS[f]: {**dict.fromkeys(EVERY_KEY), **detection_field(method)} for f, method in wanted.items()}
    old = {
        FIELDS[f]: {**dict.fromkeys(EVERY_KEY), **mapping(network, FIELDS[f])}
        if FIELDS[f] in network
        else None
        for f in wanted
    }
    return (
        _patch(INSTALLATIONS, found[0].name, "merge", {"spec": {"calicoNetwork": new}}),
        _patch(INSTALLATIONS, found[0].name, "merge", {"spec": {"calicoNetwork": old}}),
    )


def detection_field(method: str) -> Object:
    """Give a method as the Installation writes it."""
    kind, _, value = method.partition("=")
    if method == INTERNAL_IP:
        return {"kubernetes": "NodeInternalIP"}
    return {DETECTION_KEYS[kind]: value.split(",") if kind == "cidr" else value}


def _chart_config(snapshot: Snapshot, wanted: Mapping[int, str]) -> tuple[Object, Object]:
    """Write the values of RKE2's chart: its controller would take a change of the Installation back."""
    name = CHART_CONFIG["rke2"]
    resource = "helmchartconfigs.helm.cattle.io"
    found = next((r for r in snapshot.of(resource) if r.name == name), None)
    before = text(found.data, "spec", "valuesContent") if found is not None else ""
    values = yaml.safe_load(before) if before else {}
    fields = {FIELDS[f]: detection_field(method) for f, method in wanted.items()}
    merged = _deep(values if isinstance(values, Mapping) else {}, {"installation": {"calicoNetwork": fields}})
    content = yaml.safe_dump(merged, sort_keys=False)
    whole = {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChartConfig",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"valuesContent": content},
    }
    new = _patch(resource, name, "apply", whole, "kube-system")
    if found is None:
        return new, _patch(resource, name, "delete", {}, "kube-system")
    return new, _patch(resource, name, "merge", {"spec": {"valuesContent": before}}, "kube-system")


def _deep(below: Mapping[str, Any], above: Mapping[str, Any]) -> Object:
    """Merge two maps; the detection fields themselves are replaced as a whole, as each takes one method."""
    found = dict(below)
    for key, value in above.items():
        lower = found.get(key)
        whole = key in FIELDS.values() or not (isinstance(value, Mapping) and isinstance(lower, Mapping))
        found[key] = value if whole or not isinstance(lower, Mapping) else _deep(lower, value)
    return found


def _environment(agent: Workload, wanted: Mapping[int, str]) -> tuple[Object, Object]:
    """Patch the environment of calico-node's container; a variable that was not there is deleted by the undo."""
    names = {METHOD_VARIABLES[f]: method for f, method in wanted.items()}
    container = next(
        (c for c in maps(agent.template, "spec", "containers") if text(c, "name") == "calico-node"),
        {"name": "calico-node"},
    )
    present = {text(e, "name"): dict(e) for e in maps(container, "env")}
    new = [{"name": name, "value": method} for name, method in names.items()]
    old = [present.get(name, {"name": name, "$patch": "delete"}) for name in names]
    resource = "daemonsets.apps"
    return (
        _patch(resource, agent.name, "strategic", _with_environment(container, new), agent.namespace),
        _patch(resource, agent.name, "strategic", _with_environment(container, old), agent.namespace),
    )


def _with_environment(container: Mapping[str, Any], env: list[Object]) -> Object:
    return {"spec": {"template": {"spec": {"containers": [{"name": text(container, "name"), "env": env}]}}}}


def _mark_mask(snapshot: Snapshot, settings: Settings) -> tuple[Object, Object] | None:
    """Give the patch that narrows the bits of packet marks that Calico uses, where the configuration asks for it."""
    found = [f for f in snapshot.calico("felixconfigurations") if f.name == "default"]
    if settings.mark_mask is None or not found:
        return None
    spec = mapping(found[0].at("spec"))
    keys = [k for k in ("iptablesMarkMask", "nftablesMarkMask") if k == "iptablesMarkMask" or k in spec]
    if all(spec.get(key) == settings.mark_mask for key in keys):
        return None
    group = text(found[0].data, "apiVersion").partition("/")[0]
    resource = f"felixconfigurations.{group}"
    return (
        _patch(resource, "default", "merge", {"spec": dict.fromkeys(keys, settings.mark_mask)}),
        _patch(resource, "default", "merge", {"spec": {key: spec.get(key) for key in keys}}),
    )


def _patch(resource: str, name: str, kind: str, patch: Object, namespace: str = "") -> Object:
    return {"resource": resource, "namespace": namespace, "name": name, "type": kind, "patch": patch}


def uncovered(snapshot: Snapshot, settings: Settings) -> list[Network]:
    """Give the new ranges that no IPPool holds although a pool with ``natOutgoing`` of their family exists.

    Felix does not masquerade what goes into any pool, a disabled one too; pools for load balancers alone do not count
    (projectcalico/calico ``felix/dataplane/linux/masq_mgr.go``).
    """
    known = [(p, p.network) for p in ip_pools(snapshot) if p.network is not None]
    masquerading = {net.version for pool, net in known if pool.nat_outgoing}
    covers = [net for pool, net in known if set(pool.uses) != {"LoadBalancer"}]
    return [
        r
        for r in networks(settings.cilium.pod_cidrs)
        if r.version in masquerading and not any(contains(c, r) for c in covers)
    ]


def cover_pools(ranges: list[Network], api: str) -> list[Object]:
    """Give the pools that keep Calico from masquerading towards new ranges; nothing ever takes an address of them.

    ``blockSize`` and ``nodeSelector`` are written out: stored CRDs have no defaults.
    """
    found = []
    for place, net in enumerate(ranges):
        before = sum(1 for other in ranges[:place] if other.version == net.version)
        suffix = f"-{before + 1}" if before else ""
        spec = {
            "cidr": str(net),
            "blockSize": max(BLOCK_SIZES[net.version], net.prefixlen),
            "disabled": True,
            "natOutgoing": False,
            "ipipMode": "Never",
            "vxlanMode": "Never",
            "disableBGPExport": True,
            "nodeSelector": "all()",
            "allowedUses": ["Workload"],
        }
        metadata = {"name": f"cilium-cover-ipv{net.version}{suffix}", "labels": {"c2c/owned": "true"}}
        found.append({"apiVersion": api, "kind": "IPPool", "metadata": metadata, "spec": spec})
    return found


def _cover_pool(snapshot: Snapshot, settings: Settings, variant: Variant) -> Iterator[Pin]:
    objects = cover_pools(uncovered(snapshot, settings), calico_api(variant))
    if objects:
        yield Pin(
            Command(Name.APPLY_COVER_POOL, args={"objects": objects}),
            Command(Name.DELETE_COVER_POOL, args={"delete": [_path(o) for o in objects]}),
        )


def _host_ports(snapshot: Snapshot, settings: Settings, variant: Variant) -> Iterator[Pin]:
    objects = list(allowance(snapshot, settings, variant).objects)
    if objects:
        yield Pin(
            Command(Name.ALLOW_HOST_PORTS, args={"objects": objects}),
            Command(Name.DISALLOW_HOST_PORTS, args={"delete": [_path(o) for o in objects]}),
        )


def _path(item: Object) -> Object:
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "name": item["metadata"]["name"]}


def _kube_proxy(snapshot: Snapshot, settings: Settings) -> Iterator[Pin]:
    """Give the change of kube-proxy's file; a command line is its owner's to change, so there is no step for it."""
    daemon = daemon_set(snapshot)
    for proxy in kube_proxies(snapshot):
        if not proxy.key or daemon is None or gap(proxy, snapshot, settings) is None:
            continue
        namespace, name = proxy.source.split("/")[1:]
        content = (snapshot.config_map(namespace, name) or {})[proxy.key]
        new = edited(content, wanted_cidr(proxy, snapshot, settings), proxy.local)
        rollout = [f"DaemonSet/{daemon.label}"]
        patches = [
            _patch("configmaps", name, "merge", {"data": {proxy.key: text_}}, namespace)
            for text_ in (new, content)
        ]
        yield Pin(
            Command(Name.PATCH_KUBE_PROXY, args={"patches": patches[:1], "rollout": rollout}),
            Command(Name.RESTORE_KUBE_PROXY, args={"patches": patches[1:], "rollout": rollout}),
        )
