"""The page on which whoever starts a process chooses who does its steps, where the process leaves that to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, url_for

from builder.web.catalogue import FormPlace
from builder.web.context import _, reading, site
from builder.web.forms import Cell
from builder.web.names import WorkNames
from builder.web.people_picker import people_cell, people_named
from builder.web.record_parts import process_of
from builder.web.tasks import process_definition
from builder.web.wording import problem_text
from engines.core import InputError
from engines.form import LayoutItem
from engines.process.choosing import Choice

_PREFIX = "choose."


def chosen(form: Any) -> dict[str, tuple[UUID, ...]]:
    """The people chosen, by step."""
    names = {key for key in form if key.startswith(_PREFIX)}
    return {name.removeprefix(_PREFIX): people_named(form.getlist(name)) for name in names}


def is_about_choices(error: InputError) -> bool:
    """Whether a start was refused because somebody has to be chosen, and for nothing else."""
    return bool(error.problems) and all(item.pointer.startswith("/choices/") for item in error.problems)


def page(
    place: FormPlace, id: UUID, item: LayoutItem, made: Mapping[str, Sequence[UUID]], error: InputError
) -> Response:
    """The choices of the process that a button of a record starts; what is wrong is said once something was chosen."""
    problems = {found.pointer.rpartition("/")[2]: problem_text(found, site().locale) for found in error.problems}
    with reading() as work:
        names = WorkNames(work)
        process = process_of(place, item)
        choices = work.processes.choices(process, subject=(place.name, id))
        label = _process_label(process)
        cells = [_cell(choice, made, problems if made else {}, names) for choice in choices]
        subject = names.record(place.name, id) or ""
    address = {"app": place.app.name, "form": place.local, "id": id}
    html = render_template(
        "pages/start.html",
        title=label,
        subject=subject,
        cells=cells,
        action=url_for("records.press", **address, button=item.name),
        back=url_for("records.page", **address),
        place=place,
    )
    return make_response(html, 422 if made else 200)


def _process_label(name: str) -> str:
    definition = process_definition(*name.split(".", 1))
    return site().text(definition.label) if definition else name


def _cell(choice: Choice, made: Mapping[str, Sequence[UUID]], problems: Mapping[str, str], names: WorkNames) -> Cell:
    label = site().text(choice.label) or choice.node
    if choice.candidates is not None:
        names.learn_people(choice.candidates)
    among = None if choice.candidates is None else {id: names.person(id) or _("unknown") for id in choice.candidates}
    problem = problems.get(choice.node)
    return people_cell(
        f"{_PREFIX}{choice.node}",
        label,
        several=choice.several,
        among=among,
        chosen=[(id, names.person(id) or _("unknown")) for id in made.get(choice.node, ())],
        problems=(problem,) if problem else (),
    )
