"""How the value of a field reads on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import url_for
from markupsafe import Markup, escape

from builder.web.context import _
from builder.web.forms.model import Names
from builder.web.i18n import Formats
from engines.form import FieldDefinition

NONE = Markup('<span class="none">—</span>')
COLORS = frozenset("gray green red amber yellow orange blue violet purple teal cyan pink gold grey".split())


class Display:
    """Turns values into marked-up text, for one person and language."""

    def __init__(self, formats: Formats, names: Names, app: str) -> None:
        self.formats = formats
        self.names = names
        self.app = app

    def value(self, field: FieldDefinition, value: Any) -> Markup:
        """A value of ``field``; a dash where there is none."""
        if value is None or value == "" or value == []:
            return NONE
        show = _SHOW.get(shown_type(field))
        return show(self, field, value) if show else escape(self.formats.plain(value))

    def text(self, field: FieldDefinition, value: Any) -> str:
        """The same without markup, for titles and files."""
        return self.value(field, value).striptags() if value not in (None, "", []) else ""

    def number(self, field: FieldDefinition, value: Any) -> Markup:
        scale = field.config.get("scale")
        shown = escape(self.formats.number(Decimal(value), scale if scale is not None and scale <= 4 else None))
        return Markup('<span class="negative">{}</span>').format(shown) if Decimal(value) < 0 else shown

    def money(self, field: FieldDefinition, value: Any) -> Markup:
        amount = Decimal(value)
        scale = int(field.config.get("scale", 2))
        if scale > 2 and amount == amount.quantize(Decimal("0.01")):
            scale = 2
        shown = escape(self.formats.money(amount, str(field.config.get("currency", "CNY")), scale))
        return Markup('<span class="negative">{}</span>').format(shown) if amount < 0 else shown

    def percent(self, field: FieldDefinition, value: Any) -> Markup:
        scale = max(0, int(field.config.get("scale", 4)) - 2)
        text = self.formats.percent(Decimal(value), scale)
        return escape(text)

    def rating(self, field: FieldDefinition, value: Any) -> Markup:
        return escape(f"{self.formats.number(Decimal(value))} / {field.config.get('max', 5)}")

    def boolean(self, field: FieldDefinition, value: Any) -> Markup:
        return escape(_("Yes") if value else _("No"))

    def choice(self, field: FieldDefinition, value: Any) -> Markup:
        option = next((item for item in field.options if item.name == value), None)
        label = option.label.get(self.formats.locale) if option else str(value)
        return badge(label, option.color if option else "")

    def choices(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup(" ").join(self.choice(field, item) for item in value)

    def tags(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup(" ").join(badge(str(item), "") for item in value)

    def reference(self, field: FieldDefinition, value: Any) -> Markup:
        form = str(field.config.get("form", ""))
        form = form if "." in form else f"{self.app}.{form}"
        name = self.names.record(form, value) if isinstance(value, UUID) else None
        if name is None:
            return Markup('<span class="faint">{}</span>').format(_("not visible"))
        app, _dot, local = form.rpartition(".")
        return Markup('<a href="{}">{}</a>').format(url_for("records.page", app=app, form=local, id=value), name)

    def person(self, field: FieldDefinition, value: Any) -> Markup:
        name = self.names.person(value) if isinstance(value, UUID) else None
        return escape(name or _("unknown"))

    def department(self, field: FieldDefinition, value: Any) -> Markup:
        name = self.names.department(value) if isinstance(value, UUID) else None
        return escape(name or _("unknown"))

    def email(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup('<a href="mailto:{0}">{0}</a>').format(value)

    def phone(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup('<a href="tel:{0}">{0}</a>').format(value)

    def url(self, field: FieldDefinition, value: Any) -> Markup:
        if not str(value).startswith(("http://", "https://")):
            return escape(value)
        return Markup('<a href="{0}" rel="noopener noreferrer" target="_blank">{0}</a>').format(value)

    def files(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup(", ").join(escape(item.get("name", "")) for item in value if isinstance(item, Mapping))

    def rows(self, field: FieldDefinition, value: Any) -> Markup:
        return escape(self.formats.number(len(value)))


def badge(label: str, color: str) -> Markup:
    """A coloured word."""
    return Markup('<span class="badge {}">{}</span>').format(f"c-{color}" if color in COLORS else "", label)


def shown_type(field: FieldDefinition) -> str:
    """The type by which a value reads: that of its result where the field is computed."""
    if field.type in {"formula", "lookup", "rollup"}:
        return str(field.config.get("result", ""))
    return field.type


def is_numeric(field: FieldDefinition) -> bool:
    """Whether its values line up on the right."""
    return shown_type(field) in {"number", "money", "percent", "rating", "subtable"}


def plain_text(value: Any) -> str:
    """A value as an input holds it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else ""
        case Decimal():
            return format(value.normalize() if value == value.to_integral_value() else value, "f")
        case datetime():
            return value.isoformat(timespec="minutes")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case list() | tuple():
            return ", ".join(plain_text(item) for item in value)
    return str(value)


_SHOW: dict[str, Callable[[Display, FieldDefinition, Any], Markup]] = {
    "number": Display.number,
    "money": Display.money,
    "percent": Display.percent,
    "rating": Display.rating,
    "boolean": Display.boolean,
    "choice": Display.choice,
    "multi_choice": Display.choices,
    "tags": Display.tags,
    "reference": Display.reference,
    "person": Display.person,
    "department": Display.department,
    "email": Display.email,
    "phone": Display.phone,
    "url": Display.url,
    "attachment": Display.files,
    "image": Display.files,
    "signature": Display.files,
    "subtable": Display.rows,
}
