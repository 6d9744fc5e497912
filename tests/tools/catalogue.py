"""The binaries that tests run against, one row each: how it is made, and how it says its version.

To add one: a folder with a go.mod under ``tests/tools`` (or an own program under its layer) and a row here. A test
asks for it by name with ``tests.capabilities.binary``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.tools.gobuild import DIGEST, GoBuild


class Recipe(Protocol):
    """A way to make a binary."""

    def digest(self) -> str:
        """Give the name of everything that goes in."""
        ...

    def entry(self) -> str | None:
        """Give the name of its folder in the cache; None where only ``digest`` is known."""
        ...

    def make(self, target: Path) -> None:
        """Write the binary to ``target``; raises ``NotHereError``."""
        ...


@dataclass(frozen=True)
class Tool:
    """One binary. ``asks`` are the arguments that make it say its version, in which ``version`` must stand.

    ``stamped``: it must say the digest of its sources as well. ``in_assets`` and ``on_path`` name the further
    places where one that is already there is taken: the folder KUBEBUILDER_ASSETS, and PATH.
    """

    name: str
    version: str
    about: str
    recipe: Recipe
    asks: tuple[str, ...] = ("--version",)
    stamped: bool = False
    in_assets: bool = False
    on_path: bool = False


TOOLS = (
    Tool(
        "cilium-engine",
        "1.20.2",
        "Cilium's policy engine",
        GoBuild("tests/oracles/cilium", stamp=f"-X main.sources={DIGEST}"),
        stamped=True,
    ),
)


def tool(name: str) -> Tool:
    """Give the row of a name; raises ``KeyError``."""
    return {row.name: row for row in TOOLS}[name]
