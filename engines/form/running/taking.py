"""Taking what was sent: unknown keys refused, values read as their types, rows matched by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from engines.core.source import pointer_of
from engines.form.compiled import CompiledField
from engines.form.running.computing import Computing
from engines.form.steps import ASSIGNED, Steps
from engines.form.types import Refused
from engines.form.types.people import parse_id

_MAX_ROWS = 1000
_MISSING: Any = object()


class Taking(Computing):
    """The first part of a run; new rows get their defaults at once."""

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
        closed = self._closed(table)
        taken = [self._row(table.name, place, row, kept, steps, closed) for place, row in enumerate(rows)]
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

    def _closed(self, table: CompiledField) -> frozenset[str]:
        """The columns that this principal may not write."""
        writable = self._given.writable
        if writable is None:
            return frozenset()
        return frozenset(name for name in table.rows or () if f"{table.name}.{name}" not in writable)

    def _row(
        self,
        table: str,
        place: int,
        sent: Mapping[str, Any],
        kept: Mapping[Any, Mapping[str, Any]],
        steps: Steps,
        closed: frozenset[str],
    ) -> dict[str, Any]:
        """One row: that of the same id with what was sent put over it, or a new one."""
        pointer = f"/{table}/{place}"
        before = self._row_before(sent, kept, pointer) if sent.get("id") else {}
        row: dict[str, Any] = {**dict.fromkeys(steps.fields), **before}
        free = steps.free
        for name, raw in sent.items():
            if raw is not None and name in free and name not in closed:
                try:
                    row[name] = free[name](raw)
                except Refused as refused:
                    self._bad.add(f"{pointer}/{name}")
                    self._refuse(f"{pointer}/{name}", refused.code, **refused.params)
            elif name != "id":
                self._put_cell(row, name, raw, steps, pointer, closed)
        return row

    def _put_cell(
        self, row: dict[str, Any], name: str, raw: Any, steps: Steps, pointer: str, closed: frozenset[str]
    ) -> None:
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
        if name in closed and item.entered and value != row[name]:
            self._refuse(f"{pointer}/{name}", "form.not_writable")
        elif self._may_set(item, value, row[name], {**self.names, **row}, f"{pointer}/{name}"):
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
