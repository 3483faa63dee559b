"""What somebody has chosen for a table: which column is which field, and what happens to records that exist."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from engines.core import InputError, InputProblem
from engines.form import AttachmentType, CompiledField, CompiledForm, Rights

MODES = ("create", "update", "upsert")
ORDERS = ("ymd", "dmy", "mdy")
# What a table cannot hold, and what only makes sense beside its record.
_NOT_IN_CELLS = frozenset({"row_reference"})
_PEOPLE = frozenset({"person", "department"})
# Types whose values find a record: written the same way each time.
_KEYS = frozenset({"text", "autonumber", "email", "phone", "barcode", "resident_id", "credit_code", "number", "url"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A field that a column may fill."""

    # "price", or "lines.price" in a sub-table.
    path: str
    field: CompiledField
    # The sub-table that it is a column of; empty for the record's own.
    table: str
    # Whether a value may be put into it; a key that is computed can only be looked for.
    writable: bool
    # Whether records can be told apart by it.
    is_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoice:
    """What one column of the table is."""

    # Its place in the table, from 0.
    place: int
    header: str
    # Path of the field; empty: left out.
    field: str = ""
    # For what refers to records: the field that their keys stand in; empty: their title.
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetMapping:
    """How one table becomes records of one form."""

    sheet: str = ""
    # Line of the headings.
    heading: int = 1
    columns: tuple[ColumnChoice, ...] = ()
    mode: str = "create"
    # Path of the field by which existing records are found; needed to change any.
    key: str = ""
    # Nothing is written where one line is refused.
    atomic: bool = False
    # Values are computed, but nobody is told and nothing is started.
    silent: bool = False
    # Whether an empty cell empties the field of a record that exists.
    clear: bool = False
    # What 01/02/2026 means.
    order: str = "ymd"

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {**asdict(self), "columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SheetMapping:
        """The opposite of ``to_json``."""
        columns = tuple(ColumnChoice(**column) for column in data.get("columns", ()))
        return cls(**{**data, "columns": columns})

    @property
    def chosen(self) -> tuple[ColumnChoice, ...]:
        """The columns that are not left out."""
        return tuple(column for column in self.columns if column.field)

    @property
    def has_rows(self) -> bool:
        """Whether a column belongs to a sub-table, so that several lines make one record."""
        return any("." in column.field for column in self.chosen)

    def header_of(self, path: str) -> str:
        """The heading of the column that fills a field."""
        return next((column.header for column in self.columns if column.field == path), "")


def targets_of(form: CompiledForm, rights: Rights) -> list[Target]:
    """The fields that columns may fill, for who has ``rights``; sub-tables' columns behind the record's own."""
    own, inside = [], []
    for name, field in form.fields.items():
        if field.rows is not None:
            if _may_write(rights, name) and field.entered:
                inside += [each for each in _columns(name, field.rows) if _may_write(rights, each.path)]
            continue
        writable = field.entered and _is_plain(field) and _may_write(rights, name)
        is_key = field.definition.type in _KEYS and not field.list_target and rights.access(name) in {"read", "write"}
        if writable or (is_key and field.kind.name == "autonumber"):
            own.append(Target(path=name, field=field, table="", writable=writable, is_key=is_key))
    return own + inside


def _columns(table: str, columns: Mapping[str, CompiledField]) -> Iterator[Target]:
    for name, column in columns.items():
        if column.entered and _is_plain(column):
            yield Target(path=f"{table}.{name}", field=column, table=table, writable=True, is_key=False)


def _is_plain(field: CompiledField) -> bool:
    return not isinstance(field.kind, AttachmentType) and field.kind.name not in _NOT_IN_CELLS


def _may_write(rights: Rights, name: str) -> bool:
    for operation in ("import", "edit"):
        writable = rights.writable_with(operation)
        if rights.may(operation) and (writable is None or name in writable):
            return True
    return False


def keys_of(form: CompiledForm) -> list[str]:
    """Fields by which records of a form can be named in a cell: its title first, then what is unique or numbered."""
    names = [
        name
        for name, field in form.fields.items()
        if name != form.title
        and field.definition.type in _KEYS
        and field.column is not None
        and (field.definition.unique or field.kind.name == "autonumber")
    ]
    return [*([form.title] if form.title else []), *names]


def suggested(headers: Sequence[str], targets: Sequence[Target], remembered: Mapping[str, Any]) -> list[ColumnChoice]:
    """A field for each heading: what was chosen last time, else what is called alike; no field twice."""
    known = {target.path for target in targets}
    taken: set[str] = set()
    before = {str(h): (str(f), str(by)) for h, f, by in remembered.get("columns", ()) if not f or f in known}
    choices = []
    for place, header in enumerate(headers):
        field, by = before.get(plain(header), ("", ""))
        if plain(header) not in before:
            field = next((t.path for t in targets if t.path not in taken and plain(header) in names_of(t)), "")
        if field in taken:
            field = by = ""
        taken.add(field) if field else None
        choices.append(ColumnChoice(place=place, header=header, field=field, by=by))
    return _nearly(choices, targets, taken, before)


def _nearly(
    choices: list[ColumnChoice], targets: Sequence[Target], taken: set[str], before: Mapping[str, Any]
) -> list[ColumnChoice]:
    """Headings that no field is called like take a free one whose name they hold, or that holds theirs."""
    for place, choice in enumerate(choices):
        words = plain(choice.header)
        if choice.field or len(words) < 2 or words in before:
            continue
        for target in targets:
            names = [name for name in names_of(target) if len(name) > 1]
            if target.path not in taken and any(name in words or words in name for name in names):
                taken.add(target.path)
                choices[place] = replace(choice, field=target.path)
                break
    return choices


def names_of(target: Target) -> list[str]:
    """What a field may be called in a heading, each ready to be compared."""
    own = [target.field.name, *target.field.definition.label.texts.values()]
    own += target.field.definition.short_label.texts.values() if target.field.definition.short_label else []
    names = [plain(name) for name in own]
    return [plain(target.path), *names] if target.table else names


def plain(text: str) -> str:
    """A heading without case, width, spaces, punctuation and what stands in brackets."""
    wide = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "", re.sub(r"\([^)]*\)|\*", "", wide))


