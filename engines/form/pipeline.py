"""The one way in: what was sent becomes a record's values, or a list of what is wrong with it.

The order is fixed: unknown keys refused → coerced → defaults → formulas in dependency order → visibility and what
becomes of hidden values → required → field, row and form constraints. Uniqueness is the database's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from typing import Any
from uuid import UUID

from engines import feel
from engines.core import InputProblem, Principal, PrincipalKind
from engines.core.principal import SYSTEM
from engines.core.source import pointer_of
from engines.feel import EvaluationContext, Expression
from engines.form.compiled import CompiledConstraint, CompiledField, CompiledForm, Mode
from engines.form.steps import ASSIGNED, Steps
from engines.form.types import Refused
from engines.form.types.people import parse_id

_MAX_ROUNDS = 10
_MAX_ROWS = 1000
_MISSING: Any = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormInput:
    """What was sent, and what it is judged against."""

    # Field name to value as sent: Python values, JSON data or texts of a web form.
    values: Mapping[str, Any]
    # The record's values now; None for a new record.
    current: Mapping[str, Any] | None = None
    # Name of the layout that was filled in: its required fields are asked for. Empty: what is sent.
    layout: str = ""
    principal: Principal = SYSTEM
    context: EvaluationContext
    # Other records that expressions read: field or relation name to what ``CompiledForm.reads`` asks for; for a
    # reference in rows, "lines.product" to contexts by id.
    references: Mapping[str, Any] = field(default_factory=dict)
    # Names for who acts: me, my_department, my_departments, my_roles, my, settings.
    around: Mapping[str, Any] = field(default_factory=dict)
    # Fields that the principal may write; None: all.
    writable: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormResult:
    """The record's values after all steps, and what is wrong with them."""

    # Every field's value, entered and computed.
    values: Mapping[str, Any]
    # All of them at once; those with severity "error" refuse the record.
    problems: tuple[InputProblem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing refuses the record."""
        return all(problem.severity != "error" for problem in self.problems)


def run(compiled: CompiledForm, given: FormInput) -> FormResult:
    """The values of the record that ``given`` asks for, with everything that is wrong with them."""
    return _Run(compiled, given).result()


def value_of(expression: Expression, names: Mapping[str, Any], context: EvaluationContext) -> Any:
    """The value of an expression as plain Python."""
    return feel.to_python(expression.evaluate(names, context).value)


class _Run:
    """One run. ``values`` are what is stored; ``names`` are the same as expressions see them."""

    def __init__(self, compiled: CompiledForm, given: FormInput) -> None:
        self._form = compiled
        self._given = given
        self._context = given.context
        self._problems: list[InputProblem] = []
        self._bad: set[str] = set()
        self.values: dict[str, Any] = {}
        self.names: dict[str, Any] = dict(given.around)
        self._hidden: set[str] = set()

    def result(self) -> FormResult:
        steps = self._form.steps
        self._start(steps)
        self._take(steps)
        for table, columns in steps.subtables:
            self._take_rows(table, columns)
        self._defaults(steps.defaults, self.values, self.names, steps)
        self._settle(steps)
        self._required(steps)
        self._constraints(steps)
        return FormResult(values=self.values, problems=tuple(self._problems))

    # -- taking what was sent

    def _start(self, steps: Steps) -> None:
        current = self._given.current
        self.values |= steps.empty
        if current:
            self.values |= {name: value for name in steps.fields if (value := current.get(name)) is not None}
        for table, _ in steps.subtables:
            if self.values[table.name] is None:
                self.values[table.name] = []
        for name in (*self._form.relations, *ASSIGNED):
            self.names[name] = self._given.references.get(name, [] if name in self._form.relations else None)
        self.names["previous"] = current
        self._show(steps)
        if current:
            for name in ("id", "version", "created_at", "created_by", "updated_at", "updated_by", *ASSIGNED):
                self.names[name] = current.get(name)
            self.values |= {name: current.get(name) for name in ASSIGNED if name in current}
        self._link_people()

    def _link_people(self) -> None:
        for name in ("owner", "department", "created_by", "updated_by"):
            found = self.values.get(name, self.names.get(name))
            self.names[name] = {"id": found, "name": None} if isinstance(found, UUID) else found

    def _show(self, steps: Steps) -> None:
        """Makes expressions see what they read of the record."""
        for name in steps.heads & self.values.keys():
            self.names[name] = self._seen(steps, name, self.values[name])

    def _seen(self, steps: Steps, name: str, value: Any) -> Any:
        if value is None or name not in steps.links:
            return value
        found = self._given.references.get(name)
        return found if isinstance(found, Mapping) and found.get("id") == value else {"id": value}

    def _take(self, steps: Steps) -> None:
        free, writable = steps.free, self._given.writable
        for name, value in self._given.values.items():
            if name in free and value is not None and (writable is None or name in writable):
                try:
                    self.values[name] = kept = free[name](value)
                except Refused as refused:
                    self._bad.add(f"/{name}")
                    self._refuse(f"/{name}", refused.code, **refused.params)
                else:
                    if name in steps.heads:
                        self.names[name] = self._seen(steps, name, kept)
            elif name in ASSIGNED:
                self._assign(name, value)
            elif name not in steps.fields:
                self._refuse(pointer_of(name), "form.unknown_field", field=name)
            elif steps.fields[name].rows is None:
                self._put(steps.fields[name], value, steps)

    def _assign(self, name: str, raw: Any) -> None:
        """Owner and department may be set like fields."""
        try:
            value = None if raw is None else parse_id(raw)
        except Refused as refused:
            self._refuse(pointer_of(name), refused.code, **refused.params)
            return
        before = (self._given.current or {}).get(name)
        if value != before and self._given.writable is not None and name not in self._given.writable:
            self._refuse(pointer_of(name), "form.not_writable")
            return
        self.values[name] = value
        self._link_people()

    def _put(self, item: CompiledField, raw: Any, steps: Steps) -> None:
        name = item.name
        ok, value = self._coerced(item, raw, f"/{name}")
        if ok and self._may_set(item, value, self.values.get(name), self.names, f"/{name}"):
            self.values[name] = value
            self.names[name] = self._seen(steps, name, value)

    def _coerced(self, item: CompiledField, raw: Any, pointer: str) -> tuple[bool, Any]:
        if raw is None:
            return True, item.kind.empty()
        try:
            value = item.coerce(raw)
        except Refused as refused:
            self._bad.add(pointer)
            self._refuse(pointer, refused.code, **refused.params)
            return False, None
        if value is not None and item.name in self._form.steps.zoned and value.tzinfo is None:
            value = value.replace(tzinfo=self._context.zone).astimezone(UTC)
        return True, value

    def _may_set(self, item: CompiledField, value: Any, before: Any, names: Mapping[str, Any], pointer: str) -> bool:
        """Refuses a new value for a field that is computed, read-only or not this principal's to write."""
        if value == before:
            return False
        if not item.entered:
            # What the system computes comes back with a form that shows it; only a person's own value is an error.
            return self._refuse(pointer, "form.computed") if item.mode is Mode.ENTERED and before is None else False
        if self._given.writable is not None and item.name not in self._given.writable and "/" not in pointer[1:]:
            return self._refuse(pointer, "form.not_writable")
        if self._given.principal.kind in (PrincipalKind.PERSON, PrincipalKind.PUBLIC):
            condition = item.read_only_when
            if item.read_only or (condition is not None and self._true(condition, names)):
                return self._refuse(pointer, "form.read_only")
        return True

    # -- rows

    def _take_rows(self, table: CompiledField, steps: Steps) -> None:
        raw = self._given.values.get(table.name, _MISSING)
        before = self.values[table.name]
        if raw is _MISSING:
            self._see_rows(table.name, before, steps)
            return
        ok, rows = self._coerced(table, raw, f"/{table.name}")
        if not ok or not self._may_replace(table):
            rows = before
        kept = {row["id"]: row for row in before if row.get("id")}
        most = table.definition.config.get("max_rows", _MAX_ROWS)
        if len(rows) > most:
            self._refuse(f"/{table.name}", "form.too_many_rows", max=most, count=len(rows))
        elif len(rows) < table.definition.config.get("min_rows", 0):
            fewest = table.definition.config["min_rows"]
            self._refuse(f"/{table.name}", "form.too_few_rows", min=fewest, count=len(rows))
        taken = [self._row(table.name, place, row, kept, steps) for place, row in enumerate(rows)]
        self.values[table.name] = taken
        self._see_rows(table.name, taken, steps)
        for place, (row, sent) in enumerate(zip(taken, rows, strict=True)) if steps.defaults else ():
            if "id" not in row:
                names = self._row_names(table.name, place)
                self._defaults(steps.defaults, row, names, steps, sent)
                self.names[table.name][place] |= {name: names[name] for name, _ in steps.defaults}

    def _may_replace(self, table: CompiledField) -> bool:
        if self._given.writable is not None and table.name not in self._given.writable:
            return self._refuse(f"/{table.name}", "form.not_writable")
        return True

    def _row(
        self, table: str, place: int, sent: Mapping[str, Any], kept: Mapping[Any, Mapping[str, Any]], steps: Steps
    ) -> dict[str, Any]:
        """One row: that of the same id with what was sent put over it, or a new one."""
        pointer = f"/{table}/{place}"
        before = self._row_before(sent, kept, pointer) if sent.get("id") else {}
        row: dict[str, Any] = {**dict.fromkeys(steps.fields), **before}
        free = steps.free
        for name, raw in sent.items():
            if raw is not None and name in free:
                try:
                    row[name] = free[name](raw)
                except Refused as refused:
                    self._bad.add(f"{pointer}/{name}")
                    self._refuse(f"{pointer}/{name}", refused.code, **refused.params)
            elif name != "id":
                self._put_cell(row, name, raw, steps, pointer)
        return row

    def _put_cell(self, row: dict[str, Any], name: str, raw: Any, steps: Steps, pointer: str) -> None:
        item = steps.fields.get(name)
        if item is None:
            self._refuse(f"{pointer}/{name}", "form.unknown_field", field=name)
            return
        try:
            value = None if raw is None else item.coerce(raw)
        except Refused as refused:
            self._bad.add(f"{pointer}/{name}")
            self._refuse(f"{pointer}/{name}", refused.code, **refused.params)
            return
        if name in steps.zoned and value is not None and value.tzinfo is None:
            value = value.replace(tzinfo=self._context.zone).astimezone(UTC)
        if self._may_set(item, value, row[name], {**self.names, **row}, f"{pointer}/{name}"):
            row[name] = value

    def _row_before(
        self, sent: Mapping[str, Any], kept: Mapping[Any, Mapping[str, Any]], pointer: str
    ) -> Mapping[str, Any]:
        try:
            key = parse_id(sent["id"])
        except Refused:
            key = None
        if key is not None and key not in kept:
            self._refuse(pointer, "form.unknown_row")
        return kept.get(key, {})

    def _see_rows(self, table: str, rows: Sequence[Mapping[str, Any]], steps: Steps) -> None:
        if not steps.heads and table not in self._form.steps.heads:
            self.names[table] = ()
            return
        seen = [dict(row) for row in rows]
        for name in steps.links:
            known = self._given.references.get(f"{table}.{name}", {})
            for row in seen:
                if row.get(name) is not None:
                    row[name] = known.get(row[name]) or {"id": row[name]}
        self.names[table] = seen

    def _row_names(self, table: str, place: int) -> dict[str, Any]:
        return {**self._given.around, **self.names[table][place], "parent": self._parent(table)}

    def _parent(self, table: str) -> dict[str, Any]:
        """The record as its rows' expressions see it: only what they read, as values are converted one by one."""
        return {name: self.names.get(name) for name in self._form.steps.parent_reads[table]}

    # -- computing

    def _defaults(
        self,
        defaults: Sequence[tuple[str, Expression]],
        values: dict[str, Any],
        names: dict[str, Any],
        steps: Steps,
        sent: Mapping[str, Any] | None = None,
    ) -> None:
        if sent is None and self._given.current is not None:
            return
        sent = self._given.values if sent is None else sent
        for name, expression in defaults:
            if name not in sent and values.get(name) is None:
                self._compute(steps.fields[name], expression, values, names, steps)

    def _compute(
        self,
        item: CompiledField,
        expression: Expression,
        values: dict[str, Any],
        names: dict[str, Any],
        steps: Steps,
        pointer: str = "",
    ) -> bool:
        """Sets a field to an expression's value; tells whether that changed it."""
        raw = value_of(expression, names, self._context)
        try:
            value = item.kind.empty() if raw is None else item.coerce(raw)
        except Refused as refused:
            self._bad.add(pointer or f"/{item.name}")
            self._refuse(pointer or f"/{item.name}", refused.code, **refused.params)
            return False
        if value is None and item.definition.config.get("aggregate") in ("sum", "count"):
            value = item.coerce(0)
        if value is not None and item.name in steps.zoned and value.tzinfo is None:
            value = value.replace(tzinfo=self._context.zone).astimezone(UTC)
        changed = bool(values.get(item.name) != value)
        values[item.name] = value
        names[item.name] = {"id": value} if value is not None and item.name in steps.links else value
        return changed

    def _settle(self, steps: Steps) -> None:
        """Formulas and visibility until neither changes anything; clearing a hidden value may move a formula."""
        for _ in range(_MAX_ROUNDS):
            self._formulas(steps)
            if not self._hide(steps):
                return
        self._refuse("", "form.unsettled", rounds=_MAX_ROUNDS)

    def _formulas(self, steps: Steps) -> None:
        for name in self._form.formula_order:
            table, _, column = name.rpartition(".")
            if table:
                self._row_formulas(table, column, steps)
                continue
            item = steps.fields[name]
            if item.formula is not None and self._computes(item):
                self._compute(item, item.formula, self.values, self.names, steps)

    def _computes(self, item: CompiledField) -> bool:
        """Stored formulas always; a live one when a check may need it; figures over other records only when new."""
        if item.mode is Mode.MAINTAINED:
            return self._given.current is None
        return item.mode is Mode.STORED or item.name in self._form.live_at_save

    def _row_formulas(self, table: str, column: str, steps: Steps) -> None:
        inner = next(columns for item, columns in steps.subtables if item.name == table)
        item = inner.fields[column]
        if item.formula is None or (item.mode is Mode.LIVE and f"{table}.{column}" not in self._form.live_at_save):
            return
        rows, seen = self.values[table], self.names[table]
        parent = self._parent(table)
        for place, row in enumerate(rows):
            names = {**self._given.around, **seen[place], "parent": parent}
            self._compute(item, item.formula, row, names, inner, f"/{table}/{place}/{column}")
            seen[place][column] = names[column]

    def _hide(self, steps: Steps) -> bool:
        """Finds what is not visible and clears it where its policy says so; tells whether a value changed."""
        changed = False
        self._hidden.clear()
        for name, expression in steps.visible:
            if not self._true(expression, self.names):
                self._hidden.add(f"/{name}")
                changed = self._clear(steps.fields[name], self.values, self.names) or changed
        for table, columns in steps.subtables:
            for place, row in enumerate(self.values[table.name] if columns.visible else ()):
                names = self._row_names(table.name, place)
                for name, expression in columns.visible:
                    if not self._true(expression, names):
                        self._hidden.add(f"/{table.name}/{place}/{name}")
                        seen = self.names[table.name][place]
                        changed = self._clear(columns.fields[name], row, seen) or changed
        return changed

    def _clear(self, item: CompiledField, values: dict[str, Any], names: dict[str, Any]) -> bool:
        if item.definition.when_hidden == "keep" or not item.entered or values.get(item.name) in (None, []):
            return False
        values[item.name] = item.kind.empty()
        names[item.name] = item.kind.empty()
        return True

    # -- checking

    def _required(self, steps: Steps) -> None:
        asked = self._asked(steps)
        for name in steps.required:
            if name in asked and self.values[name] in (None, []):
                self._demand(name, self.values, f"/{name}")
        for name, expression in steps.required_when:
            if self._true(expression, self.names):
                self._demand(name, self.values, f"/{name}")
        for table, columns in steps.subtables:
            if table.name in self._given.values:
                self._required_cells(table.name, columns)

    def _required_cells(self, table: str, steps: Steps) -> None:
        for place, row in enumerate(self.values[table]):
            for name in steps.required:
                if row[name] is None:
                    self._demand(name, row, f"/{table}/{place}/{name}")
            for name, expression in steps.required_when:
                if self._true(expression, self._row_names(table, place)):
                    self._demand(name, row, f"/{table}/{place}/{name}")

    def _asked(self, steps: Steps) -> set[str]:
        """Fields whose being required counts now: all of a new record, else what is shown or sent."""
        if self._given.current is None and not self._given.layout:
            return set(steps.required)
        layout = self._form.layouts.get(self._given.layout)
        shown = set(layout.field_names()) if layout else set()
        return shown | self._given.values.keys() | (set(steps.required) if self._given.current is None else set())

    def _demand(self, name: str, values: Mapping[str, Any], pointer: str) -> None:
        if values.get(name) in (None, []) and pointer not in self._hidden and pointer not in self._bad:
            self._refuse(pointer, "form.required")

    def _constraints(self, steps: Steps) -> None:
        self._level_constraints(steps, self.values, lambda: self.names, "", self._given.current or {})
        for table, columns in steps.subtables:
            if columns.limited or columns.constrained:
                for place, row in enumerate(self.values[table.name]):
                    names = self._row_names(table.name, place)
                    self._level_constraints(columns, row, partial(dict, names), f"/{table.name}/{place}", {})
        for constraint in self._form.constraints:
            self._hold(constraint, self.names, [pointer_of(name) for name in constraint.fields] or [""])

    def _level_constraints(
        self,
        steps: Steps,
        values: Mapping[str, Any],
        names: Callable[[], Mapping[str, Any]],
        at: str,
        current: Mapping[str, Any],
    ) -> None:
        for name in steps.limited:
            self._offered(steps.fields[name], values, current.get(name), f"{at}/{name}")
        for item in steps.constrained:
            pointer = f"{at}/{item.name}"
            if item.constraint and values.get(item.name) is not None and pointer not in self._hidden:
                self._hold(item.constraint, names(), [pointer])

    def _offered(self, item: CompiledField, values: Mapping[str, Any], before: Any, pointer: str) -> None:
        """Refuses newly chosen options that are retired or not offered with what another field holds."""
        upper = values.get(str(item.definition.config.get("depends_on", "")))
        chosen = set(_listed(values.get(item.name))) - set(_listed(before))
        for option in item.definition.options:
            if option.name in chosen and option.retired:
                self._refuse(pointer, "form.option_retired", value=option.name)
            elif option.name in chosen and option.when and not set(_listed(upper)) & set(option.when):
                self._refuse(pointer, "form.option_not_offered", value=option.name)

    def _hold(self, constraint: CompiledConstraint, names: Mapping[str, Any], pointers: Sequence[str]) -> None:
        if self._bad.intersection(pointers):
            return
        if value_of(constraint.condition, names, self._context) is False:
            self._problems.extend(
                InputProblem(pointer=pointer, code=constraint.code, text=constraint.text, severity=constraint.severity)
                for pointer in pointers
            )

    def _true(self, expression: Expression, names: Mapping[str, Any]) -> bool:
        return value_of(expression, names, self._context) is True

    def _refuse(self, pointer: str, code: str, **params: Any) -> bool:
        self._problems.append(InputProblem(pointer=pointer, code=code, params=params))
        return False


def _listed(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value
