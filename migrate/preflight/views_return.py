"""What still lives on Calico: pods and addresses of its pools, disabled ones included, the cover pool left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address

from migrate.model.pods import Pod
from migrate.model.snapshot import Snapshot
from migrate.preflight.views import calico_pools, networks

__all__ = ["in_pools", "on_calico"]


def in_pools(snapshot: Snapshot) -> Callable[[str], bool]:
    """Give the question whether an address lies in one of Calico's pools; what is no address does not."""
    pools = networks(cidr for _, cidr in calico_pools(snapshot))

    def holds(text: str) -> bool:
        try:
            found = ip_address(text)
        except ValueError:
            return False
        return any(found.version == net.version and found in net for net in pools)

    return holds


def on_calico(snapshot: Snapshot) -> Iterator[Pod]:
    """Give the pods with an address of Calico's."""
    holds = in_pools(snapshot)
    return (
        pod
        for pod in snapshot.pods
        if not pod.host_network and not pod.finished and any(holds(a) for a in pod.addresses)
    )
