"""What a read-only collector saw on one node: rules marked *N* need it (``preflight.md`` §1).

One JSON object a node, made by the role, the raw variant or the node pod; a part that is absent was not looked at.

| part | content |
|---|---|
| ``python`` | ``{version: "3.11.2", json: true}``; null where there is none |
| ``root`` | ``{ok: bool, why: text}``; ``host_key``: known, unknown, changed |
| ``systemd`` | version, a number; ``rp_filter``: interface → 0, 1, 2 (``default`` and ``all`` too), ``rp_filter_files`` |
| ``networkd`` | ``{active, manage_foreign_routes, manage_foreign_rules}``; ``network_manager``: ``{active, unmanaged: [..]}`` |
| ``firewalls`` | names of active ones: firewalld, ufw, selinux, apparmor |
| ``kernel`` | ``{version, bpf, btf, bpffs, cgroup2}`` |
| ``links`` | ``ip -d -j link``; ``routes``: ``ip -j -N -d route show table all``; ``rules``; ``addresses``: ``ip -j addr`` |
| ``udp`` | ``[{port, process}]`` listeners |
| ``tables`` | ``[{backend: legacy or nft, family: 4 or 6, table, calico, kube_proxy, unreadable, save_s, changes_per_s}]`` |
| ``foreign_jumps`` | ``[{rule, chain, table}]`` into Calico's chains |
| ``forward_policy`` | ``{"4": ACCEPT or DROP, "6": …}`` |
| ``bpf`` | ``{pins: [..], programs: [{name, attach, owner}]}`` |
| ``cni`` | ``{files: [{name, plugins: [..], content}], conf_dir, bin_dir}``, files sorted as the runtime does |
| ``disk_free`` | bytes of the image filesystem; ``clock_offset_s``; ``conntrack_old``: count older than ``conntrack_age_s`` |
| ``sandboxes`` | ``[{id, pod, address}]`` of the container runtime |
| ``lock`` | ``{held, pid, run}`` of ``/run/lock/c2c.lock``; ``reboot``: how, or null |
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
