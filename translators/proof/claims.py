"""Named differences as regions: what the translation says of itself, to be settled by the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from translators.algebra.space import Space
from translators.flows import Direction

__all__ = ["Claims"]


@dataclass(frozen=True, slots=True)
class Claims:
    """Regions in the compiler's space; ``assumed`` ones are empty while the objects of a condition stay.

    ``nowhere``: points that cannot be, of addresses that belong to pods or nodes alone.
    ``shut`` names Allow items, as a trace does, that are exact for the labels of pods that exist and may deny others:
    their coverage (P4) is left to the matrices, everything else about them is proved.
    """

    space: Space | None = None
    differing: Mapping[Direction, Sequence[int]] = field(default_factory=dict)
    assumed: Mapping[Direction, Sequence[int]] = field(default_factory=dict)
    nowhere: Mapping[Direction, Sequence[int]] = field(default_factory=dict)
    shut: Mapping[Direction, frozenset[str]] = field(default_factory=dict)
