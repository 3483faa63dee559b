"""What pickers offer: records by any searched text or pinyin, people, departments; always under the person's rights."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import abort

from builder.identity import DatabaseDirectory, all_departments
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import reading, site
from builder.web.names import WorkNames, row_title, title_of
from builder.web.option_labels import option_label
from builder.workspace import Work
from engines.form import CompiledField, ListQuery, Record
from engines.form.storage.sort_keys import initials

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


def choices_for(
    place: FormPlace, path: str, text: str, *, record: UUID | None = None, beside: str = ""
) -> list[dict[str, Any]]:
    """At most 20 choices as {id, label, detail}; ``record`` is the one edited, ``beside`` what another field holds."""
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
            case "references":
                return records_found(work, field.list_target, text)
            case "row_reference":
                return _rows_found(work, field, text, record, beside)
            case "choice" | "multi_choice":
                return _options(place.app.name, field, text, beside)
    abort(404)


def system_choices(kind: str, text: str) -> list[dict[str, Any]]:
    """People or departments, for what every record has."""
    with reading() as work:
        if kind == "department":
            return _departments(work, text)
        return [{"id": str(id), "label": name} for id, name in DatabaseDirectory(work.connection).search(text, MOST)]


def _options(app: str, field: CompiledField, text: str, beside: str) -> list[dict[str, Any]]:
    """Options whose label holds the text, or begins with it in pinyin initials."""
    wanted = text.lower()
    found = []
    for option in field.definition.options:
        label = option_label(app, field.definition, option)
        offered = not option.when or not beside or beside in option.when
        if not option.retired and offered and (wanted in label.lower() or initials(label).startswith(wanted)):
            found.append({"id": option.name, "label": label})
            if len(found) >= MOST:
                break
    return found


def _rows_found(work: Work, field: CompiledField, text: str, record: UUID | None, beside: str) -> list[dict[str, Any]]:
    """Rows of the record that the field's reference holds, or of the record itself."""
    target = place_of(field.row_target)
    table = str(field.definition.config["rows"])
    if field.definition.config.get("reference"):
        record = _uuid(beside)
    if target is None or record is None or not target.may("see"):
        return []
    found: Record | None = work.records.get(target.name, record)
    if found is None:
        return []
    names = WorkNames(work)
    rows = [(row["id"], row_title(target.form, table, row, names)) for row in found.values.get(table) or []]
    return [{"id": str(id), "label": title} for id, title in rows if text.lower() in title.lower()][:MOST]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


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
