"""Finds the pages of the runbooks: beside the package in an installed wheel, at the root of a checkout; never a network.

A page's name is its path below ``runbooks`` without the suffix: ``drain``, ``procedures/look-first``.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

__all__ = ["page_names", "page_text"]

PROCEDURES, SUFFIX = "procedures", ".md"


def _folder() -> Traversable:
    packed = resources.files("migrate").joinpath("_data", "runbooks")
    return packed if packed.is_dir() else Path(__file__).resolve().parents[2] / "runbooks"


def page_names() -> list[str]:
    """Give the names of all pages, sorted; empty where the pages were not installed."""
    folder = _folder()
    return sorted([*_names(folder, ""), *_names(folder.joinpath(PROCEDURES), f"{PROCEDURES}/")])


def _names(folder: Traversable, before: str) -> Iterator[str]:
    if folder.is_dir():
        for item in folder.iterdir():
            if item.name.endswith(SUFFIX):
                yield before + item.name.removesuffix(SUFFIX)


def page_text(name: str) -> str:
    """Give a page's Markdown; raises ``FileNotFoundError`` where there is none of that name."""
    return _folder().joinpath(*f"{name}{SUFFIX}".split("/")).read_text(encoding="utf-8")
