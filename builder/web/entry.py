"""Entering a record: the form page for a new or an existing one, shown again when something is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from builder.web.access import field_access
from builder.web.catalogue import FormPlace
from builder.web.confirming import confirmation
from builder.web.conflicts import Clash
from builder.web.context import _, reading, site
from builder.web.files import file_field, file_json, keep
from builder.web.forms import (
    Choice,
    Display,
    FormView,
    form_view,
    layout_for,
    picker_source,
    read_values,
    upload_target,
)
from builder.web.names import WorkNames, title_of
from builder.web.record_parts import holds
from builder.workspace import Work
from engines.core import InputError, InputProblem, Principal, new_id
from engines.form import FieldDefinition, FormInput, LayoutDefinition, Record, run

# Roles of every app that nobody is given.
OWN = frozenset({"app", "public"})


def record_input(place: FormPlace, data: MultiDict[str, str], purpose: str) -> dict[str, Any]:
    """What was sent for the fields of the layout; nothing else is read."""
    return read_values(data, layout_fields(place, layout_for(place.form, purpose)))


def sent_files(place: FormPlace, values: dict[str, Any], purpose: str, principal: Principal) -> list[InputProblem]:
    """Takes in the files that came with the form itself, as they do where no script runs; tells what was refused."""
    problems = []
    names = {field.name for field in layout_fields(place, layout_for(place.form, purpose))}
    for key in request.files:
        name = key.removesuffix("__file")
        if name not in names or values.get(name) is None:
            continue
        field = file_field(place, name)
        for sent in request.files.getlist(key):
            try:
                values[name] += [file_json(keep(place, name, field, sent, principal))] if sent.filename else []
            except InputError as error:
                problems += [replace(problem, pointer=f"/{name}") for problem in error.problems]
    return problems


def role_choices(place: FormPlace) -> list[Choice]:
    """The roles of the form's app, as a field that names one offers them."""
    found = place.app.roles.items()
    return [Choice(value=f"{place.app.name}.{n}", label=site().text(r.label) or n) for n, r in found if n not in OWN]


def layout_fields(place: FormPlace, layout: LayoutDefinition) -> list[FieldDefinition]:
    """Definitions of the fields that a layout shows."""
    fields = place.form.fields
    return [fields[name].definition for name in layout.field_names() if name in fields]


def entry_page(
    place: FormPlace,
    *,
    record: Record | None,
    typed: Mapping[str, Any] | None = None,
    problems: Sequence[InputProblem] = (),
    clash: Clash | None = None,
    version: int | None = None,
    start: Mapping[str, Any] | None = None,
) -> Response:
    """The page with the form: 200, 422 with problems, 409 after a lost race.

    ``start``: values that a new record begins with, its defaults apart.
    """
    purpose = "edit" if record else "create"
    confirm = confirmation(problems)
    problems = () if confirm else problems
    with reading() as work:
        names = WorkNames(work)
        if record:
            names.learn(place.form, [record])
        view = entry_view(work, place, purpose, record, typed or {}, problems, names, start)
        title = title_of(place.form, record, names) if record else ""
    href = url_for("records.page", app=place.app.name, form=place.local, id=record.id) if record else ""
    page = render_template(
        "pages/edit.html",
        app=place.app.name,
        form=place.local,
        app_label=place.app_label,
        plural=place.plural,
        heading=_("Edit: %(title)s", title=title) if record else _("New: %(form)s", form=place.label),
        subtitle="",
        view=view,
        is_new=record is None,
        key=str(new_id()),
        version=version if version is not None else (record.version if record else ""),
        dirty=bool(problems or clash or confirm),
        confirm=confirm,
        summary=_("Nothing was saved yet: %(count)s entries need a look.", count=len(problems)) if problems else "",
        conflict=clash,
        cancel=href or url_for("records.list", app=place.app.name, form=place.local),
    )
    return make_response(page, 409 if clash else 422 if view.invalid or confirm else 200)


def entry_view(
    work: Work,
    place: FormPlace,
    purpose: str,
    record: Record | None,
    typed: Mapping[str, Any],
    problems: Sequence[InputProblem],
    names: WorkNames,
    start: Mapping[str, Any] | None = None,
) -> FormView:
    """The form's view for entering; a new record shows its defaults."""
    values = dict(record.values) if record else _defaults(work, place, {**(start or {}), **typed})
    return form_view(
        place.form,
        layout_for(place.form, purpose),
        values,
        Display(site().formats, names, place.app.name),
        access=work.records.access(place.name, record.id) if record else field_access(place.form, site().principal),
        problems=problems,
        typed=typed,
        source=picker_source(place.app.name, place.local, record.id if record else None),
        uploads=upload_target(place.app.name, place.local),
        roles=role_choices(place),
        new=record is None,
        shows=_shows(work, place, values, record),
        new_rows=_row_defaults(work, place, typed),
    )


def _shows(work: Work, place: FormPlace, values: Mapping[str, Any], record: Record | None) -> Callable[[str], bool]:
    """Whether a condition of the layout holds: for the record as it is, or for what a new one starts with."""
    if record is not None:
        return lambda text: holds(work, place.name, record.id, text)
    world = work.records.of(place.name).world
    links = {name: {"id": value} for name, value in values.items() if isinstance(value, UUID)}
    names = {**world.around, **values, **links}
    return lambda text: place.form.conditions[text].evaluate(names, world.context).value is True


def _row_defaults(work: Work, place: FormPlace, typed: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """What a new row of each sub-table starts with."""
    tables = {name: [{}] for name in place.form.subtables}
    found = _run(work, place, {**typed, **tables}) if tables else {}
    return {name: _entered(place, name, found[name][0]) for name in tables}


def _entered(place: FormPlace, table: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    columns = place.form.fields[table].rows or {}
    return {name: row.get(name) for name, column in columns.items() if column.entered}


def _defaults(work: Work, place: FormPlace, typed: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values that a new record starts with; what is wrong with it so far is not said."""
    return _run(work, place, typed)


def _run(work: Work, place: FormPlace, typed: Mapping[str, Any]) -> Mapping[str, Any]:
    world = work.records.of(place.name).world
    given = FormInput(values=typed, principal=world.principal, context=world.context, around=world.around)
    return run(place.form, given).values
