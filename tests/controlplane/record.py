"""The state record of one simulated node, and the folder that stands for its host.

The record says what a kubelet, a runtime and the two CNIs would know: sandboxes, addresses, what runs, what leaked. It
is written to ``sim/record.json`` in the node's folder after every change, where the commands that are run in a pod of
the node read it. Nothing here speaks to the API.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.controlplane import cni, commands
from tests.controlplane.cni import Plugin

BLOCK_PREFIX = 26
BOOT_ID = "proc/sys/kernel/random/boot_id"
REBOOT_REQUEST = "sim/reboot"


@dataclass(slots=True)
class Sandbox:
    """One pod's sandbox; ``serial`` counts those that the pod has had, ``restarts`` the containers in this one."""

    uid: str
    namespace: str
    name: str
    plugin: Plugin
    address: str
    serial: int = 1
    restarts: int = 0

    @property
    def handle(self) -> str:
        """Give the IPAM handle that Calico's plugin makes for it."""
        return f"k8s-pod-network.{self.container}"

    @property
    def container(self) -> str:
        return f"{self.uid.replace('-', '')}{self.serial:04d}"


@dataclass(slots=True)
class Running:
    """A cilium-agent that was started: which pod, which sandbox, with which configuration."""

    uid: str
    serial: int
    config: dict[str, str]
    is_ready: bool = False
    failing: str = ""
    """The controller that fails, if one does."""


@dataclass(frozen=True, slots=True)
class Leak:
    """What a DEL by the wrong plugin leaves: the veth and, of Calico, the handle of the address."""

    veth: str
    handle: str
    address: str


@dataclass(slots=True)
class NodeRecord:
    """One node: its host folder, what runs on it, and who holds which address."""

    name: str
    address: str
    root: Path
    boot_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)
    agent: Running | None = None
    calico_uid: str = ""
    serials: dict[str, int] = field(default_factory=dict)
    released: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for part in ("etc/cni/net.d", "opt/cni/bin", "var/lib/calico", "tmp/cilium", "sim"):
            (self.root / part).mkdir(parents=True, exist_ok=True)
        cni.write(self.root / BOOT_ID, self.boot_id + "\n")
        self.save()

    @property
    def conf_folder(self) -> Path:
        return self.root / cni.FOLDER

    def save(self) -> None:
        """Write the record where commands in the node's pods read it."""
        known = {
            "node": self.name,
            "address": self.address,
            "bootID": self.boot_id,
            "agent": asdict(self.agent) if self.agent else None,
            "sandboxes": [asdict(sandbox) for sandbox in self.sandboxes.values()],
            "leaks": [asdict(leak) for leak in self.leaks],
            "blocks": self.blocks,
        }
        cni.write(self.root / "sim" / "record.json", json.dumps(known, indent=1))
        commands.keep_answers(self.root / "sim", known)

    def write_running_config(self, config: dict[str, str]) -> None:
        """Write what an agent's init container leaves: one file a key, the configuration that runs."""
        folder = self.root / "tmp/cilium/config-map"
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for key, value in config.items():
            (folder / key).write_text(value, encoding="utf-8")

    def new_boot(self) -> None:
        """Take a new boot id: the kernel's veths are gone, the files stay."""
        self.boot_id = str(uuid.uuid4())
        cni.write(self.root / BOOT_ID, self.boot_id + "\n")
        self.leaks = [Leak("", leak.handle, leak.address) for leak in self.leaks if leak.handle]

    def sandbox(self, uid: str, namespace: str, name: str, plugin: Plugin, address: str) -> Sandbox:
        """Give the next sandbox of a pod; it counts once ``hold`` has it."""
        return Sandbox(uid, namespace, name, plugin, address, self.serials.get(uid, 0) + 1)

    def hold(self, sandbox: Sandbox) -> Sandbox:
        """Enter a sandbox that was made."""
        self.sandboxes[sandbox.uid] = sandbox
        self.serials[sandbox.uid] = sandbox.serial
        return sandbox

    def used(self) -> set[str]:
        """Give the addresses that may not be given again: live ones, and those whose handle leaked."""
        live = {sandbox.address for sandbox in self.sandboxes.values()}
        return live | {leak.address for leak in self.leaks if leak.handle}

    def tear_down(self, sandbox: Sandbox, caller: Plugin | None) -> Leak | None:
        """Run CNI DEL by the plugin that is first now; what the wrong one leaves is given back, and kept here."""
        self.sandboxes.pop(sandbox.uid, None)
        self.released.append(sandbox.address)
        if sandbox.plugin in {Plugin.HOST, caller}:
            return None
        prefix = "cali" if sandbox.plugin is Plugin.CALICO else "lxc"
        veth = prefix + secrets.token_hex(5)[: 11 if prefix == "cali" else 12]
        leak = Leak(veth, sandbox.handle if sandbox.plugin is Plugin.CALICO else "", sandbox.address)
        self.leaks.append(leak)
        return leak


def free_address(
    ranges: Sequence[str], record: NodeRecord, skip: int = 0, kept: Sequence[str] = ()
) -> str | None:
    """Give the lowest address that was never given; where there is none left, the one that was released first.

    The first ``skip`` addresses of each range and those of ``kept`` are never given.
    """
    barred = record.used() | set(kept)
    worn = [address for address in record.released if address not in barred and _lies_in(address, ranges)]
    for text in ranges:
        network = ipaddress.ip_network(text)
        for number in range(skip, network.num_addresses - (1 if skip else 0)):
            address = str(network[number])
            if address not in barred and address not in record.released:
                return address
    return worn[0] if worn else None


def _lies_in(address: str, ranges: Iterable[str]) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(text) for text in ranges)


def free_block(pools: Sequence[str], taken: set[str]) -> str | None:
    """Give the first /26 of the pools that no node holds."""
    for pool in pools:
        network = ipaddress.ip_network(pool)
        for block in network.subnets(new_prefix=max(BLOCK_PREFIX, network.prefixlen)):
            if str(block) not in taken:
                return str(block)
    return None
