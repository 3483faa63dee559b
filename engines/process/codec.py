"""Frozen dataclasses as JSON and back, by their annotations; fields that hold their default are left out."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from engines.process.values import decode, encode

T = TypeVar("T")


Convert = Callable[[Any], Any]


class _Field(NamedTuple):
    """How one field is written and read; None where its value is JSON already."""

    name: str
    default: Any
    write: Convert | None
    read: Convert | None


def to_plain(value: Any) -> dict[str, Any]:
    """A frozen dataclass as JSON data."""
    kind: Any = type(value)
    take, known = _taken(kind)
    plain = {}
    for part, (name, default, write, _) in zip(take(value), known, strict=True):
        if part is not default and part != default:
            plain[name] = part if write is None else write(part)
    return plain


def from_plain(cls: type[T], data: Mapping[str, Any]) -> T:
    """The ``cls`` that :func:`to_plain` wrote as ``data``; a ``TypeError`` for unknown keys."""
    given = dict(data)
    kind: Any = cls
    for name, read in _readers(kind):
        if name in given:
            given[name] = read(given[name])
    return cls(**given)


@cache
def _fields(cls: Any) -> tuple[_Field, ...]:
    hints = get_type_hints(cls)
    return tuple(
        _Field(
            f.name,
            f.default_factory() if f.default_factory is not MISSING else f.default,
            *_pair(hints[f.name]),
        )
        for f in fields(cls)
    )


@cache
def _taken(cls: Any) -> tuple[Callable[[Any], tuple[Any, ...]], tuple[_Field, ...]]:
    """What reads the values of all fields at once, and those fields."""
    known = _fields(cls)
    if len(known) > 1:
        return attrgetter(*(f.name for f in known)), known
    return lambda value: tuple(getattr(value, f.name) for f in known), known


@cache
def _readers(cls: Any) -> tuple[tuple[str, Convert], ...]:
    return tuple((f.name, f.read) for f in _fields(cls) if f.read is not None)


def _pair(hint: Any) -> tuple[Convert | None, Convert | None]:
    """Functions that write and read one value annotated with ``hint``."""
    origin = get_origin(hint)
    if hint in (str, int, bool):
        return None, None
    if origin in (Union, types.UnionType):
        return tuple(map(_optional, _pair(next(part for part in get_args(hint) if part is not type(None)))))  # type: ignore[return-value]
    if origin is tuple:
        write, read = _pair(get_args(hint)[0])
        return _each(write, list), _each(read, tuple)
    if isinstance(hint, type) and is_dataclass(hint):
        return to_plain, lambda v: from_plain(hint, v)
    if isinstance(hint, type) and issubclass(hint, StrEnum | UUID):
        return str, hint
    if hint is datetime:
        return datetime.isoformat, datetime.fromisoformat
    return encode, decode


def _optional(convert: Convert | None) -> Convert | None:
    return None if convert is None else lambda v: None if v is None else convert(v)


def _each(convert: Convert | None, make: type[Any]) -> Convert:
    return make if convert is None else lambda v: make(map(convert, v))
