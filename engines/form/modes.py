"""Deciding where a computed value lives: stored, kept right from outside, or part of every query."""

from __future__ import annotations

from engines import feel
from engines.form.compiled import Mode
from engines.form.definition import FieldDefinition, FormDefinition
from engines.form.expressions import formula_of
from engines.form.scope import FormTypeContext
from engines.form.types import FieldTypes, PersonType, ReferenceType

Path = tuple[str, ...]


class ModeAnalysis:
    """Modes of the fields of forms, found from what their formulas read."""

    def __init__(self, types: FormTypeContext, registry: FieldTypes) -> None:
        self._types = types
        self._registry = registry
        self._known: dict[tuple[str, str, str], Mode] = {}

    def mode(self, form: FormDefinition, field: FieldDefinition, table: str = "") -> Mode:
        """Mode of a field of ``form``, or of a column of its sub-table ``table``."""
        text = formula_of(field, self._registry)
        if not text:
            return Mode.ENTERED
        key = (form.name, table, field.name)
        if key not in self._known:
            # While it is being found out, a formula that comes back to itself through other forms counts as live.
            self._known[key] = Mode.LIVE
            self._known[key] = self._find(form, text, table)
        return self._known[key]

    def _find(self, form: FormDefinition, text: str, table: str) -> Mode:
        subtable = form.field(table) if table else None
        scope = self._types.row_scope(form, subtable) if subtable else self._types.record_scope(form)
        expression = feel.compile(text, scope)
        if expression.volatile:
            return Mode.LIVE
        modes = {self._of_path(form, path, table) for path in expression.reads}
        if Mode.LIVE in modes:
            return Mode.LIVE
        return Mode.MAINTAINED if Mode.MAINTAINED in modes and not table else Mode.STORED

    def _of_path(self, form: FormDefinition, path: Path, table: str) -> Mode:
        """What reading ``path`` makes of a formula."""
        if table and path[0] == "parent":
            return self._of_path(form, path[1:], "") if len(path) > 1 else Mode.STORED
        subtable = form.field(table) if table else None
        beside = subtable.fields if subtable else form.fields
        field = next((f for f in beside if f.name == path[0]), None)
        if field is None:
            return self._of_relation(form, path) if not table else Mode.STORED
        if field.fields:
            return self._of_rows(form, field, path)
        kind = self._registry[field.type]
        if isinstance(kind, ReferenceType | PersonType) and path[1:] not in ((), ("id",)):
            return Mode.LIVE
        found = self.mode(form, field, table)
        return Mode.LIVE if found is Mode.LIVE else Mode.STORED

    def _of_rows(self, form: FormDefinition, subtable: FieldDefinition, path: Path) -> Mode:
        """Reading rows: live where any column that is read is."""
        read = [c for c in subtable.fields if len(path) == 1 or c.name == path[1]]
        through = any("form" in column.config for column in read) and len(path) > 2
        live = any(self.mode(form, column, subtable.name) is Mode.LIVE for column in read)
        return Mode.LIVE if live or through else Mode.STORED

    def _of_relation(self, form: FormDefinition, path: Path) -> Mode:
        relation = next((r for r in form.relations if r.name == path[0]), None)
        if relation is None:
            return Mode.STORED
        child = self._types.definition(relation.form)
        field = child.field(path[1]) if child and len(path) > 1 else None
        if len(path) > 2 or (child and field and self.mode(child, field) in (Mode.LIVE, Mode.MAINTAINED)):
            return Mode.LIVE
        return Mode.MAINTAINED
