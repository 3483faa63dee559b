"""What pickers offer: records by any searched text or pinyin, people, departments; always under the person's rights."""

from __future__ import annotations

from typing import Any

from flask import abort

from builder.identity import DatabaseDirectory, all_departments
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import reading, site
from builder.web.names import WorkNames, title_of
from builder.workspace import Work
from engines.form import CompiledField, ListQuery

MOST = 20


def field_at(place: FormPlace, path: str) -> CompiledField:
    """A field of the form, or of one of its sub-tables by "lines.product"."""
    name, _dot, column = path.partition(".")
    field = place.form.fields.get(name)
    if field is not None and column:
        field = (field.rows or {}).get(column)
    if field is None:
        abort(404)
    return field


def choices_for(place: FormPlace, path: str, text: str) -> list[dict[str, Any]]:
    """At most 20 choices as {id, label, detail}."""
    field = field_at(place, path)
    with reading() as work:
        match field.definition.type:
            case "person":
                return [
                    {"id": str(id), "label": name} for id, name in DatabaseDirectory(work.connection).search(text, MOST)
                ]
            case "department":
                return _departments(work, text)
            case "reference":
                return records_found(work, field.target, text)
    abort(404)


def _departments(work: Work, text: str) -> list[dict[str, Any]]:
    found = [(item.id, site().text(item.name)) for item in all_departments(work.connection)]
    return [{"id": str(id), "label": name} for id, name in found if text.lower() in name.lower()][:MOST]


def records_found(work: Work, form: str, text: str) -> list[dict[str, Any]]:
    """Records of a form that hold ``text``."""
    target = place_of(form)
    if target is None or not target.may("see"):
        return []
    page = work.records.page(form, ListQuery(search=text, limit=MOST))
    names = WorkNames(work)
    names.learn(target.form, page.records)
    detail = next((n for n, f in target.form.fields.items() if f.definition.search and n != target.form.title), None)
    return [
        {
            "id": str(record.id),
            "label": title_of(target.form, record, names),
            "detail": str(record.values.get(detail) or "") if detail else "",
        }
        for record in page.records
    ]
