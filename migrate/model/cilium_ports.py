"""The ports that Cilium's nodes use among themselves (``procedure.md`` §5.3): one table for rules, allowances, gates."""

from __future__ import annotations

from dataclasses import dataclass

from migrate.model.settings import Settings

__all__ = ["ICMP", "TCP", "UDP", "Port", "node_ports"]

ICMP, TCP, UDP = "ICMP", "TCP", "UDP"


@dataclass(frozen=True, slots=True)
class Port:
    """A port, or a closed range of them; of ICMP the echo request, without ports."""

    protocol: str
    first: int = 0
    last: int = 0
    use: str = ""

    def __str__(self) -> str:
        """Give ``UDP 8473``, ``TCP 9962-9965`` or ``ICMP``."""
        if self.protocol == ICMP:
            return ICMP
        numbers = f"{self.first}" if self.last == self.first else f"{self.first}-{self.last}"
        return f"{self.protocol} {numbers}"

    @property
    def numbers(self) -> range:
        """Give every port number; of ICMP the single 0."""
        return range(self.first, self.last + 1)


def node_ports(settings: Settings) -> tuple[Port, ...]:
    """Give what must be open between all nodes, the tunnel first."""
    tunnel = settings.cilium.tunnel_port
    return (
        Port(UDP, tunnel, tunnel, "tunnel"),
        Port(TCP, 4240, 4240, "health"),
        Port(TCP, 4244, 4244, "Hubble"),
        Port(TCP, 4245, 4245, "Hubble relay"),
        Port(TCP, 9234, 9234, "operator health"),
        Port(TCP, 9962, 9965, "metrics"),
        Port(ICMP, use="health"),
    )
