"""Entering a record: the form page for a new or an existing one, shown again when something is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, make_response, render_template, url_for
from werkzeug.datastructures import MultiDict

from builder.web.access import field_access
from builder.web.catalogue import FormPlace
from builder.web.confirming import confirmation
from builder.web.conflicts import Clash
from builder.web.context import _, reading, site
from builder.web.forms import Display, FormView, form_view, layout_for, picker_source, read_values
from builder.web.names import WorkNames, title_of
from builder.workspace import Work
from engines.core import InputProblem, new_id
from engines.form import FieldDefinition, FormInput, LayoutDefinition, Record, run


def record_input(place: FormPlace, data: MultiDict[str, str], purpose: str) -> dict[str, Any]:
    """What was sent for the fields of the layout; nothing else is read."""
    return read_values(data, layout_fields(place, layout_for(place.form, purpose)))


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
) -> Response:
    """The page with the form: 200, 422 with problems, 409 after a lost race."""
    purpose = "edit" if record else "create"
    confirm = confirmation(problems)
    problems = () if confirm else problems
    with reading() as work:
        names = WorkNames(work)
        if record:
            names.learn(place.form, [record])
        view = entry_view(work, place, purpose, record, typed or {}, problems, names)
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
) -> FormView:
    """The form's view for entering; a new record shows its defaults."""
    values = dict(record.values) if record else _defaults(work, place, typed)
    return form_view(
        place.form,
        layout_for(place.form, purpose),
        values,
        Display(site().formats, names, place.app.name),
        access=field_access(place.form, site().principal),
        problems=problems,
        typed=typed,
        source=picker_source(place.app.name, place.local),
    )


def _defaults(work: Work, place: FormPlace, typed: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values that a new record starts with; what is wrong with it so far is not said."""
    world = work.records.of(place.name).world
    given = FormInput(values=typed, principal=world.principal, context=world.context, around=world.around)
    return run(place.form, given).values
