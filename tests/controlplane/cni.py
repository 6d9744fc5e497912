"""What a runtime, calico-node and cilium-agent do with a node's CNI folder; files in, decisions out, no API.

Sources: containerd/go-cni ``opts.go`` ``WithDefaultConf`` (the file that sorts first counts, of ``.conf``,
``.conflist`` and ``.json``); cilium/cilium ``daemon/cmd/cni/config.go`` (which files are written and renamed, and that
the folder is watched only where ``cni-exclusive`` is true) and ``pkg/option/resolver`` (how the ConfigMap and the
CiliumNodeConfigs of a node are merged); projectcalico/calico ``cni-plugin/pkg/install`` (10-calico.conflist).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.controlplane.client import Object

SUFFIXES = {".conf", ".conflist", ".json"}
BACKUP = ".cilium_bak"
POD_SIDE = "/host/etc/cni/net.d"
WRITE_KEY, EXCLUSIVE_KEY, CHAINING_KEY = "write-cni-conf-when-ready", "cni-exclusive", "cni-chaining-mode"
FOLDER = "etc/cni/net.d"


class Plugin(StrEnum):
    """Who sets a sandbox up: the first plugin of the conf file that sorts first."""

    CALICO = "calico"
    CILIUM = "cilium-cni"
    OTHER = "other"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Conf:
    """One conf file as the runtime loads it."""

    name: str
    plugin: Plugin
    ipam: str


class SameKeyTwiceError(Exception):
    """Two CiliumNodeConfigs of one node give a key different values: no plan may ever lead to that."""


def first_conf(folder: Path) -> Conf | None:
    """Give the conf that the runtime uses now; None where there is none, or where the first file cannot be read."""
    names = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES) if folder.is_dir() else []
    if not names:
        return None
    try:
        content = json.loads(names[0].read_text(encoding="utf-8"))
        first = (content.get("plugins") or [content])[0]
    except (OSError, ValueError, AttributeError, IndexError):
        return None
    kind = first.get("type", "")
    plugin = Plugin(kind) if kind in {Plugin.CALICO, Plugin.CILIUM} else Plugin.OTHER
    return Conf(names[0].name, plugin, (first.get("ipam") or {}).get("type", ""))


def calico_conf(ipam: str = "calico-ipam") -> str:
    """Give the content that calico-node's install-cni writes."""
    addresses = {"type": ipam} | ({"subnet": "usePodCidr"} if ipam == "host-local" else {})
    plugin = {
        "type": "calico",
        "log_level": "info",
        "datastore_type": "kubernetes",
        "mtu": 0,
        "ipam": addresses,
        "policy": {"type": "k8s"},
        "kubernetes": {"kubeconfig": "/etc/cni/net.d/calico-kubeconfig"},
    }
    chain = [plugin, {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}}]
    return json.dumps({"name": "k8s-pod-network", "cniVersion": "0.3.1", "plugins": chain}, indent=2)


def cilium_conf(config: Mapping[str, str]) -> str:
    """Give the content that an agent with this configuration writes, for the chaining modes none and portmap."""
    own = {"type": "cilium-cni", "enable-debug": False, "log-file": config.get("cni-log-file", "")}
    chain: list[Object] = [dict(own)]
    mode = config.get(CHAINING_KEY, "none")
    if mode == "portmap":
        chain.append({"type": "portmap", "capabilities": {"portMappings": True}})
    name = "portmap" if mode == "portmap" else "cilium"
    return json.dumps({"cniVersion": "1.0.0", "name": name, "plugins": chain}, indent=2)


def hand_back(folder: Path, name: str) -> None:
    """Let Calico's conf file be the only one, as a distribution does that keeps what it once wrote."""
    backup, own = folder / f"{name}{BACKUP}", folder / name
    if backup.exists():
        backup.replace(own)
    elif not own.exists():
        write(own, calico_conf())
    for path in folder.iterdir():
        if path.suffix in SUFFIXES and path != own:
            path.unlink()


def effective_config(
    base: Mapping[str, str], node_configs: Iterable[Object], labels: Mapping[str, str]
) -> dict[str, str]:
    """Merge ``cilium-config`` with the CiliumNodeConfigs that match the labels, by name, as an agent's init does.

    A CiliumNodeConfig without a selector matches no node. Raises ``SameKeyTwiceError`` where two of them differ in a
    key; the genuine resolver only warns and takes the later name.
    """
    merged, owners = dict(base), dict[str, tuple[str, str]]()
    for node_config in sorted(node_configs, key=lambda item: str(item["metadata"]["name"])):
        spec, name = node_config["spec"], node_config["metadata"]["name"]
        if "nodeSelector" not in spec or not selects(spec["nodeSelector"], labels):
            continue
        for key, value in (spec.get("defaults") or {}).items():
            other, before = owners.get(key, ("", value))
            if before != value:
                raise SameKeyTwiceError(f"{key} is {before!r} in {other} and {value!r} in {name}")
            owners[key] = (name, value)
            merged[key] = value
    return merged


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Say whether a Kubernetes label selector matches."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(term, labels) for term in selector.get("matchExpressions") or [])


def _meets(term: Object, labels: Mapping[str, str]) -> bool:
    value = labels.get(term["key"])
    match term["operator"]:
        case "In":
            return value in term["values"]
        case "NotIn":
            return value not in term["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case other:
            raise ValueError(f"no such operator: {other}")


def written_name(config: Mapping[str, str]) -> str | None:
    """Give the name of the file that an agent with this configuration writes, or None where it writes none."""
    path = config.get(WRITE_KEY, "")
    return path.rsplit("/", 1)[-1] if path else None


def is_exclusive(config: Mapping[str, str]) -> bool:
    """Say whether the agent renames other files; without the key it does not."""
    return config.get(EXCLUSIVE_KEY, "false") == "true"


def take_over(folder: Path, config: Mapping[str, str]) -> bool:
    """Do what a running agent does with the folder, and say whether it changed anything.

    It writes its file where that differs, and renames every other conf file where it is exclusive.
    """
    name = written_name(config)
    if name is None:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    own, content = folder / name, cilium_conf(config)
    changed = not own.exists() or own.read_text(encoding="utf-8") != content
    if changed:
        write(own, content)
    if is_exclusive(config):
        for path in sorted(folder.iterdir()):
            if path.name != name and path.suffix in SUFFIXES:
                path.rename(path.with_name(path.name + BACKUP))
                changed = True
    return changed


def write(path: Path, content: str) -> None:
    """Write a file so that no reader sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(content, encoding="utf-8")
    scratch.rename(path)
