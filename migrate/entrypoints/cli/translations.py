"""Translate what was read, as often as accepted stops ask for it: what ``translate`` and ``plan`` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from migrate.adapters.files import Loaded
from migrate.entrypoints.cli.acceptance import decided
from translators import Translation, translate
from translators.diagnostics import Diagnostic
from translators.frontends import is_policy
from translators.settings import Options
from translators.source import Document
from translators.world import AddressPlan

__all__ = ["Setting", "settled"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What every translation of one command shares."""

    around: Loaded | None
    options: Options
    plan: AddressPlan | None

    def cluster(self, part: Loaded) -> list[Document] | None:
        """Give the cluster's objects; its policies belong to it only if they are not what is translated."""
        if self.around is None:
            return None
        return [d for d in self.around.documents if part is not self.around or not is_policy(d)]

    def policies(self, part: Loaded) -> list[Document]:
        """Give what is to be translated."""
        if part is not self.around:
            return part.documents
        return [d for d in part.documents if is_policy(d) or d.kind == "Tier"]

    def missing(self, part: Loaded) -> list[Diagnostic]:
        """Give what the snapshot says it could not read."""
        return self.around.diagnostics if self.around is not None and part is not self.around else []

    def run(self, part: Loaded) -> Translation:
        """Translate one cluster's policies."""
        return translate(
            self.policies(part),
            cluster=self.cluster(part),
            options=self.options,
            plan=self.plan,
            diagnostics=[*part.diagnostics, *self.missing(part)],
        )


def settled(
    translated: Callable[[Setting], list[Translation]], setting: Setting, texts: Sequence[str]
) -> list[Translation]:
    """Translate; as long as an accepted stop comes up, once more with the reading that it then has.

    ``texts`` are the acceptances as ``--accept`` takes them.
    """
    stops: frozenset[tuple[str, str]] = frozenset()
    while True:
        results = translated(replace(setting, options=replace(setting.options, accepted=stops)))
        found = stops.union(*(decided(result.report, texts) for result in results))
        if found == stops:
            return results
        stops = found
