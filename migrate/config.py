"""Read the configuration file: exactly one, every key known, every mistake with its place and its remedy.

A file with a mistake is refused as a whole: half a configuration is a different configuration.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.config_shape import ROOT, Kind, Shape
from translators.algebra.cidrs import parse_cidr
from translators.source import Document, read
from translators.span import Span
from translators.world import RANGES, AddressPlan

__all__ = ["Problem", "checked", "defaults", "example", "schema"]

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+\Z")
_VERSION = re.compile(r"v?\d{1,4}\.\d{1,4}(?:\.\d{1,4})?\Z")
_SELECTOR = re.compile(r"\s*[\w./-]+\s*(?:(?:==?|!=)\s*[\w.-]*\s*)?\Z")
_SOURCES = ("fromFile", "fromEnv", "fromSecret")
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where, what, and what to write instead."""

    span: Span
    what: str
    fix: str


def checked(name: str, content: bytes) -> tuple[Mapping[str, Any], list[Problem]]:
    """Give the values of a file and everything that is wrong with it; the values count only if nothing is."""
    reading = read(name, content)
    if reading.diagnostics:
        return {}, [Problem(d.span, d.message, d.remedy) for d in reading.diagnostics]
    if len(reading.documents) != 1:
        fix = "begin it with apiVersion: c2c/v1alpha1 and kind: Config"
        return {}, [Problem(Span(name, 1, 1), "the file is not one configuration", fix)]
    (document,) = reading.documents
    return document.data, [*_problems(document, document.data, ROOT, ()), *_unpaired(document)]


def _unpaired(document: Document) -> Iterator[Problem]:
    """Name what is chosen without what it takes: nobody but the user's own program can replace a machine."""
    nodes = document.data.get("nodes")
    if isinstance(nodes, Mapping) and nodes.get("move") == "replace" and not nodes.get("replace"):
        fix = "write nodes.replace: {command: [PROGRAM]}, or nodes.move: drain"
        yield Problem(document.at("nodes", "move"), "nodes.move: replace without a program that does it", fix)


def _problems(document: Document, value: object, shape: Shape, path: Path) -> Iterator[Problem]:
    match shape.kind:
        case Kind.MAP:
            yield from _map(document, value, shape, path)
        case Kind.EITHER if isinstance(value, Mapping):
            yield from _either(document, value, shape, path)
        case Kind.TABLE if isinstance(value, Mapping) and shape.of is not None:
            for key, item in value.items():
                yield from _problems(document, item, shape.of, (*path, key))
        case Kind.LIST if isinstance(value, list) and shape.of is not None:
            for index, item in enumerate(value):
                yield from _problems(document, item, shape.of, (*path, index))
        case Kind.REFERENCE:
            if not (isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _SOURCES):
                fix = "write {fromFile: PATH}, {fromEnv: NAME} or {fromSecret: namespace/name/key}"
                yield Problem(document.at(*path), f"{_dotted(path)} may only refer to a secret", fix)
        case _:
            if wrong := _wrong(value, shape):
                yield Problem(document.at(*path), f"{_dotted(path)}: {value!r} is no {shape.kind}", wrong)


def _either(document: Document, value: Mapping[str, object], shape: Shape, path: Path) -> Iterator[Problem]:
    yield from _map(document, value, shape, path)
    if not shape.whole and len(value) != 1:
        fix = f"write exactly one of {', '.join(shape.fields)}"
        yield Problem(document.at(*path), f"{_dotted(path)} has {len(value)} keys", fix)


def _map(document: Document, value: object, shape: Shape, path: Path) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        known = ", ".join(shape.fields)
        yield Problem(document.at(*path), f"{_dotted(path)} is a map", f"its keys are {known}")
        return
    for key, item in value.items():
        if key in shape.fields:
            yield from _problems(document, item, shape.fields[key], (*path, key))
            continue
        near = difflib.get_close_matches(str(key), shape.fields, 1)
        fix = f"did you mean {near[0]}?" if near else f"the keys here are {', '.join(shape.fields)}"
        yield Problem(document.at(*path, key), f"{_dotted((*path, key))} is no key", fix)
    if shape.whole and (left := [key for key in shape.fields if not value.get(key)]):
        fix = f"write all of {', '.join(shape.fields)}"
        yield Problem(document.at(*path), f"{_dotted(path)} lacks {', '.join(left)}", fix)


def _wrong(value: object, shape: Shape) -> str:
    """Say what to write instead; empty if the value is right."""
    if shape.kind is Kind.EITHER:
        return _wrong_word(value, shape)
    if shape.choices:
        return "" if value in shape.choices else f"write one of {', '.join(shape.choices)}"
    match shape.kind:
        case Kind.TEXT:
            return "" if isinstance(value, str) or value is None else "put it in quotes"
        case Kind.WHOLE:
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            return "" if whole else "write a number, 0 or more"
        case Kind.TRUTH:
            return "" if isinstance(value, bool) else "write true or false"
        case Kind.DURATION:
            right = isinstance(value, str) and _DURATION.match(value)
            return "" if right else "write a number with its unit: 90s, 10m, 8h, 1d"
        case Kind.NETWORK:
            return _no_network(value)
        case Kind.SELECTOR:
            fits = isinstance(value, str) and all(map(_SELECTOR.match, value.split(",")))
            return "" if fits else "write equalities of labels: app=db,role=primary"
        case Kind.VERSION:
            known = value is None or bool(isinstance(value, str) and _VERSION.match(value))
            return "" if known else 'write it in quotes, as "1.20"'
    return f"write a {shape.kind}"


