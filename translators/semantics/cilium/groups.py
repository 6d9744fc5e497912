"""CiliumCIDRGroups: by name, or by labels, where the labels of all groups that cover an address merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from translators.algebra.cidrs import BITS, Cidr, Interval, cut, parse_cidr, to_cidrs
from translators.semantics.cilium.selectors import Requirement, Selector
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
            chosen += [p for p in cut(everything, marks) if _holds(selector, self._merged(p))]
        return to_cidrs(chosen)

    def _merged(self, piece: Interval) -> dict[str, set[str]]:
        """Give every value of each label: those of all groups around a prefix count at once."""
        merged: dict[str, set[str]] = {}
        for _, labels, cidrs in self.groups:
            if any(c.family == piece.family and c.first <= piece.first <= c.last for c in cidrs):
                for key, value in labels.items():
                    merged.setdefault(key, set()).add(value)
        return merged


def _holds(selector: Selector, labels: Mapping[str, set[str]]) -> bool:
    """Ask each requirement of labels that may have several values; a prefix of the key is left aside."""
    return all(
        _meets(requirement, labels.get(requirement.key, set())) for requirement in selector.requirements
    )


def _meets(requirement: Requirement, values: set[str]) -> bool:
    match requirement.operator:
        case "In":
            return bool(values & requirement.values)
        case "NotIn":
            return not values & requirement.values
        case "Exists":
            return bool(values)
    return not values
