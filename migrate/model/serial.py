"""Frozen dataclasses to JSON values and back, by their type hints; unknown keys are ignored, absent ones take defaults.

For plans, the state of a run and snapshots of evidence: data that newer and older versions of this tool exchange.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

__all__ = ["DecodeError", "decode", "encode"]


class DecodeError(Exception):
    """The data does not have the shape of the type; the message says where."""


def encode(value: Any, *, skip: frozenset[str] = frozenset()) -> Any:  # noqa: ANN401  # any value that JSON can hold
    """Give the JSON value of a dataclass, mapping or sequence; fields that hold their default are left out.

    A whole number is written without a fraction whatever its type (as RFC 8785 does), so that what was read back is
    written again as the same bytes.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if (shape := _shape(kind)) is not None:  # type: ignore[arg-type]  # a class is hashable
        found = {}
        for name, default in shape:
            item = getattr(value, name)
            if item != default and name not in skip:
                found[name] = encode(item)
        return found
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, frozenset | set):
        return sorted(encode(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if isinstance(value, StrEnum) else value


_PLAIN = frozenset({str, int, bool, type(None)})


@cache
def _shape(kind: type) -> tuple[tuple[str, object], ...] | None:
    """Give the fields of a dataclass with their defaults (of one without, what nothing equals); None for other types."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple((field.name, _default(field)) for field in dataclasses.fields(kind))


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default is not dataclasses.MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else _NOTHING


_NOTHING = object()


def decode[T](kind: type[T], data: object, *, path: str = "", **given: Any) -> T:  # noqa: ANN401  # fields of the type
    """Give the dataclass that JSON data describe; ``given`` are fields that the data do not hold.

    Raises ``DecodeError`` where a value has another shape than the type says.
    """
    if not isinstance(data, Mapping):
        raise DecodeError(f"{path or kind.__name__} is no map")
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable
    fields = {
        name: _value(hint, data[name], f"{path}.{name}".lstrip("."))
        for name, hint in hints.items()
        if name in data and name not in given
    }
    try:
        return kind(**fields, **given)
    except TypeError as error:
        raise DecodeError(f"{path or kind.__name__}: {error}") from error


@cache
def _hints(kind: type) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: hint for name, hint in get_type_hints(kind).items() if name in names}


def _value(hint: Any, data: Any, path: str) -> Any:  # noqa: ANN401  # hints and JSON values
    origin, inside = get_origin(hint), get_args(hint)
    if hint is Any:
        return data
    if origin in {types.UnionType, Union}:
        return _one_of(inside, data, path)
    if origin is not None:
        return _collection(origin, inside, data, path)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, data, path=path)
    return _scalar(hint, data, path)


def _one_of(hints: tuple[Any, ...], data: Any, path: str) -> Any:  # noqa: ANN401  # hints and JSON values
    if data is None and type(None) in hints:
        return None
    for hint in hints:
        if hint is type(None):
            continue
        try:
            return _value(hint, data, path)
        except DecodeError:
            continue
    raise DecodeError(f"{path} is none of the kinds that may stand there")


def _collection(origin: Any, inside: tuple[Any, ...], data: Any, path: str) -> Any:  # noqa: ANN401  # hints and JSON values
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(data, Mapping):
            raise DecodeError(f"{path} is no map")
        return {_value(inside[0], k, path): _value(inside[1], v, f"{path}.{k}") for k, v in data.items()}
    if not isinstance(data, list | tuple):
        raise DecodeError(f"{path} is no list")
    if origin is frozenset:
        return frozenset(_value(inside[0], item, path) for item in data)
    if origin is tuple and (len(inside) != 2 or inside[1] is not Ellipsis):
        if len(inside) != len(data):
            raise DecodeError(f"{path} holds {len(data)} values, {len(inside)} belong there")
        return tuple(_value(hint, item, path) for hint, item in zip(inside, data, strict=True))
    return tuple(_value(inside[0], item, f"{path}[{place}]") for place, item in enumerate(data))


def _scalar(hint: Any, data: Any, path: str) -> Any:  # noqa: ANN401  # hints and JSON values
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        try:
            return hint(data)
        except ValueError as error:
            raise DecodeError(f"{path}: {data!r} is no {hint.__name__}") from error
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if (
        isinstance(hint, type)
        and hint is not object
        and (not isinstance(data, hint) or (hint is int and isinstance(data, bool)))
    ):
        raise DecodeError(f"{path} is {type(data).__name__}, not {hint.__name__}")
    return data
