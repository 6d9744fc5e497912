"""CiliumCIDRGroups: by name, or by labels, where the labels of all groups that cover an address merge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from translators.algebra.cidrs import BITS, Cidr, Interval, cut, parse_cidr, to_cidrs
from translators.semantics.cilium.selectors import Selector
from translators.source import Document

__all__ = ["CidrGroups"]


@dataclass(frozen=True, slots=True)
class CidrGroups:
    """Every group of one set: name, labels, networks."""

    groups: tuple[tuple[str, dict[str, str], tuple[Cidr, ...]], ...]

    @classmethod
    def read(cls, documents: Iterable[Document]) -> CidrGroups:
        """Read the groups among the documents."""
        return cls(
            tuple(
                (
                    document.name,
                    {str(k): str(v) for k, v in (document.metadata.get("labels") or {}).items()},
                    tuple(
                        parse_cidr(text)
                        for text in (document.data.get("spec") or {}).get("externalCIDRs") or ()
                    ),
                )
                for document in documents
                if document.kind == "CiliumCIDRGroup"
            )
        )

    def named(self, name: str) -> Sequence[Cidr]:
        """Give a group's networks; a missing group matches nothing."""
        return [cidr for group, _, cidrs in self.groups if group == name for cidr in cidrs]

    def selected(self, selector: Selector) -> Sequence[Cidr]:
        """Give the networks whose merged labels match; negative terms alone also match every other address."""
        marks = [cidr.interval for _, _, cidrs in self.groups for cidr in cidrs]
        chosen = []
        for family in (4, 6):
            everything = Interval(family, 0, (1 << BITS[family]) - 1)
            chosen += [p for p in cut(everything, marks) if selector.holds(self._merged(p))]
        return to_cidrs(chosen)

    def _merged(self, piece: Interval) -> dict[str, str]:
        merged: dict[str, str] = {}
        for _, labels, cidrs in self.groups:
            if any(c.family == piece.family and c.first <= piece.first <= c.last for c in cidrs):
                merged.update(labels)
        return merged