def _wrong_word(value: object, shape: Shape) -> str:
    if shape.choices:
        words = f"write {shape.choices[0]}, or one of {', '.join(shape.fields)}"
        return "" if value in shape.choices else words
    return "" if isinstance(value, str) or value is None else f"write a text, or {', '.join(shape.fields)}"


def _no_network(value: object) -> str:
    remedy = "write a network with its length: 10.244.0.0/16"
    try:
        parse_cidr(str(value), strict=True)
    except ValueError:
        return remedy
    return "" if "/" in str(value) else remedy


def _dotted(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the file"


def defaults(shape: Shape = ROOT) -> dict[str, Any]:
    """Give every default, in the order of the file; keys without one are left out."""
    found: dict[str, Any] = {}
    for key, item in shape.fields.items():
        value = defaults(item) if item.kind is Kind.MAP else item.default
        if value not in (None, {}):
            found[key] = value
    return found


def schema(shape: Shape = ROOT) -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of one value; of the file by default."""
    match shape.kind:
        case Kind.MAP:
            properties = {key: schema(item) for key, item in shape.fields.items()}
            found: dict[str, Any] = {
                "type": "object",
                "properties": properties,
                "additionalProperties": False,
            }
            if shape is ROOT:
                draft = "https://json-schema.org/draft/2020-12/schema"
                return {"$schema": draft, "title": "Config", **found, "required": ["apiVersion", "kind"]}
            return {**found, "required": list(shape.fields)} if shape.whole else found
        case Kind.EITHER:
            return _schema_of_either(shape)
        case Kind.TABLE if shape.of is not None:
            return {"type": "object", "additionalProperties": schema(shape.of)}
        case Kind.LIST if shape.of is not None:
            return {"type": "array", "items": schema(shape.of)}
        case Kind.REFERENCE:
            properties = {key: {"type": "string"} for key in _SOURCES}
            limits = {"minProperties": 1, "maxProperties": 1, "additionalProperties": False}
            return {"type": "object", "properties": properties, **limits}
    return _leaf(shape)


def _schema_of_either(shape: Shape) -> dict[str, Any]:
    properties = {key: schema(item) for key, item in shape.fields.items()}
    keys: dict[str, Any] = {"minProperties": 1, "maxProperties": 1}
    if shape.whole:
        keys = {"required": list(shape.fields)}
    table = {"type": "object", "properties": properties, **keys, "additionalProperties": False}
    word = {"enum": list(shape.choices)} if shape.choices else {"type": "string"}
    default = {} if shape.default is None else {"default": shape.default}
    return {"anyOf": [word, table], **default}


def _leaf(shape: Shape) -> dict[str, Any]:
    default = {} if shape.default is None else {"default": shape.default}
    if shape.choices:
        return {"enum": list(shape.choices), **default}
    match shape.kind:
        case Kind.WHOLE:
            return {"type": "integer", "minimum": 0, **default}
        case Kind.TRUTH:
            return {"type": "boolean", **default}
        case Kind.DURATION:
            return {"type": "string", "pattern": "^" + _DURATION.pattern.replace(r"\Z", "$"), **default}
        case Kind.VERSION:
            return {"type": "string", "pattern": "^" + _VERSION.pattern.replace(r"\Z", "$"), **default}
    return {"type": "string", **default}


def example(plan: AddressPlan | None = None) -> str:
    """Give a commented file to begin with: what must be said, and what ``translate`` reads.

    ``plan``: the ranges of a cluster, which are then written down.
    """
    ranges = plan or AddressPlan.of({"pods": ["10.244.0.0/16"], "services": ["10.96.0.0/12"]})
    filled = {key: f"[{', '.join(map(str, getattr(ranges, name)))}]" for key, name in RANGES.items()}
    return _EXAMPLE.format(**filled)


_EXAMPLE = """\
# c2c.yaml: keys that are left out take their defaults (c2c config show).
apiVersion: c2c/v1alpha1
kind: Config
calico:
  policies: [policies/]       # files and folders
cilium:
  version: "1.20"
addresses:                    # ranges of Calico's side; without them private networks may belong to anything
  pods: {pods}
  nodes: {nodes}
  services: {services}
  apiServer: {apiServer}
translate:
  failOn: stricter            # never, looser, refused, stricter or conditional
  approximate: {{default: stricter}}
  kubernetesPolicies: native  # native or absorb
  accept: []                  # - {{id: CAL-L502, object: shop/probes, reason: "type 8 only", by: alice}}
"""
