"""Named differences as regions: what the translation says of itself, to be settled by the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from translators.algebra.space import Space
from translators.flows import Direction

__all__ = ["Claims"]


@dataclass(frozen=True, slots=True)
class Claims:
    """Regions in the compiler's space; ``assumed`` ones are empty while the objects of a condition stay."""

    space: Space | None = None
    differing: Mapping[Direction, Sequence[int]] = field(default_factory=dict)
    assumed: Mapping[Direction, Sequence[int]] = field(default_factory=dict)
