"""PRE-113: systems without a package manager, a shell or a writable disk, and how each is worked on.

Talos has its own API alone; Bottlerocket and Flatcar have no Python, so the raw variant works there.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_access import access

__all__ = ["RULE"]

SYSTEMS = {"talos": "API only", "bottlerocket": "raw", "flatcar": "raw"}


def check(case: Case) -> Iterator[Hit]:
    """Name each node of such a system, with the variant for it."""
    for node in case.snapshot.nodes:
        image = node.info.get("osImage", "")
        for mark, variant in SYSTEMS.items():
            if mark in image.lower():
                fills = {"n": node.name, "os": image, "v": variant}
                yield Hit(
                    f"node/{node.name}",
                    fills,
                    {"osImage": image, "access": access(case, node.name)},
                    node.name,
                )


RULE = Rule(
    number=113,
    group=Group.ACCESS,
    severity=Severity.INFO,
    title="System of a special kind",
    message="{n}: {os}, variant {v}",
    remedy="",
    check=check,
    reads=("nodes",),
)
