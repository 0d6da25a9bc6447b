"""The Avro schema of a record. The list of allowed types *is* the schema lint: no recursion, maps, decimals, floats or wide unions."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from schemas.identifiers import Fixed

NAMESPACE = "mash.v1"
Schema = dict[str, Any] | list[Any] | str

_SCALARS: dict[type, Schema] = {
    bool: "boolean",
    int: "long",
    UUID: {"type": "string", "logicalType": "uuid"},
    datetime: {"type": "long", "logicalType": "timestamp-micros"},
    date: {"type": "int", "logicalType": "date"},
}


def schema_of(record: type) -> Schema:
    """Derive the schema; a type outside the allowed list raises TypeError."""
    return _type(record, frozenset(), set())


def _type(hint: Any, inside: frozenset[str], named: set[str]) -> Schema:  # noqa: ANN401, C901, PLR0911 - one line per allowed type of hint
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return _type(typing.get_args(hint)[0], inside, named)
    if origin in (types.UnionType, typing.Union):
        return _nullable(hint, inside, named)
    if origin is tuple:
        return _array(hint, inside, named)
    if not isinstance(hint, type):
        message = f"not a wire type: {hint}"
        raise TypeError(message)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if issubclass(hint, Fixed):
        return _once(hint, named, {"type": "fixed", "size": hint.size})
    if issubclass(hint, Enum):
        return _once(hint, named, _enum(hint))
    if issubclass(hint, str):
        return "string"
    if hint is bytes:
        return "bytes"
    if is_dataclass(hint):
        return _record(hint, inside, named)
    message = f"not a wire type: {hint}"
    raise TypeError(message)


def _nullable(hint: Any, inside: frozenset[str], named: set[str]) -> Schema:  # noqa: ANN401 - a type hint is of any type
    inner = [each for each in typing.get_args(hint) if each is not types.NoneType]
    if len(inner) != 1:
        message = f"only [null, T] unions: {hint}"
        raise TypeError(message)
    return ["null", _type(inner[0], inside, named)]


def _array(hint: Any, inside: frozenset[str], named: set[str]) -> Schema:  # noqa: ANN401 - a type hint is of any type
    item, *rest = typing.get_args(hint)
    if rest != [...]:
        message = f"only tuple[T, ...]: {hint}"
        raise TypeError(message)
    if is_dataclass(item) and not fields(item):
        message = f"items of no bytes can be counted in millions: {hint}"
        raise TypeError(message)
    return {"type": "array", "items": _type(item, inside, named)}


def _once(hint: type, named: set[str], schema: dict[str, Any]) -> Schema:
    """Avro defines a name where it first stands and refers to it after."""
    if hint.__name__ in named:
        return f"{NAMESPACE}.{hint.__name__}"
    named.add(hint.__name__)
    return {"name": hint.__name__, "namespace": NAMESPACE, "doc": " ".join((hint.__doc__ or "").split()), **schema}


def _enum(hint: type[Enum]) -> dict[str, Any]:
    symbols = [member.value for member in hint]
    if symbols[-1] != "unknown":
        message = f"the last symbol of {hint.__name__} must be unknown, the default"
        raise TypeError(message)
    return {"type": "enum", "symbols": symbols, "default": "unknown"}


def _record(hint: type, inside: frozenset[str], named: set[str]) -> Schema:
    if hint.__name__ in inside:
        message = f"recursive: {hint.__name__}"
        raise TypeError(message)
    if hint.__name__ in named:
        return f"{NAMESPACE}.{hint.__name__}"
    hints = typing.get_type_hints(hint, include_extras=True)
    schema = _once(hint, named, {"type": "record", "fields": []})
    within = inside | {hint.__name__}
    typing.cast("dict[str, Any]", schema)["fields"] = [
        {"name": each.name, "type": _type(hints[each.name], within, named)} for each in fields(hint)
    ]
    return schema
