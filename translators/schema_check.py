"""Hold plain JSON against one of our own schemas, and say where it departs from it.

Only what those schemas are made of is known: types, constants, choices, properties, items, references, alternatives
and a least value. A schema with any other word in it is not for this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["departure"]

Schema = Mapping[str, Any]
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}


def departure(data: object, schema: Schema, name: str) -> str:
    """Say where data called ``name`` first departs from the schema, and how; empty where it does not."""
    found = next(_departures(data, schema, schema.get("$defs", {}), ""), None)
    if found is None:
        return ""
    path, what = found
    return f"{name}: {path} {what}" if path else f"{name} {what}"


def _departures(
    value: object, schema: Schema, known: Mapping[str, Schema], path: str
) -> Iterator[tuple[str, str]]:
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        found = [next(_departures(value, part, known, path), None) for part in schema["anyOf"]]
        yield from (one for one in found[:1] if one and all(found))
        return
    if "enum" in schema or "const" in schema:
        allowed = schema.get("enum", [schema.get("const")])
        if value not in allowed:
            yield path, f"is none of {', '.join(map(str, allowed))}"
        return
    wanted = schema.get("type", [])
    names = [wanted] if isinstance(wanted, str) else wanted
    if names and not any(_is(value, name) for name in names):
        yield path, f"is no {' or '.join(names)}"
        return
    if isinstance(value, int) and value < schema.get("minimum", value):
        yield path, f"is less than {schema['minimum']}"
    yield from _inside(value, schema, known, path)


def _inside(
    value: object, schema: Schema, known: Mapping[str, Schema], path: str
) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _departures(item, schema.get("items", {}), known, f"{path}[{index}]")
    if isinstance(value, dict):
        yield from ((path, f"has no {name!r}") for name in schema.get("required", ()) if name not in value)
        others = schema.get("additionalProperties", {})
        for name, item in value.items():
            part = schema.get("properties", {}).get(name, others)
            yield from _departures(item, part, known, f"{path}.{name}".removeprefix("."))


def _is(value: object, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
