"""What one level of a form (the record, or a sub-table's rows) does to values, worked out once per form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    # What each field holds when nothing was entered; sub-tables get a list of their own.
    empty: Mapping[str, None]
    # Names that any expression of this level reads: only these need to be kept as expressions see them.
    heads: frozenset[str]
    # Coercers of the fields that anybody may enter at any time: rows need to look at nothing else.
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


def steps_of(fields: Mapping[str, CompiledField], others: Sequence[Expression] = ()) -> Steps:
    """The steps of the given fields and of their sub-tables; ``others`` are further expressions of the level."""
    items = fields.items()
    row_reads = frozenset(name for field in fields.values() for name in _parent_reads(field.rows or {}))
    return Steps(
        fields=fields,
        empty=dict.fromkeys(fields),
        heads=frozenset(path[0] for e in (*_expressions(fields), *others) for path in e.reads) | row_reads,
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
    for expression in _expressions(columns):
        for path in expression.reads:
            if path[0] == "parent" and len(path) > 1:
                yield path[1]


def _expressions(fields: Mapping[str, CompiledField]) -> Iterator[Expression]:
    for field in fields.values():
        constraint = field.constraint.condition if field.constraint else None
        conditions = (field.visible, field.required_when, field.read_only_when, constraint)
        yield from (e for e in (field.default, field.formula, *conditions) if e is not None)
