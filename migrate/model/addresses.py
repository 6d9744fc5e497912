"""Reading addresses and networks out of whatever objects hold them: tolerant of host bits and of rubbish.

What is no network is left out; nothing here knows which object a text came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)

__all__ = ["Address", "Network", "address", "contains", "covering", "mentioned", "network", "networks"]

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_TOKEN = re.compile(
    r"(?<![\w.:-])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?:/\d{1,3})?"
)


@cache
def network(text: str) -> Network | None:
    """Read one network or address (a network of one), host bits allowed; None if it is neither."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def networks(texts: Iterable[str]) -> list[Network]:
    """Read networks, host bits allowed; what is none is left out."""
    return [found for item in texts if (found := network(item)) is not None]


def address(text: str) -> Address | None:
    """Read an address, also one written with a length (``10.0.0.11/24``) or in brackets; None if it is none."""
    bare = text.strip().removeprefix("[").removesuffix("]")
    try:
        return ip_interface(bare).ip if "/" in bare else ip_address(bare)
    except ValueError:
        return None


def contains(outer: Network, inner: Network) -> bool:
    """Say whether every address of ``inner`` lies in ``outer``; never across families."""
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # one family


def covering(members: Iterable[Network]) -> Network | None:
    """Give the smallest network that holds all of these, which are of one family; None for none."""
    found: Network | None = None
    for member in members:
        found = member if found is None else found
        while not contains(found, member):
            found = found.supernet()
    return found


def mentioned(text: str) -> Iterator[tuple[str, Network]]:
    """Give every address and network that a free text mentions, as (what is written, what it means)."""
    for match in _TOKEN.finditer(text):
        if (found := network(match[0])) is not None:
            yield match[0], found
