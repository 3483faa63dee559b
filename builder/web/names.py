"""What ids are called, read once per request and only as far as the person may see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.identity import DatabaseDirectory
from builder.web.catalogue import apps, place_of
from builder.web.context import site
from builder.workspace import Work
from engines.core import LocalizedText
from engines.form import CompiledForm, Record


class WorkNames:
    """Names read inside one ``Work``."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._directory = DatabaseDirectory(work.connection)
        self._records: dict[tuple[str, UUID], str | None] = {}
        self._people: dict[UUID, str | None] = {}
        self._departments: dict[UUID, str | None] = {}

    def learn(self, form: CompiledForm, records: Iterable[Record]) -> None:
        """Takes over the titles that come with records, and reads the people they name in one query."""
        people: set[UUID] = set()
        listed: dict[str, set[UUID]] = {}
        for record in records:
            people |= {id for id in (record.owner, record.created_by, record.updated_by) if id}
            for name, field in form.fields.items():
                value = record.values.get(name)
                if field.list_target and isinstance(value, list):
                    listed.setdefault(field.list_target, set()).update(UUID(key) for key in value)
                if not isinstance(value, UUID):
                    continue
                if field.target:
                    self._records[field.target, value] = record.titles.get(name)
                elif field.definition.type == "person":
                    people.add(value)
        self.learn_people(people)
        for target, ids in listed.items():
            self.learn_records(target, [id for id in ids if (target, id) not in self._records])

    def learn_records(self, form: str, ids: Sequence[UUID]) -> None:
        """Reads the titles of records in one query."""
        place = place_of(form) if ids else None
        found = self._work.records.get_many(form, ids) if place and place.may("see") else []
        self._records.update({(form, id): None for id in ids})
        for record in found if place else ():
            self._records[form, record.id] = title_of(place.form, record, self) if place else None

    def learn_people(self, people: Iterable[UUID]) -> None:
        """Reads names of people in one query."""
        wanted = [id for id in people if id not in self._people]
        found: Mapping[UUID, str] = self._directory.names(wanted)
        self._people.update({id: found.get(id) for id in wanted})

    def learn_departments(self, departments: Iterable[UUID]) -> None:
        """Reads names of departments in one query."""
        wanted = [id for id in departments if id not in self._departments]
        found = self._directory.department_names(wanted)
        texts = {id: LocalizedText.of(found.get(id)).get(site().locale) or None for id in wanted}
        self._departments.update(texts)

    def record(self, form: str, id: UUID) -> str | None:
        """Title of a record; None where it is gone or hidden."""
        if (form, id) not in self._records:
            self._records[form, id] = self._read(form, id)
        return self._records[form, id]

    def _read(self, form: str, id: UUID) -> str | None:
        place = place_of(form)
        record = self._work.records.get(form, id) if place and place.may("see") else None
        return title_of(place.form, record, self) if place and record else None

    def person(self, id: UUID) -> str | None:
        """Name of a person."""
        self.learn_people([id])
        return self._people[id]

    def department(self, id: UUID) -> str | None:
        """Name of a department in the visitor's language."""
        self.learn_departments([id])
        return self._departments[id]

    def row(self, form: str, table: str, id: UUID) -> str | None:
        """What a row of a sub-table is called: its first two values."""
        place = place_of(form)
        if place is None or not place.may("see") or table not in place.form.subtables:
            return None
        rows = self._work.records.of(form).world.form(form).children[table].table
        parent = self._work.connection.execute(sa.select(rows.c.parent).where(rows.c.id == id)).scalar()
        record = self._work.records.get(form, parent) if parent else None
        found = next((row for row in (record.values.get(table) or [] if record else []) if row["id"] == id), None)
        return row_title(place.form, table, found, self) if found else None

    def role(self, name: str) -> str | None:
        """What a role is called in the visitor's language."""
        app, _, local = name.partition(".")
        found = apps()[app].roles.get(local) if app in apps() else None
        return site().text(found.label) if found else None


def row_title(form: CompiledForm, table: str, row: Mapping[str, Any], names: WorkNames) -> str:
    """What a row of a sub-table is called: its first two values that are there."""
    from builder.web.forms import Display

    display = Display(site().formats, names, form.app)
    columns = [c for c in (form.fields[table].rows or {}).values() if row.get(c.name) not in (None, "", [])]
    return " · ".join(display.text(column.definition, row[column.name]) for column in columns[:2]) or "—"


def title_of(form: CompiledForm, record: Record, names: WorkNames) -> str:
    """What a record is called: the value of its title field."""
    from builder.web.forms import Display

    field = form.fields.get(form.title)
    if field is None or form.title not in record.values:
        return str(record.id)[:8]
    return Display(site().formats, names, form.app).text(field.definition, record.values[form.title]) or "—"
