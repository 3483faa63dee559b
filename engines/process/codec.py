"""Frozen dataclasses as JSON and back, by their annotations; fields that hold their default are left out."""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from engines.process.values import decode, encode

T = TypeVar("T")


class _Field(NamedTuple):
    """How one field is written and read."""

    default: Any
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def to_plain(value: Any) -> dict[str, Any]:
    """A frozen dataclass as JSON data."""
    return {
        name: field.write(part)
        for name, field in _fields(_as_key(type(value))).items()
        if (part := getattr(value, name)) != field.default
    }


def from_plain(cls: type[T], data: Mapping[str, Any]) -> T:
    """The ``cls`` that :func:`to_plain` wrote as ``data``; a ``TypeError`` for unknown keys."""
    readers: dict[str, _Field] = _fields(_as_key(cls))
    return cls(**{name: readers[name].read(part) if name in readers else part for name, part in data.items()})


def _as_key(cls: Any) -> Hashable:
    return cast(Hashable, cls)


@cache
def _fields(cls: Any) -> dict[str, _Field]:
    hints = get_type_hints(cls)
    return {
        f.name: _Field(f.default_factory() if f.default_factory is not MISSING else f.default, *_pair(hints[f.name]))
        for f in fields(cls)
    }


def _pair(hint: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Functions that write and read one value annotated with ``hint``."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        write, read = _pair(next(part for part in get_args(hint) if part is not type(None)))
        return (lambda v: None if v is None else write(v)), (lambda v: None if v is None else read(v))
    if origin is tuple:
        write, read = _pair(get_args(hint)[0])
        return (lambda v: [write(part) for part in v]), (lambda v: tuple(read(part) for part in v))
    if isinstance(hint, type) and is_dataclass(hint):
        return to_plain, lambda v: from_plain(hint, v)
    if isinstance(hint, type) and issubclass(hint, StrEnum | UUID):
        return str, hint
    if hint is datetime:
        return datetime.isoformat, datetime.fromisoformat
    return encode, decode