def memory_of(mapping: SheetMapping) -> dict[str, Any]:
    """What is remembered of a mapping for the next table."""
    columns = [[plain(c.header), c.field, c.by] for c in mapping.columns if plain(c.header)]
    return {
        "columns": columns,
        "mode": mapping.mode,
        "key": mapping.key,
        "clear": mapping.clear,
        "order": mapping.order,
    }


def problems_of(mapping: SheetMapping, form: CompiledForm, targets: Sequence[Target]) -> list[InputProblem]:
    """What keeps a mapping from being used."""
    known = {target.path: target for target in targets}
    problems = [*_unfit(mapping, known)]
    if mapping.mode != "create":
        key = known.get(mapping.key)
        if key is None or not key.is_key or mapping.key not in {c.field for c in mapping.chosen}:
            problems.append(InputProblem(pointer="/key", code="import.needs_key"))
    if mapping.mode != "update":
        problems += _missing(mapping, form, known)
    return problems


def _unfit(mapping: SheetMapping, known: Mapping[str, Target]) -> Iterator[InputProblem]:
    if not mapping.chosen:
        yield InputProblem(pointer="/columns", code="import.nothing_chosen")
    seen: set[str] = set()
    for column in mapping.chosen:
        target = known.get(column.field)
        only_key = target is not None and not target.writable and mapping.key != column.field
        if target is None or only_key:
            yield InputProblem(
                pointer=f"/columns/{column.place}", code="import.unknown_column_field", params=_found(column)
            )
        elif column.field in seen:
            yield InputProblem(pointer=f"/columns/{column.place}", code="import.field_twice", params=_found(column))
        seen.add(column.field)


def _missing(mapping: SheetMapping, form: CompiledForm, known: Mapping[str, Target]) -> Iterator[InputProblem]:
    chosen = {column.field for column in mapping.chosen}
    for name, field in form.fields.items():
        needed = field.required and field.default is None and field.entered and field.rows is None
        if needed and name in known and name not in chosen:
            params = {"found": name, "label": field.definition.label.texts}
            yield InputProblem(pointer="/columns", code="import.required_missing", params=params)


def _found(column: ColumnChoice) -> dict[str, str]:
    return {"found": column.field, "column": column.header}


def require_fit(mapping: SheetMapping, form: CompiledForm, targets: Iterable[Target]) -> None:
    """``InputError`` with everything that keeps a mapping from being used."""
    found = problems_of(mapping, form, list(targets))
    if found:
        raise InputError(found)
