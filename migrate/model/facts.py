"""What a read-only collector saw on one node: rules marked *N* need it (``preflight.md`` §1).

One JSON object a node, made by the role, the raw variant or the node pod; a part that is absent was not looked at.

| part | content |
|---|---|
| ``via`` | what reached the node: ``ssh`` or ``pod``; ``module``: the role with its modules ran, false: the raw variant |
| ``python`` | ``{version: "3.11.2", json: true}``; null where there is none |
| ``root`` | ``{ok: bool, why: text}``; ``why`` is the tool's own text, classified: ``Permission denied``, ``sudo: not found``, … |
| ``host_key`` | ``known``, ``unknown``, ``changed``; a node that refused the login for it has this part alone |
| ``systemd`` | version, a number, 0 where systemd does not run |
| ``rp_filter`` | interface → 0, 1, 2, live, ``default`` and ``all`` too |
| ``rp_filter_files`` | ``[{file, interface, value}]``: lines ``net.ipv4.conf.INTERFACE.rp_filter`` of sysctl.d, as systemd applies them, last wins |
| ``networkd`` | ``{active, manage_foreign_routes, manage_foreign_rules}``: the merged configuration, true where it says nothing |
| ``network_manager`` | ``{active, unmanaged: ["interface-name:cali*", …]}``: ``unmanaged-devices`` of the merged configuration, split at ``;`` and ``,`` |
| ``firewalls`` | ``[{name, mode, open}]`` of active ones: firewalld, ufw, nftables (a ruleset loaded at boot), selinux, apparmor; ``mode``: enforcing or permissive; ``open``: what it lets in from the other nodes, ``["udp/8473", "tcp/9962-9965", "icmp"]``, null where that cannot be told |
| ``kernel`` | ``{version, bpf, btf, bpffs, cgroup2}``: CONFIG_BPF_SYSCALL and CONFIG_NET_CLS_BPF, BTF in /sys/kernel/btf, bpffs mounted or mountable, a cgroup v2 hierarchy |
| ``links`` | ``ip -d -j link``; ``addresses``: ``ip -j addr``; ``rules``: ``ip -j -N rule`` of both families, each with ``family`` 4 or 6 |
| ``routes`` | ``ip -j -N -d route show table all`` of both families, each with ``family`` 4 or 6: ``protocol``, ``type`` and ``table`` are texts of numbers |
| ``udp`` | ``[{port, process}]`` listeners; ``process`` empty where the kernel itself listens (tunnels) |
| ``tables`` | ``[{backend: legacy or nft, family: 4 or 6, table, calico, kube_proxy, unreadable, save_s, changes_per_s}]``: rules of each, the tool's text where it failed, seconds of one save, generations per second between two |
| ``nft`` | ``[{family: ip, ip6, inet, arp or bridge, name}]`` of ``nft -j list tables``; null where nft is not installed |
| ``foreign_jumps`` | ``[{backend, family, table, rule, chain, owner}]`` into Calico's chains; ``owner`` empty where the rule tells none |
| ``forward_policy`` | ``{"4": ACCEPT or DROP, "6": …}`` of chain FORWARD in filter, DROP if either backend says so |
| ``bpf`` | ``{pins: ["/sys/fs/bpf/tc/globals/cali_v4_ct3", …], programs: [{name, attach, owner}]}``; ``attach``: ``tc:eth0:ingress``, ``tcx:eth0:egress``, ``xdp:eth0``, ``cgroup:connect4``; ``owner``: the process that holds it, empty where unknown |
| ``cni`` | ``{files: [{name, plugins: ["calico", …], content}], conf_dir, bin_dirs: [..]}``: ``.conf``, ``.conflist``, ``.json`` of the runtime's directory, sorted as the runtime does |
| ``disk_free`` | bytes of the image filesystem; ``disk_size`` |
| ``clock_offset_s`` | the node's clock minus the controller's, seconds |
| ``conntrack_old`` | count of entries older than ``conntrack_age_s``; ``conntrack_external``: ``[{client, address}]`` of connections from outside the cluster straight to an address of a pod |
| ``sandboxes`` | ``[{id, pod, address}]`` of the container runtime |
| ``lock`` | ``{held, pid, run}`` of ``/run/lock/c2c.lock`` |
| ``reboot`` | how it can be rebooted: ``play``, ``cloud``, ``kured``; null: no way is known |
| ``empty_dirs`` | ``namespace/pod`` → bytes |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.fields import at

__all__ = ["NodeFacts"]


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """The facts of one node; ``at`` gives None where a part was not looked at."""

    node: str
    data: Mapping[str, Any]

    def has(self, *parts: str) -> bool:
        """Say whether all these parts were looked at."""
        return all(part in self.data for part in parts)

    def at(self, *path: str) -> Any:  # noqa: ANN401  # whatever JSON holds there
        """Give what lies at a path of keys."""
        return at(self.data, *path)
