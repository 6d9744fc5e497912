"""PRE-090: other programs on the way of packets, and others that mark them (F-07, F-39).

Programs of tc, tcx and XDP on any device that is no pod's, and cgroup programs that act on connecting sockets; what
systemd attaches to cgroups (devices, accounting) does not meet Cilium. Mark users are known by their routing rules:
Tailscale, VPNs, egress agents. Calico's and Cilium's own are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.facts import NodeFacts
from migrate.model.fields import maps, number, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

OURS = ("cali", "xdp_cali", "cil_", "cilium")
POD_DEVICES = ("cali", "lxc", "veth")
ON_DEVICES = frozenset({"tc", "tcx", "xdp", "netkit"})
SOCKETS = ("connect", "sendmsg", "recvmsg", "bind", "post_bind", "getpeername", "getsockname", "sock_ops")
CILIUM_RULES = frozenset({9, 10, 100, 111})
CALICO_RULE = 99


def check(case: Case) -> Iterator[Hit]:
    """Name every such program and every routing rule that looks at marks, node by node."""
    for facts in case.facts("bpf", "rules"):
        for name, where, owner in _programs(facts):
            fills = {"n": facts.node, "prog": f"{name} ({where})", "owner": owner or "an unknown process"}
            yield Hit(
                f"node/{facts.node}", fills, {"program": name, "attach": where, "owner": owner}, facts.node
            )
        for rule in maps(facts.data, "rules"):
            if _is_foreign(rule):
                mark = f"{text(rule, 'fwmark')}/{text(rule, 'fwmask', default='0xffffffff')}"
                message = "{n}: rule {pref} routes by mark {mark}: somebody marks packets"
                fills = {"n": facts.node, "pref": text(rule, "priority"), "mark": mark}
                yield Hit(f"node/{facts.node}", fills, {"rule": dict(rule)}, facts.node, message=message)


def _programs(facts: NodeFacts) -> Iterator[tuple[str, str, str]]:
    for program in maps(facts.data, "bpf", "programs"):
        name, where, owner = (text(program, key) for key in ("name", "attach", "owner"))
        kind, _, rest = where.partition(":")
        device = rest.partition(":")[0]
        on_device = kind in ON_DEVICES and not device.startswith(POD_DEVICES)
        on_socket = kind == "cgroup" and rest.startswith(SOCKETS)
        own = name.startswith(OURS) or owner in {"cilium-agent", "calico-node"}
        if (on_device or on_socket) and not own:
            yield name, where, owner


def _is_foreign(rule: object) -> bool:
    preference = number(rule, "priority")
    return bool(text(rule, "fwmark")) and preference not in CILIUM_RULES and preference != CALICO_RULE


RULE = Rule(
    number=90,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Foreign BPF programs or marks",
    message="{n}: {prog} attached by {owner}",
    remedy="check on the canary that both work side by side; tell its owner of the change",
    check=check,
    failures=(7, 39),
    facts=("bpf", "rules"),
)
