"""PRE-087: kernel and mounts must carry the target Cilium.

Versions: 5.4 for Cilium 1.16 and 1.17, 5.10 from 1.18 on; of Red Hat's kernels 4.18 of release 8.10 (build 553), for
1.16 that of 8.6 (build 372) (cilium ``Documentation/operations/system_requirements.rst``). The version is read from the
collector, else from the Node itself; options and mounts from the collector alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

MODERN, LATER = (5, 10), (5, 4)
RED_HAT = {"old": 372, "new": 553}
PARTS = {
    "bpf": "CONFIG_BPF_SYSCALL or CONFIG_NET_CLS_BPF",
    "btf": "BTF (CONFIG_DEBUG_INFO_BTF)",
    "bpffs": "a mountable bpffs",
    "cgroup2": "cgroup v2",
}
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.\d+)?(?:-(\d+))?")


def check(case: Case) -> Iterator[Hit]:
    """Name each node with an old kernel, and each part that it lacks."""
    for node in case.snapshot.nodes:
        facts = case.snapshot.facts.get(node.name)
        seen = facts.at("kernel") if facts is not None else None
        version = str((seen or {}).get("version") or node.info.get("kernelVersion", ""))
        if version and not suffices(version, case.draft.settings.cilium.minor):
            fills = {
                "n": node.name,
                "what": f"kernel {version}, Cilium {case.draft.settings.cilium.version} needs more",
            }
            yield Hit(f"node/{node.name}", fills, {"kernel": version}, node.name)
        for part, name in PARTS.items():
            if seen is not None and seen.get(part) is False:
                yield Hit(
                    f"node/{node.name}", {"n": node.name, "what": name}, {"kernel": dict(seen)}, node.name
                )


def suffices(version: str, minor: tuple[int, int]) -> bool:
    """Say whether a kernel carries a Cilium minor; a version that cannot be read does not."""
    match = _VERSION.match(version)
    if match is None:
        return False
    found = (int(match[1]), int(match[2]))
    if found >= (MODERN if minor >= (1, 18) else LATER):
        return True
    needed = RED_HAT["old" if minor < (1, 17) else "new"]
    return found == (4, 18) and ".el8" in version and int(match[3] or 0) >= needed


RULE = Rule(
    number=87,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="Kernel below Cilium's need",
    message="{n}: {what} missing",
    remedy="upgrade the node (kernel, mounts) before the migration, or choose an older Cilium that it carries",
    check=check,
    reads=("nodes",),
    facts=("kernel",),
)
