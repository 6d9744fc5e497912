"""Where a label of either engine lives in the space, and the bits of a field that satisfy a predicate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from translators.algebra.cidrs import Cidr
from translators.algebra.space import ABSENT, OTHER, AddressAtom, AtomKind, Field, SideName, Space

__all__ = ["atoms_inside", "bits_of", "bits_where", "kinds", "label_field", "possible", "present"]

_SOMETHING_ELSE = "\0"
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z"
)


def possible(key: str, value: str = "") -> bool:
    """Say whether Kubernetes lets a pod or namespace carry the label; points with others do not exist."""
    return _KEY.match(key) is not None and _VALUE.match(value) is not None


def bits_where(field: Field, holds: Callable[[str | None], bool]) -> int:
    """Give the bits of the values for which ``holds``; None is asked for a missing label.

    *Other* is asked as a value that equals none that is named.
    """
    asked = {ABSENT: None, OTHER: _SOMETHING_ELSE}
    return sum(bit for value, bit in field.bits.items() if holds(asked.get(str(value), str(value))))


def bits_of(field: Field, values: Iterable[str]) -> int:
    """Give the bits of these values; a value that the field does not name is none of its own."""
    found = 0
    for value in values:
        if not value.startswith(_SOMETHING_ELSE):
            found |= field.bits.get(value, 0)
    return found


def present(field: Field) -> int:
    """Give the bits of every value, a missing label left out."""
    return field.mask & ~field.bits.get(ABSENT, 0)


def kinds(space: Space, *wanted: AtomKind) -> int:
    """Give the bits of the peer atoms of these kinds."""
    return space.peer.where(lambda a: isinstance(a, AddressAtom) and a.kind in wanted)


def atoms_inside(field: Field, nets: Iterable[Cidr], *among: AtomKind) -> int:
    """Give the bits of the atoms of these kinds whose addresses lie in one of the networks.

    An atom whose address nobody knows lies only in a network that is a whole family.
    """
    listed = list(nets)
    if not listed:
        return 0

    def holds(atom: object) -> bool:
        if not isinstance(atom, AddressAtom) or atom.kind not in among or not atom.family:
            return False
        same = [net for net in listed if net.family == atom.family]
        if not atom.intervals:
            return any(net.length == 0 for net in same)
        first = atom.intervals[0].first
        return any(net.first <= first <= net.last for net in same)

    return field.where(holds)


def label_field(space: Space, side: SideName, *name: str) -> Field | None:
    """Give a label field, None where nothing in either set names the label."""
    try:
        return space.field(side, *name)
    except KeyError:
        return None
