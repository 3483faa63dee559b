"""What a form runs as: immutable, without request or user data, cacheable by its hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from engines.feel import Expression, Scope
from engines.form.definition import (
    FieldDefinition,
    FormDefinition,
    LayoutDefinition,
    PermissionDefinition,
    ViewDefinition,
)
from engines.form.types import FieldType, StoredColumn
from engines.form.types.base import Coerce

if TYPE_CHECKING:
    from engines.form.steps import Steps


class Mode(StrEnum):
    """Where a field's value comes from."""

    # Somebody enters it.
    ENTERED = "entered"
    # Computed from its own record when that is saved, and stored.
    STORED = "stored"
    # A figure over other records: stored, and kept right by every command that touches one of them.
    MAINTAINED = "maintained"
    # Depends on the day or on other records: never stored, part of every query.
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledConstraint:
    """A condition ready to run."""

    condition: Expression
    code: str
    text: Mapping[str, str]
    # Field names that the message is shown at; empty: the record.
    fields: tuple[str, ...]
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledField:
    """A field ready to run."""

    name: str
    # The definition, with the options of a shared list filled in.
    definition: FieldDefinition
    kind: FieldType
    mode: Mode
    # None where the record's row holds nothing for it (sub-tables, live values).
    column: StoredColumn | None
    coerce: Coerce
    required: bool = False
    required_when: Expression | None = None
    default: Expression | None = None
    formula: Expression | None = None
    visible: Expression | None = None
    read_only: bool = False
    read_only_when: Expression | None = None
    constraint: CompiledConstraint | None = None
    # Condition over the records that a reference may choose; sees the choosing record as ``record``.
    choice_filter: Expression | None = None
    # Qualified name of the form that a reference points to.
    target: str = ""
    # The same for a list of references.
    list_target: str = ""
    # For a reference to a row of a sub-table: the form whose rows they are.
    row_target: str = ""
    # Columns of a sub-table.
    rows: Mapping[str, CompiledField] | None = None
    # Whether a pinyin sort key is stored beside it.
    sort_key: bool = False

    @property
    def entered(self) -> bool:
        """Whether people may enter it."""
        return self.mode is Mode.ENTERED and self.kind.enterable


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRelation:
    """The records of another form that refer to this one."""

    name: str
    # Qualified name.
    form: str
    # Its reference field.
    field: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledPermission:
    """One entry of the rights of a form."""

    # Qualified name of the role.
    role: str
    operations: frozenset[str]
    # None: all records.
    rows: Expression | None
    definition: PermissionDefinition
    # "see" or "edit": only records that were shared with who acts, for at least that; empty: any.
    share: str = ""

    @property
    def limited(self) -> bool:
        """Whether it holds for some records only."""
        return self.rows is not None or bool(self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledForm:
    """A form ready to run."""

    # Qualified with the app's name: "shop.account".
    name: str
    app: str
    definition: FormDefinition
    fields: Mapping[str, CompiledField]
    relations: Mapping[str, CompiledRelation]
    layouts: Mapping[str, LayoutDefinition]
    views: Mapping[str, ViewDefinition]
    permissions: tuple[CompiledPermission, ...]
    constraints: tuple[CompiledConstraint, ...]
    # Names of computed fields so that each comes after what it reads; "lines.amount" for those of rows.
    formula_order: tuple[str, ...]
    # JSON Schema 2020-12 of a record as the API takes it.
    json_schema: Mapping[str, Any]
    # The work of the pipeline.
    steps: Steps
    # Live formulas that a check needs when a record is saved; "lines.amount" for those of rows.
    live_at_save: frozenset[str]
    # Paths of other records' data that saving a record reads, by reference ("lines.product" for those of rows) or
    # relation: {"customer": {("level",)}}.
    reads: Mapping[str, frozenset[tuple[str, ...]]]
    scope: Scope
    # Conditions under which elements of layouts are shown, by their text.
    conditions: Mapping[str, Expression]
    # Hex SHA-256 of all that went into it.
    hash: str

    @property
    def title(self) -> str:
        """Name of the field that names a record."""
        return self.definition.title

    def rights_names(self) -> Iterator[str]:
        """Everything that rights may name: fields, columns of sub-tables as "lines.price", owner and department."""
        for name, field in self.fields.items():
            yield name
            yield from (f"{name}.{column}" for column in field.rows or ())
        yield from ("owner", "department")

    @property
    def subtables(self) -> Mapping[str, CompiledField]:
        """The fields that are sub-tables."""
        return {name: field for name, field in self.fields.items() if field.rows is not None}
