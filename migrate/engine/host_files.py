"""What a host's own daemons would do to Cilium's devices, and the files that stop them (``procedure.md`` §5.5).

Each file has one purpose, a name of ours, and a header that names the run; ``{run}`` in its content is filled when it is
written. Sources: systemd ``networkd.conf(5)``, ``sysctl.d(5)``; NetworkManager ``NetworkManager.conf(5)``; Cilium
``tools/sysctlfix`` (the same sysctl lines) and ``pkg/datapath/linux/linux_defaults`` (device names).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from migrate.model.facts import NodeFacts
from migrate.model.fields import items, maps, number, text

__all__ = ["DEVICES", "HostFile", "drop_ins", "foreign_flags", "managed_devices", "reverse_path"]

DEVICES = ("cilium_host", "cilium_net", "cilium_vxlan", "lxc0123456789a")
"""One device of each name that Cilium makes; the last one stands for every pod's."""

HEADER = "# Written by calico-to-cilium, run {run}; its undo removes this file.\n"
GLOBS = ("lxc*", "cilium_*")
SYSTEMD_APPLIES_GLOBS = 245
"""From this version on systemd ships ``net.ipv4.conf.*.rp_filter`` and applies it to each new interface."""

NETWORKD = ("manage_foreign_routes", "manage_foreign_rules")
_OPTIONS = {
    "manage_foreign_routes": "ManageForeignRoutes",
    "manage_foreign_rules": "ManageForeignRoutingPolicyRules",
}


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file to write and the commands that make it count; ``undo`` follows its removal. Commands are argument lists."""

    path: str
    content: str
    apply: tuple[tuple[str, ...], ...] = ()
    undo: tuple[tuple[str, ...], ...] = ()
    needs: str = ""
    mode: str = "0644"
    evidence: Mapping[str, object] = field(default_factory=dict)


def foreign_flags(facts: NodeFacts) -> tuple[str, ...]:
    """Give the options by which an active systemd-networkd would take away routes or rules that are not its own."""
    if facts.at("networkd", "active") is not True:
        return ()
    return tuple(_OPTIONS[key] for key in NETWORKD if facts.at("networkd", key) is not False)


def managed_devices(facts: NodeFacts) -> tuple[str, ...]:
    """Give those of ``DEVICES`` that an active NetworkManager would manage."""
    if facts.at("network_manager", "active") is not True:
        return ()
    specs = [str(s).strip() for s in items(facts.data, "network_manager", "unmanaged")]
    return tuple(d for d in DEVICES if not _is_unmanaged(d, specs))


def _is_unmanaged(device: str, specs: Iterable[str]) -> bool:
    """Match a device against ``unmanaged-devices``: names and globs count, an ``except:`` outranks them."""
    chosen = False
    for spec in specs:
        excepted, bare = spec.startswith("except:"), spec.removeprefix("except:")
        pattern = bare.removeprefix("interface-name:").removeprefix("=")
        named = bare == "*" or bare.startswith("interface-name:") or ":" not in bare
        if named and fnmatchcase(device, pattern):
            if excepted:
                return False
            chosen = True
    return chosen


def reverse_path(facts: NodeFacts) -> int:
    """Give the reverse path filter that a new device of Cilium would be under: 0 off, 1 strict, 2 loose.

    The kernel takes the greater of ``all`` and the device's own; the device begins with ``default``, then systemd
    applies the last line of its files that matches the name. A systemd too old to do so leaves the device to Cilium.
    """
    if number(facts.data, "systemd") < SYSTEMD_APPLIES_GLOBS:
        return 0
    return max(max(_own_filter(facts, d), number(facts.data, "rp_filter", "all")) for d in DEVICES)


def _own_filter(facts: NodeFacts, device: str) -> int:
    value = number(facts.data, "rp_filter", "default")
    for line in maps(facts.data, "rp_filter_files"):
        if fnmatchcase(device, text(line, "interface")):
            value = number(line, "value")
    return value


def drop_ins(facts: NodeFacts) -> Iterator[HostFile]:
    """Give the files that a node needs, none where its daemons leave Cilium alone already.

    networkd is not restarted by the undo: one that starts without the file takes Calico's routes away as well.
    """
    if missing := foreign_flags(facts):
        options = "".join(f"{option}=no\n" for option in missing)
        restart = (("systemctl", "restart", "systemd-networkd.service"),)
        path = "/etc/systemd/networkd.conf.d/90-c2c-cilium.conf"
        yield HostFile(path, f"{HEADER}[Network]\n{options}", restart, needs="PRE-084")
    if managed_devices(facts):
        reload = (("nmcli", "general", "reload", "conf"),)
        path = "/etc/NetworkManager/conf.d/zz-c2c-cilium.conf"
        names = "interface-name:cilium*;interface-name:lxc*"
        yield HostFile(path, f"{HEADER}[keyfile]\nunmanaged-devices+={names}\n", reload, reload, "PRE-085")
    if reverse_path(facts):
        yield _sysctls(facts)


def _sysctls(facts: NodeFacts) -> HostFile:
    """Give the file of sysctls; ``all`` is set only where it is on, and set back by the undo, as no file remembers it."""
    every = number(facts.data, "rp_filter", "all")
    lines = "".join(f"-net.ipv4.conf.{glob}.rp_filter = 0\n" for glob in GLOBS)
    key = "net.ipv4.conf.all.rp_filter"
    return HostFile(
        path="/etc/sysctl.d/99-zzz-c2c-cilium.conf",
        content=HEADER + lines + (f"{key} = 0\n" if every else ""),
        apply=(("sysctl", "-w", f"{key}=0"),) if every else (),
        undo=(("sysctl", "-w", f"{key}={every}"),) if every else (),
        needs="PRE-083",
        evidence={"all": every, "default": number(facts.data, "rp_filter", "default")},
    )
