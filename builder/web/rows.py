"""Records as rows of a table on a page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from markupsafe import Markup, escape

from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.forms import Display, is_numeric
from builder.web.forms.display import NONE
from engines.form import CompiledForm, Record

# What every record has, that lists can show.
SYSTEM_COLUMNS = ("created_at", "updated_at", "owner", "created_by", "updated_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a list."""

    name: str
    label: str
    numeric: bool = False
    # "ascending", "descending" or "" – as aria-sort says it.
    sorted: str = ""
    sort_href: str = ""
    shown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCell:
    """One value in a row."""

    label: str
    shown: Markup
    numeric: bool = False
    # Whether it links to the record.
    main: bool = False
    # Name of the field where it may be entered in the list itself; else empty.
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One record in a list."""

    href: str
    cells: tuple[RowCell, ...]
    id: str = ""
    version: int = 0


def column_label(form: CompiledForm, name: str) -> str:
    """What a column is called."""
    field = form.fields.get(name)
    if field is not None:
        return site().text(field.definition.short_label) or site().text(field.definition.label) or name
    return {
        "created_at": _("Created"),
        "updated_at": _("Changed"),
        "owner": _("Owner"),
        "created_by": _("Created by"),
        "updated_by": _("Changed by"),
        "department": _("Department"),
    }.get(name, name)


def plain_columns(form: CompiledForm, names: Iterable[str]) -> list[Column]:
    """Columns without sorting, for related lists."""
    known = [name for name in names if name in form.fields or name in SYSTEM_COLUMNS]
    return [Column(name=name, label=column_label(form, name), numeric=_numeric(form, name)) for name in known]


def _numeric(form: CompiledForm, name: str) -> bool:
    field = form.fields.get(name)
    return field is not None and is_numeric(field.definition)


def table_rows(
    place: FormPlace,
    records: Iterable[Record],
    columns: Sequence[Column],
    display: Display,
    editable: Collection[str] = (),
) -> list[TableRow]:
    """The rows of a table, linked by the first column that names the record; ``editable``: fields entered in place."""
    names = [column.name for column in columns]
    main = place.form.title if place.form.title in names else (names[0] if names else "")
    return [
        TableRow(
            href=url_for("records.page", app=place.app.name, form=place.local, id=record.id),
            cells=tuple(
                _cell(place.form, record, column, display, column.name == main, column.name in editable)
                for column in columns
            ),
            id=str(record.id),
            version=record.version,
        )
        for record in records
    ]


def _cell(form: CompiledForm, record: Record, column: Column, display: Display, main: bool, editable: bool) -> RowCell:
    shown = record_value(form, record, column.name, display)
    if main:
        # It is a link and a name: neither another link nor a badge stands inside.
        shown = escape(shown.striptags()) if "<" in shown else shown
    field = column.name if editable and column.name not in record.masked else ""
    return RowCell(label=column.label, shown=shown, numeric=column.numeric, main=main, field=field)


def record_value(form: CompiledForm, record: Record, name: str, display: Display) -> Markup:
    """A field or system value of a record as people read it."""
    if name in record.masked:
        return Markup("•••")
    field = form.fields.get(name)
    if field is not None:
        return display.value(field.definition, record.values.get(name))
    value: Any = record.system().get(name)
    if value is None:
        return NONE
    if name in {"owner", "created_by", "updated_by"}:
        return escape(display.names.person(value) or _("unknown"))
    return escape(display.formats.plain(value))
