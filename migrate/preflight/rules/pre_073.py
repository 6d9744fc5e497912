"""PRE-073: Cilium must not masquerade what goes to pods that are still Calico's, and nothing more must be left out.

Masquerading leaves out the one network of ``ipv4NativeRoutingCIDR`` (else the node's own pod range) and, where the
ip-masq-agent works, its list. The agent works with ``bpf.masquerade`` alone, which needs kube-proxy's replacement up to
1.18 (cilium ``daemon/cmd/daemon.go``). A network wide enough to hold nodes or external ranges is named as well: pods
would then reach them under their own addresses, and answers would not come back; ``0.0.0.0/0`` keeps an agent with the
nft backend from starting (``pkg/datapath/iptables``). Judged is the rendered chart, or the meant values without one.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.addresses import Network, contains, networks
from migrate.model.draft import Stage
from migrate.model.fields import at, items
from migrate.model.findings import Severity
from migrate.model.ranges import node_addresses
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_network import old_ranges, pools
from migrate.preflight.views_values import Effective, effective

__all__ = ["RULE"]

AGENT_DEFAULTS = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
)  # fmt: skip
"""What the ip-masq-agent leaves out where no list is given (cilium ``pkg/ipmasq``)."""


def check(case: Case) -> Iterator[Hit]:
    """Name every pool that is not left out of masquerading, then what is left out beside pools."""
    config = effective(case, Stage.MIGRATION)
    for family in case.draft.variant.families:
        if not config.on(f"enable-ipv{family}-masquerade"):
            continue
        native = networks([config.get(f"ipv{family}-native-routing-cidr")])
        left_out = [*native, *networks(_agent_list(case, config))]
        for pool in pools(case):
            net = pool.network
            if net is not None and net.version == family and not any(contains(n, net) for n in left_out):
                yield Hit(
                    pool.path, {"pool": pool.cidr}, {"pool": pool.cidr, "leftOut": [str(n) for n in left_out]}
                )
        for net in native:
            yield from _too_wide(case, net)


def _agent_list(case: Case, config: Effective) -> list[str]:
    """Give what the ip-masq-agent leaves out; nothing where it does not work."""
    needs_replacement = case.draft.settings.cilium.minor < (1, 19) and not config.on("kube-proxy-replacement")
    if needs_replacement or not (config.on("enable-ip-masq-agent") and config.on("enable-bpf-masquerade")):
        return []
    values = case.draft.values.get(Stage.MIGRATION, {})
    if at(values, "ipMasqAgent", "config", "nonMasqueradeCIDRs") is None:
        return list(AGENT_DEFAULTS)
    return [str(c) for c in items(values, "ipMasqAgent", "config", "nonMasqueradeCIDRs")]


def _too_wide(case: Case, native: Network) -> Iterator[Hit]:
    """Name whom a native range holds beside pods."""
    ranges = old_ranges(case)
    nodes = {str(a): f"node {name}" for name, a in node_addresses(case.snapshot)}
    external = {c: f"external range {c}" for c in case.draft.settings.external_cidrs or ()}
    strangers = [
        name
        for text, name in {**nodes, **external}.items()
        for net in networks([text])
        if net.version == native.version
        and net.overlaps(native)
        and not any(contains(r, net) for r in ranges)
    ]
    if native.prefixlen == 0:
        strangers.append("everything")
    if strangers:
        message = "Cilium will not SNAT traffic to {who}: {cidr} is left out of masquerading"
        who = ", ".join(strangers[:3]) + (f" and {len(strangers) - 3} more" if len(strangers) > 3 else "")
        key = f"config/ipv{native.version}-native-routing-cidr"
        yield Hit(key, {"who": who, "cidr": native}, {"strangers": strangers}, message=message)


RULE = Rule(
    number=73,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="Cilium masquerades towards Calico",
    message="Cilium will SNAT traffic to Calico pods ({pool})",
    remedy="let ipv4NativeRoutingCIDR (ipv6NativeRoutingCIDR) hold all pools and nothing else; of pools too far apart list them for ipMasqAgent with bpf.masquerade (Cilium 1.19 and later)",
    check=check,
    failures=(5,),
    calico=("ippools",),
)
