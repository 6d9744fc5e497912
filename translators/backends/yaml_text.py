"""Print plain data as YAML in one fixed style: block form, two spaces, no aliases, keys in the order given.

A string is quoted wherever any YAML version could read something else than that string.
"""

from __future__ import annotations

import json
import re

__all__ = ["dump"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")
_LINES = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?\n){2,}\Z")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})


def dump(value: object) -> str:
    """Give the text of one document, with a final newline; data of other types raises ``TypeError``."""
    return "\n".join(_lines(value, 0)) + "\n"


def _lines(value: object, depth: int) -> list[str]:
    pad = "  " * depth
    match value:
        case dict() if value:
            return [line for key, item in value.items() for line in _entry(str(key), item, depth)]
        case list() if value:
            result = []
            for item in value:
                inner = _lines(item, depth + 1)
                result.append(f"{pad}- {inner[0].lstrip()}")
                result.extend(inner[1:])
            return result
    return [pad + _scalar(value)]


def _entry(key: str, item: object, depth: int) -> list[str]:
    pad = "  " * depth
    if isinstance(item, dict | list) and item:
        return [f"{pad}{_scalar(key)}:", *_lines(item, depth + 1 if isinstance(item, dict) else depth)]
    if isinstance(item, str) and _LINES.match(item):
        body = [f"{pad}  {line}" for line in item.rstrip("\n").split("\n")]
        return [f"{pad}{_scalar(key)}: |", *body]
    return [f"{pad}{_scalar(key)}: {_scalar(item)}"]


def _scalar(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case int() | float():
            return str(value)
        case str():
            plain = _PLAIN.match(value) and value.lower() not in _WORDS
            return value if plain else json.dumps(value, ensure_ascii=True)
        case dict():
            return "{}"
        case list():
            return "[]"
    message = f"cannot print {type(value).__name__}"
    raise TypeError(message)
