"""Lines of a table as records to be made or changed: cells read, what they name looked up, what is wrong told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from builder.imports.sheets.cells import LISTED, Reader, cleaned, option_labels, reader
from builder.imports.sheets.lookups import Lookups
from builder.imports.sheets.mapping import ColumnChoice, SheetMapping, Target, targets_of
from builder.imports.sheets.staged import Staged, StagedRecord
from builder.workspace import Work
from engines.form import CompiledField, CompiledForm, OptionListDefinition
from engines.form.types.base import Refused

_PEOPLE = ("person", "department")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is wrong with a line."""

    line: int
    # Heading of the column to blame; empty for the line.
    header: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    # A message that the definition states itself, by language.
    text: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Draft:
    """A record as its lines have it."""

    place: int
    lines: Sequence[int]
    # Values as the form takes them; a sub-table as a list of rows.
    values: dict[str, Any]
    # The cell of the key; empty where there is none.
    key: str = ""
    # The record that has this key; None: a new one.
    id: UUID | None = None
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def line(self) -> int:
        """Its first line."""
        return self.lines[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    choice: ColumnChoice
    target: Target
    read: Reader
    # What its cells name: a qualified form, "person" or "department"; empty for plain values.
    kind: str
    by: str
    several: bool


class Drafter:
    """Makes drafts of the lines of one table, for one form and principal."""

    def __init__(self, work: Work, form: CompiledForm, mapping: SheetMapping) -> None:
        self._work = work
        self._form = form
        self._mapping = mapping
        world = work.records.of(form.name).world
        targets = {target.path: target for target in targets_of(form, world.rights(world.form(form.name)))}
        self._columns = [
            self._column(choice, targets[choice.field]) for choice in mapping.chosen if choice.field in targets
        ]
        self._unique = [c.target.path for c in self._columns if not c.target.table and c.target.field.definition.unique]
        self._lookups = Lookups(work)

    def drafts(self, records: Sequence[StagedRecord], staged: Staged) -> list[Draft]:
        """The records as drafts, with everything that can be said of them before they are saved."""
        drafts = [self._draft(record) for record in records]
        self._link(drafts)
        if self._mapping.mode != "create":
            self._find(drafts)
        self._once(drafts, staged)
        return drafts

    def _column(self, choice: ColumnChoice, target: Target) -> _Column:
        item = target.field
        kind = item.target or item.list_target or (item.definition.type if item.definition.type in _PEOPLE else "")
        by = choice.by or self._title(kind)
        labels = option_labels(item, self._label_sets(item)) if item.definition.options else {}
        return _Column(
            choice=choice,
            target=target,
            read=reader(item, self._mapping.order, labels),
            kind=kind,
            by=by,
            several=bool(item.list_target),
        )

    def _title(self, kind: str) -> str:
        if not kind or kind in _PEOPLE:
            return ""
        app, _, local = kind.partition(".")
        return self._work.apps[app].forms[local].title

    def _label_sets(self, item: CompiledField) -> dict[str, dict[str, str]]:
        """What a shared list calls each option under other names."""
        owner, _, local = item.definition.option_list.rpartition(".")
        app = self._work.apps.get(owner or self._form.app)
        shared = app.definitions.get("options", local) if app and local else None
        found: dict[str, dict[str, str]] = {}
        for name, labels in (shared.label_sets if isinstance(shared, OptionListDefinition) else {}).items():
            for option, text in labels.items():
                found.setdefault(option, {}).update({f"{name}.{key}": words for key, words in text.texts.items()})
        return found

    # -- cells

    def _draft(self, record: StagedRecord) -> Draft:
        draft = Draft(place=record.place, lines=[number for number, _ in record.lines], values={})
        width = len(self._mapping.columns)
        for number, cells in record.lines:
            if any(cell.strip() for cell in cells[width:]):
                params = {"found": len(cells), "expected": width}
                draft.refusals.append(Refusal(line=number, header="", code="import.cell_count", params=params))
        for column in self._columns:
            if not column.target.table:
                self._own(draft, column, record)
        tables = dict.fromkeys(column.target.table for column in self._columns if column.target.table)
        for table in tables:
            columns = [column for column in self._columns if column.target.table == table]
            rows = [self._row(draft, columns, number, cells) for number, cells in record.lines]
            draft.values[table] = [row for row in rows if row]
        return draft

    def _own(self, draft: Draft, column: _Column, record: StagedRecord) -> None:
        """The record's own value: the first line's, or the first that is not empty."""
        for number, cells in record.lines:
            value = self._read(draft, column, number, cells)
            if value is not None:
                if column.target.path == self._mapping.key:
                    draft.key = cleaned(cells[column.choice.place])
                if column.target.writable:
                    draft.values[column.target.path] = value
                return
        if self._mapping.clear and column.target.writable:
            draft.values[column.target.path] = None

    def _row(self, draft: Draft, columns: Sequence[_Column], number: int, cells: Sequence[str]) -> dict[str, Any]:
        read = {column.target.field.name: self._read(draft, column, number, cells) for column in columns}
        row = {name: value for name, value in read.items() if value is not None}
        return {**row, "": number} if row else {}

    def _read(self, draft: Draft, column: _Column, number: int, cells: Sequence[str]) -> Any:
        """A cell's value, None where it is empty or cannot be read, which is noted."""
        place = column.choice.place
        try:
            text = cleaned(cells[place]) if place < len(cells) else ""
            if not text:
                return None
            if column.kind:
                names = [part.strip() for part in LISTED.split(text)] if column.several else [text]
                return _Named(column=column, line=number, names=[name for name in names if name])
            return column.read(text)
        except Refused as refused:
            draft.refusals.append(
                Refusal(line=number, header=column.choice.header, code=refused.code, params=refused.params)
            )
            return None

    # -- what cells name

    def _link(self, drafts: Sequence[Draft]) -> None:
        """Puts ids in the place of names."""
        found = [named for draft in drafts for named in _named(draft)]
        for column in self._columns:
            if column.kind:
                texts = (name for named in found if named.column is column for name in named.names)
                self._lookups.learn(column.kind, column.by, texts)
        for draft in drafts:
            for holder in (draft.values, *_rows(draft)):
                for name, value in list(holder.items()):
                    if isinstance(value, _Named):
                        holder[name] = self._ids(draft, value)

    def _ids(self, draft: Draft, named: _Named) -> Any:
        column, ids = named.column, []
        for name in named.names:
            found = self._lookups.ids(column.kind, column.by, name)
            if len(found) == 1:
                ids.append(found[0])
                continue
            code = "import.named_nothing" if not found else "import.named_several"
            params = {"value": name[:80], "count": len(found)}
            draft.refusals.append(Refusal(line=named.line, header=column.choice.header, code=code, params=params))
        if column.several:
            return [str(id) for id in ids] or None
        return ids[0] if ids else None

    # -- records that exist

    def _find(self, drafts: Sequence[Draft]) -> None:
        header = self._mapping.header_of(self._mapping.key)
        self._lookups.learn(self._form.name, self._mapping.key, (draft.key for draft in drafts if draft.key))
        for draft in drafts:
            found = self._lookups.ids(self._form.name, self._mapping.key, draft.key) if draft.key else ()
            params = {"value": draft.key[:80], "count": len(found)}
            if len(found) == 1:
                draft.id = found[0]
            elif len(found) > 1:
                draft.refusals.append(
                    Refusal(line=draft.line, header=header, code="import.named_several", params=params)
                )
            elif self._mapping.mode == "update":
                code = "import.named_nothing" if draft.key else "import.empty_key"
                draft.refusals.append(Refusal(line=draft.line, header=header, code=code, params=params))

    def _once(self, drafts: Sequence[Draft], staged: Staged) -> None:
        """No two records of a table have the same key, or the same value where that must be unique."""
        for draft in drafts:
            values = {path: draft.values.get(path) for path in self._unique}
            if self._mapping.mode != "create":
                values[self._mapping.key] = draft.key
            for path, value in values.items():
                first = staged.twice(path, str(value), draft.line) if value not in (None, "") else None
                if first is not None:
                    params = {"value": str(value)[:80], "line": first}
                    header = self._mapping.header_of(path)
                    draft.refusals.append(Refusal(line=draft.line, header=header, code="import.twice", params=params))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """Names that stand in a cell, until their ids are known."""

    column: _Column
    line: int
    names: Sequence[str]


def _rows(draft: Draft) -> Iterator[dict[str, Any]]:
    for value in draft.values.values():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from value


def _named(draft: Draft) -> Iterator[_Named]:
    for holder in (draft.values, *_rows(draft)):
        yield from (value for value in holder.values() if isinstance(value, _Named))
