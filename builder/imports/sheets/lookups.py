"""What cells name: records by title or key, people and departments by name; many at once, under rights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.storage.identity_tables import department, person
from builder.workspace import Work

CHUNK = 400


class Lookups:
    """Finds what a batch of cells names; each text is asked for once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._known: dict[tuple[str, str], dict[str, tuple[UUID, ...]]] = {}

    def learn(self, kind: str, by: str, texts: Iterable[str]) -> None:
        """Looks texts up: ``kind`` is a qualified form, "person" or "department"; ``by`` the field of a form."""
        known = self._known.setdefault((kind, by), {})
        wanted = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            found = self._find(kind, by, part)
            known.update({text: tuple(dict.fromkeys(found.get(text, ()))) for text in part})

    def ids(self, kind: str, by: str, text: str) -> tuple[UUID, ...]:
        """What a text that was learnt names: nothing, one, or several where it is not clear."""
        return self._known[kind, by][text]

    def _find(self, kind: str, by: str, texts: Sequence[str]) -> Mapping[str, Sequence[UUID]]:
        if kind == "person":
            return self._people(texts)
        if kind == "department":
            return self._departments(texts)
        return self._records(kind, by, texts)

    def _records(self, form: str, by: str, texts: Sequence[str]) -> Mapping[str, Sequence[UUID]]:
        records = self._work.records.of(form)
        if not records.may(form, "see"):
            return {}
        source = records.source(form)
        column = source.column(by)
        if column is None:
            return {}
        numbers = records.world.form(form).compiled.fields[by].definition.type == "number"
        values = [value for text in texts if (value := _value(text, numbers)) is not None]
        own = source.selectable.c.id
        query = sa.select(column.element, own).where(column.element.in_(values), source.visible_rows())
        found: dict[Any, list[UUID]] = defaultdict(list)
        for value, id in self._work.connection.execute(query):
            found[value].append(id)
        return {text: found[value] for text in texts if (value := _value(text, numbers)) in found}

    def _people(self, texts: Sequence[str]) -> Mapping[str, Sequence[UUID]]:
        lowered = {text: text.casefold() for text in texts}
        columns = (person.c.name, person.c.login, sa.func.lower(person.c.email))
        wanted = [person.c.name.in_(texts), columns[1].in_(lowered.values()), columns[2].in_(lowered.values())]
        rows = self._work.connection.execute(sa.select(person.c.id, *columns).where(sa.or_(*wanted))).all()
        return {
            text: [row[0] for row in rows if text == row[1] or low in (row[2], row[3])] for text, low in lowered.items()
        }

    def _departments(self, texts: Collection[str]) -> Mapping[str, Sequence[UUID]]:
        query = sa.select(department.c.id, department.c.code, department.c.name, department.c.labels)
        rows = self._work.connection.execute(query.where(department.c.archived_at.is_(None))).all()
        named = [(row[0], {row[1], row[2], *(row[3] or {}).values()}) for row in rows]
        return {text: [id for id, names in named if text in names] for text in texts}


def _value(text: str, number: bool) -> Any:
    if not number:
        return text
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
