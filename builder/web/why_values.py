"""What an explanation saw, as people read it: fields by their labels, and nothing that the person may not see."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape

from builder.web.access import field_access
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import _, site
from builder.web.forms import Display
from builder.web.forms.display import NONE
from builder.web.names import WorkNames
from engines.form import Record

HIDDEN = Markup("•••")
# Digits after the point of numbers that belong to no field.
DIGITS = 4


class Values:
    """The values behind a value of one record."""

    def __init__(self, place: FormPlace, record: Record, names: WorkNames) -> None:
        self._place = place
        self._record = record
        self._names = names
        self.display = Display(site().formats, names, place.app.name)

    def label(self, path: str) -> str:
        """What a dotted name is called: the field, relation or setting that it begins with."""
        head, _dot, rest = path.partition(".")
        form = self._place.form
        if head == "settings":
            setting = self._place.app.settings.get(rest)
            return site().text(setting.label) if setting else rest
        if head in form.fields:
            label = site().text(form.fields[head].definition.label) or head
            return f"{label} · {self._inner(form.fields[head].target, rest)}" if rest else label
        relation = next((one for one in form.definition.relations if one.name == head), None)
        if relation is not None:
            label = site().text(relation.label) or head
            return f"{label} · {self._inner(form.relations[head].form, rest)}" if rest else label
        return _SYSTEM.get(head, lambda: path)()

    def _inner(self, form: str, path: str) -> str:
        """A field of another form, by its label."""
        target, (head, *_rest) = place_of(form) if form else None, path.split(".")
        field = target.form.fields.get(head) if target else None
        return site().text(field.definition.label) if field else path

    def plain(self, path: str, value: Any) -> Markup:
        """What stood under a dotted name; of related records only how many they were."""
        head, _dot, rest = path.partition(".")
        if head in ("previous", "record") and rest:
            return self.plain(rest, value)
        if head in self._place.form.fields and not rest:
            return self.of_field(head, value)
        if head in self._place.form.fields and not (self.readable(head) and self.readable_inside(path)):
            return HIDDEN
        if isinstance(value, list | tuple) and head in self._place.form.relations:
            return escape(_("Records read: %(count)s", count=site().formats.number(len(value))))
        return self.of_nothing(value)

    def of_field(self, name: str, value: Any) -> Markup:
        """A value as the field of that name shows it; of no field, as it reads by itself."""
        field = self._place.form.fields.get(name)
        if field is None:
            return self.of_nothing(value)
        if not self.readable(name):
            return HIDDEN
        if value is None:
            return NONE
        return self.display.value(field.definition, _typed(field.definition.type, value))

    def of_nothing(self, value: Any) -> Markup:
        """A value that belongs to no field."""
        if value is None:
            return NONE
        if isinstance(value, UUID):
            return escape(self._names.person(value) or _("unknown"))
        if isinstance(value, Decimal):
            return escape(site().formats.number(round(value, DIGITS)))
        if isinstance(value, str):
            return escape(_dated(value))
        return escape(site().formats.plain(value))

    def readable_inside(self, path: str) -> bool:
        """Whether the person sees a field of the record that a reference points to; of records behind it, never."""
        head, _dot, rest = path.partition(".")
        field, id = self._place.form.fields[head], self._record.values.get(head)
        target = place_of(field.target) if field.target else None
        if target is None or not isinstance(id, UUID):
            return True
        access = "read" if rest in ("id", "name") else field_access(target.form, site().principal).get(rest)
        return self._names.record(field.target, id) is not None and access in {"read", "write"}

    def readable(self, name: str) -> bool:
        """Whether the person sees that field of the record."""
        return name in self._record.values and name not in self._record.masked


_SYSTEM = {
    "owner": lambda: _("Owner"),
    "department": lambda: _("Department"),
    "created_at": lambda: _("Created"),
    "updated_at": lambda: _("Changed"),
    "me": lambda: _("Who acted"),
}


def _typed(kind: str, value: Any) -> Any:
    """A stored value of a field; dates stand as text where they were kept with a rule."""
    if kind == "date" and isinstance(value, str):
        return date.fromisoformat(value)
    if kind == "datetime" and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value


def _dated(text: str) -> str:
    """A text that is an ISO date reads as one."""
    try:
        return site().formats.plain(datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text))
    except (ValueError, TypeError):
        return text
