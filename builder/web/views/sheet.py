"""What every kind of view draws from: the records of a list under its reader's rights, and how they look on a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from flask import url_for
from markupsafe import Markup, escape

from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.filters import to_filter
from builder.web.forms import Display
from builder.web.forms.display import NONE, shown_type
from builder.web.listing import ListState
from builder.web.names import WorkNames, title_of
from builder.web.rows import column_label, record_value
from builder.workspace import Work
from engines.form import FieldDefinition, ListQuery, Page, Record, SortDefinition, to_feel

READABLE = frozenset({"read", "write", "masked"})
# Facts on one card.
MOST_FACTS = 5
Filter = str | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One value on a card."""

    label: str
    shown: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A record as a card."""

    id: UUID
    version: int
    href: str
    title: str
    facts: tuple[Fact, ...] = ()
    # Class of the colour of the option that the view colours by.
    color: str = ""


class Sheet:
    """One view for one reader, within one ``Work``."""

    def __init__(
        self, work: Work, place: FormPlace, state: ListState, access: Mapping[str, str], narrowed: str = ""
    ) -> None:
        """``narrowed``: a FEEL condition besides those of the list, such as that of a dashboard's mark."""
        self.work = work
        self.place = place
        self.state = state
        self.view = state.view
        self.access = access
        self.narrowed = narrowed
        self.names = WorkNames(work)
        self.display = Display(site().formats, self.names, place.app.name)

    # -- fields

    def key(self, name: str) -> str:
        """The field that a key of the view names; "" where it names none that the reader may see."""
        field = self._group() if name == "group" else str(self.view.config.get(name, ""))
        return field if self.readable(field) else ""

    def _group(self) -> str:
        return self.state.group if self.view.kind == "list" else self.view.group

    def sums(self) -> list[str]:
        """The fields that are added up for each group: those that the view names, else a list's numbers."""
        stated = self.keys("sums")
        if stated or self.view.kind != "list":
            return stated
        fields = self.place.form.fields
        return [n for n in self.state.columns if n in fields and _adds_up(fields[n].definition) and self.readable(n)]

    def keys(self, name: str) -> list[str]:
        """The same for a key that names several."""
        return [field for field in self.view.config.get(name, ()) if self.readable(field)]

    def readable(self, name: str) -> bool:
        """Whether the reader may see a field of some records."""
        return self.access.get(name) in {"read", "write"} if name in self.place.form.fields else bool(name)

    def movable(self, *names: str) -> bool:
        """Whether the reader may change all of the fields on some records, as by dragging."""
        return self.place.may("edit") and all(self._enterable(name) for name in names if name)

    def _enterable(self, name: str) -> bool:
        field = self.place.form.fields.get(name)
        return field is not None and field.entered and not field.read_only and self.access.get(name) == "write"

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The fields on a card, besides its title and what the view already shows by its shape."""
        drawn = {self.place.form.title, *(self.key(k) for k in ("group", "parent", "image"))}
        return tuple(name for name in self.state.columns if name not in drawn)[:MOST_FACTS]

    # -- records

    def query(
        self,
        *,
        narrow: Sequence[Filter] = (),
        columns: Sequence[str] = (),
        sort: tuple[SortDefinition, ...] = (),
        after: str = "",
        limit: int = 50,
        count: bool = False,
    ) -> ListQuery:
        """What the view asks the records for; ``columns`` besides those on the cards."""
        sort = self._sort() or sort
        wanted = [*self.shown, *columns, self.key("color"), self.place.form.title]
        fields = tuple(dict.fromkeys(name for name in wanted if name in self.place.form.fields))
        return ListQuery(
            view=self.view.name,
            filter=self.filter(*narrow),
            search=self.state.search,
            sort=sort,
            after=after or None,
            limit=limit,
            columns=fields,
            count=count,
        )

    def query_of(self, filter: str) -> ListQuery:
        """The view's records that meet a condition, whatever the reader has searched for."""
        return ListQuery(view=self.view.name, filter=filter)

    def _sort(self) -> tuple[SortDefinition, ...]:
        if self.state.sort is None:
            return ()
        name, descending = self.state.sort
        return (SortDefinition(field=name, direction="desc" if descending else "asc"),)

    def filter(self, *more: Filter) -> str | None:
        """All conditions as one: those chosen, that of the mark, and ``more``."""
        form, where = self.place.form, self.state.where
        chosen = (to_filter(self.state.conditions, form), where.data(form) if where else None)
        parts = [part for part in (*chosen, self.narrowed, *more) if part]
        texts = [part if isinstance(part, str) else self.feel(part) for part in parts]
        return " and ".join(f"({text})" for text in texts) or None

    def feel(self, condition: Mapping[str, Any]) -> str:
        """A condition as data in FEEL."""
        today = site().formats.now.astimezone(site().formats.zone).date()
        return to_feel(condition, self.place.form.scope.variables, today)

    def page(self, query: ListQuery) -> Page:
        """A page of records, whose names are then known."""
        found: Page = self.work.records.page(self.place.name, query)
        self.names.learn(self.place.form, found.records)
        return found

    # -- cards

    def card(self, record: Record) -> Card:
        """A record as a card."""
        facts = [(name, record_value(self.place.form, record, name, self.display)) for name in self.shown]
        return Card(
            id=record.id,
            version=record.version,
            href=self.href(record.id),
            title=self.title(record),
            facts=tuple(Fact(label=self.label(name), shown=_plain(shown)) for name, shown in facts if shown != NONE),
            color=self.color(record),
        )

    def href(self, id: UUID) -> str:
        """The record's page."""
        return url_for("records.page", app=self.place.app.name, form=self.place.local, id=id)

    def title(self, record: Record) -> str:
        """What the record is called."""
        return title_of(self.place.form, record, self.names)

    def called(self, field: str, id: str) -> str:
        """What the record, person or department is called that a field's value names by its id."""
        try:
            key = UUID(id)
        except ValueError:
            return id
        found = self.place.form.fields.get(field)
        if found is not None and found.target:
            return self.names.record(found.target, key) or _("not visible")
        department = found.kind.name == "department" if found is not None else field == "department"
        name = self.names.department(key) if department else self.names.person(key)
        return name or _("unknown")

    def label(self, name: str) -> str:
        """What a field is called."""
        return column_label(self.place.form, name)

    def color(self, record: Record) -> str:
        """Class of the colour of the option that the view colours by; "" for none."""
        name = self.key("color") or (self.view.group if self.view.kind in {"calendar", "gantt"} else "")
        field = self.place.form.fields.get(name)
        option = (
            next((o for o in field.definition.options if o.name == record.values.get(name)), None) if field else None
        )
        return f"c-{option.color}" if option and option.color.isalpha() else ""


def _adds_up(field: FieldDefinition) -> bool:
    return shown_type(field) in {"number", "money"}


def _plain(shown: Markup) -> Markup:
    """A value on a card, which is one link already: what links elsewhere is said without."""
    return escape(shown.striptags()) if "<a " in shown else shown
