"""What one level of a form (the record, or a sub-table's rows) does to values, worked out once per form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engines.feel import Expression
from engines.form.compiled import CompiledField, Mode
from engines.form.types import PersonType, ReferenceType
from engines.form.types.base import Coerce
from engines.form.types.dates import DateTimeType
from engines.form.types.people import DepartmentType

# Fields of every record that may be sent along with its own.
ASSIGNED = ("owner", "department")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The work of one level, sorted by kind so that a run only touches what is there."""

    fields: Mapping[str, CompiledField]
    # Coercers of all fields that hold a value of their own, by name.
    coerce: Mapping[str, Coerce]
    # Those of fields that anybody may enter at any time: rows need to look at nothing else.
    free: Mapping[str, Coerce]
    defaults: tuple[tuple[str, Expression], ...]
    # Fields whose values expressions see as contexts with an id.
    links: frozenset[str]
    # Names that hold instants, for values without a zone.
    zoned: frozenset[str]
    visible: tuple[tuple[str, Expression], ...]
    required: tuple[str, ...]
    required_when: tuple[tuple[str, Expression], ...]
    # Fields with a list of options that limits further: retired options, dependent lists.
    limited: tuple[str, ...]
    constrained: tuple[CompiledField, ...]
    subtables: tuple[tuple[CompiledField, Steps], ...]
    # What the rows of each sub-table read of their record.
    parent_reads: Mapping[str, frozenset[str]]


def steps_of(fields: Mapping[str, CompiledField]) -> Steps:
    """The steps of the given fields and of their sub-tables."""
    items = fields.items()
    return Steps(
        fields=fields,
        coerce={name: field.coerce for name, field in items if field.rows is None},
        free={name: field.coerce for name, field in items if _is_free(field)},
        defaults=tuple((name, field.default) for name, field in items if field.default is not None),
        links=frozenset(name for name, f in items if isinstance(f.kind, ReferenceType | PersonType | DepartmentType)),
        zoned=frozenset(name for name, f in items if isinstance(f.kind, DateTimeType)),
        visible=tuple((name, field.visible) for name, field in items if field.visible is not None),
        required=tuple(name for name, field in items if field.required and field.mode is Mode.ENTERED),
        required_when=tuple((name, f.required_when) for name, f in items if f.required_when is not None),
        limited=tuple(name for name, f in items if any(o.retired or o.when for o in f.definition.options)),
        constrained=tuple(field for field in fields.values() if field.constraint is not None),
        subtables=tuple((field, steps_of(field.rows)) for field in fields.values() if field.rows is not None),
        parent_reads={n: frozenset(_parent_reads(f.rows)) for n, f in items if f.rows is not None},
    )


def _is_free(field: CompiledField) -> bool:
    limited = field.read_only or field.read_only_when is not None or isinstance(field.kind, DateTimeType)
    return field.entered and field.rows is None and not limited


def _parent_reads(columns: Mapping[str, CompiledField]) -> Iterator[str]:
    for column in columns.values():
        constraint = column.constraint.condition if column.constraint else None
        conditions = (column.visible, column.required_when, column.read_only_when, constraint)
        for expression in (column.default, column.formula, *conditions):
            for path in expression.reads if expression is not None else ():
                if path[0] == "parent" and len(path) > 1:
                    yield path[1]
