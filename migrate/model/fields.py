"""Tolerant reading of plain Kubernetes objects: a field that is absent or of another type is "not said", never an error.

Nothing here knows a kind; the modules of the kinds do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["Labels", "at", "items", "labels", "mapping", "maps", "number", "quantity", "text", "truth"]

Labels = Mapping[str, str]

_MAPS = (dict, Mapping)
"""A plain dict is recognised at once; asking the abstract class costs ten times as much."""
_QUANTITY = re.compile(r"(-?[0-9.]+)(e-?[0-9]+|E-?[0-9]+|[numkMGTPE]i?|Ki)?\Z")
_SCALE = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
}  # fmt: skip


def at(data: object, *path: str) -> Any:  # noqa: ANN401  # whatever JSON holds there
    """Give what lies at a path of keys; None where any step is missing or no map."""
    for key in path:
        if data is None or not isinstance(data, _MAPS):
            return None
        data = data.get(key)
    return data


def text(data: object, *path: str, default: str = "") -> str:
    """Give a string, or a number as one; ``default`` for anything else."""
    found = at(data, *path)
    if found is None or isinstance(found, str):
        return default if found is None else found
    return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else default


def number(data: object, *path: str, default: int = 0) -> int:
    """Give a whole number, also one written as a string; ``default`` for anything else."""
    found = at(data, *path)
    if isinstance(found, bool) or found is None:
        return default
    try:
        return int(found)
    except (TypeError, ValueError):
        return default


def truth(data: object, *path: str, default: bool = False) -> bool:
    """Give a boolean, also one written as a string."""
    found = at(data, *path)
    if isinstance(found, bool):
        return found
    if isinstance(found, str) and found.lower() in {"true", "false"}:
        return found.lower() == "true"
    return default


def mapping(data: object, *path: str) -> Mapping[str, Any]:
    """Give a map; an empty one for anything else."""
    found = at(data, *path)
    return found if found is not None and isinstance(found, _MAPS) else {}


def items(data: object, *path: str) -> Sequence[Any]:
    """Give a list; an empty one for anything else."""
    found = at(data, *path)
    return found if isinstance(found, list | tuple) else ()


def maps(data: object, *path: str) -> Iterator[Mapping[str, Any]]:
    """Give those members of a list that are maps."""
    return (item for item in items(data, *path) if isinstance(item, _MAPS))


def labels(data: object, *path: str) -> Labels:
    """Give a map of strings to strings; other members are left out."""
    return {k: v for k, v in mapping(data, *path).items() if isinstance(k, str) and isinstance(v, str)}


def quantity(value: object, scale: int = 1) -> int:
    """Give a Kubernetes quantity as a whole number of units, times ``scale``, rounded up; 0 if it is none.

    ``quantity("250m", 1000)`` is 250 (milli), ``quantity("1Gi")`` is 1073741824 (bytes). Source: Kubernetes
    ``apimachinery/pkg/api/resource``.
    """
    found = _QUANTITY.match(str(value).strip()) if value is not None else None
    if found is None:
        return 0
    base, unit = found[1], found[2] or ""
    try:
        exact = float(base + unit) if unit[:1] in {"e", "E"} and unit[1:] else float(base) * _SCALE[unit]
    except (ValueError, KeyError):
        return 0
    return -int(-exact * scale // 1)
