"""Layer 7: what an opted-in ``http`` match of Calico adds to an allow (option ``http: enforce``, CAL-L513).

Felix ignores ``http``, so the allow on layer 4 stays what was proved; requests that do not match are then refused by
Cilium's proxy. Flows that some rule without ``http`` allows are not limited.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translators.algebra.cubes import Budget, join, sub
from translators.algebra.space import Space, TrafficKind
from translators.ir.items import Output

__all__ = ["Limited", "limited", "split"]

TCP = 6
_CAP = 5_000
Limited = tuple[tuple[str, str], ...]


def split(space: Space, outputs: Sequence[Output]) -> Iterator[tuple[Output, Limited]]:
    """Give outputs with what limits them; where that takes too many cubes to say, nothing is limited.

    A rule that speaks of more than TCP cannot be limited: beside its allow of everything else, layer 7 is void.
    """
    plain = [o for o in outputs if not _http(o)]
    yield from ((output, ()) for output in plain)
    free = join(space.layout, (cube for output in plain for cube in output.cubes))
    others = space.traffic.where(lambda t: isinstance(t, TrafficKind) and t.protocol != TCP)
    for output in (o for o in outputs if _http(o)):
        rest = sub(space.layout, output.cubes, free, _CAP, Budget())
        if rest is None or any(cube & others for cube in output.cubes):
            yield output, ()
        elif rest:
            yield Output(output.source, tuple(join(space.layout, rest))), _http(output)


def _http(output: Output) -> Limited:
    return output.source.rule.http if output.source.rule is not None else ()


def limited(clause: dict[str, object], http: Limited) -> dict[str, object]:
    """Give a clause of ports with its requests; all ports are a range, since layer 7 knows no port 0."""
    wanted = [{key: value for key, value in (("method", m), ("path", p)) if value} for m, p in http]
    ports = clause.get("toPorts")
    assert isinstance(ports, list)  # its traffic is TCP
    entries = [
        {"ports": [_numbered(p) for p in entry["ports"]], "rules": {"http": wanted}} for entry in ports
    ]
    return {**clause, "toPorts": entries}


def _numbered(port: dict[str, object]) -> dict[str, object]:
    if port.get("port") != "0":
        return port
    return {"port": "1", "endPort": 65535, "protocol": port["protocol"]}
