"""Forms at public links: seen and sent without an account, with the rights of the app's ``public`` role alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.identity import public_principal
from builder.web.access import field_access, may
from builder.web.catalogue import FormPlace, form_or_404, place_of
from builder.web.context import _, change, reading, require_person, site
from builder.web.entry import layout_fields
from builder.web.files import take_upload, visitor_mark
from builder.web.forms import Display, FormView, form_view, layout_for, read_values
from builder.web.names import WorkNames
from builder.web.pages.auth import local_target
from builder.web.public_links import LIFE, PublicLink, count_answer, create_link, find_link
from builder.web.ratelimit import Brake
from builder.workspace import Work
from engines.core import AccessDenied, InputError, InputProblem, Principal, new_id
from engines.form import LayoutDefinition

blueprint = Blueprint("public", __name__)
_brake = Brake(30, 60)


def _open(token: str) -> tuple[PublicLink, FormPlace]:
    """The link and its form; 410 for a link that is good no more."""
    here = site()
    with here.workspace.read(here.principal) as work:
        link = find_link(work.connection, token, work.instant)
    place = place_of(link.form) if link else None
    if link is None or place is None or not place.form.definition.public:
        abort(410)
    return link, place


def _visitor(place: FormPlace) -> Principal:
    """The visitor, told from others by what their cookie says: what they upload is theirs to attach."""
    return replace(public_principal(place.app.name, site().locale), attributes={"visitor": visitor_mark()})


def _sender(place: FormPlace) -> Principal:
    """Who an answer is kept as: the visitor, with the app's own eyes for the records that the link points to.

    What visitors send was cut down to the fields that their role may write before this is used.
    """
    visitor = _visitor(place)
    if not may(place.form, visitor, "create"):
        raise AccessDenied("create", place.name)
    return replace(visitor, roles=visitor.roles | {f"{place.app.name}.app"})


def _allowed(place: FormPlace, values: Mapping[str, Any]) -> dict[str, Any]:
    access = field_access(place.form, _visitor(place))
    return {
        name: _allowed_rows(name, value, access) if name in place.form.subtables else value
        for name, value in values.items()
        if access[name] == "write"
    }


def _allowed_rows(table: str, rows: Any, access: Mapping[str, str]) -> Any:
    """The rows without the columns that visitors may not write."""
    if not isinstance(rows, list):
        return rows
    return [{n: v for n, v in row.items() if access.get(f"{table}.{n}", "write") == "write"} for row in rows]


def _layout(place: FormPlace) -> LayoutDefinition:
    stated = place.form.layouts.get(str(place.form.definition.public.get("layout", "")))
    return stated or layout_for(place.form, "public")


@blueprint.get("/p/<token>")
def form(token: str) -> Response:
    """The form, or thanks after it was sent."""
    _link, place = _open(token)
    return _page(token, place, done="sent" in request.args)


def _page(
    token: str,
    place: FormPlace,
    *,
    typed: Mapping[str, Any] | None = None,
    problems: Sequence[InputProblem] = (),
    done: bool = False,
    status: int = 200,
) -> Response:
    message = place.form.definition.public.get("message")
    html = render_template(
        "pages/public.html",
        heading=_heading(place),
        app_name=place.app_label,
        view=None if done else _view(token, place, typed or {}, problems),
        key=str(new_id()),
        done=done,
        message=site().text(message) if message else _("Your answer was received."),
    )
    return make_response(html, status)


def _heading(place: FormPlace) -> str:
    first = next((item for item in _layout(place).items if site().text(item.label)), None)
    return site().text(first.label) if first else place.label


def _view(token: str, place: FormPlace, typed: Mapping[str, Any], problems: Sequence[InputProblem]) -> FormView:
    principal, layout = _visitor(place), _layout(place)
    # The page's heading says what the first section would say again.
    items = tuple(replace(item, label=type(item.label)({})) if n == 0 else item for n, item in enumerate(layout.items))
    with site().workspace.read(principal) as work:
        display = Display(site().formats, WorkNames(work), place.app.name)
        access = field_access(place.form, principal)
        layout = replace(layout, items=items)
        return form_view(
            place.form,
            layout,
            {},
            display,
            access=access,
            problems=problems,
            typed=typed,
            new=True,
            uploads=lambda path: url_for("public.upload", token=token, field=path),
        )


@blueprint.post("/p/<token>/files/<field>")
def upload(token: str, field: str) -> Response:
    """Takes a file for a field of the form that visitors may fill in."""
    _brake.require()
    _link, place = _open(token)
    name = field.partition(".")[0]
    if name not in _layout(place).field_names() or not _allowed(place, {name: None}):
        abort(403)
    return take_upload(place, field, _visitor(place))


@blueprint.post("/p/<token>")
def send(token: str) -> BaseResponse:
    """Takes an answer, or shows the form again with all that was typed."""
    _brake.require()
    link, place = _open(token)
    values = _allowed(place, read_values(request.form, layout_fields(place, _layout(place))))
    here = site()

    def act(work: Work) -> None:
        count_answer(work, link)
        work.records.create(
            place.name, {**values, **link.prefill}, layout=_layout(place).name, vouched=frozenset(link.prefill)
        )

    key = f"{link.id}:{request.form.get('_key', '')}"
    try:
        here.workspace.run(act, _sender(place), command="public.answer", key=key)
    except InputError as error:
        return _page(token, place, typed=values, problems=error.problems, status=422)
    return redirect(url_for("public.form", token=token, sent=1))


@blueprint.post("/a/<app>/f/<form>/link")
def make(app: str, form: str) -> BaseResponse:
    """A new public link of a form, shown once."""
    if refused := require_person():
        return refused  # type: ignore[no-any-return]
    place = form_or_404(app, form)
    allowed = place.form.definition.public.get("prefill") or ()
    prefill = {name: request.form[name] for name in allowed if request.form.get(name)}
    missing = [name for name in allowed if name not in prefill and place.form.fields[name].required]
    if not place.form.definition.public or missing:
        raise InputError([InputProblem(pointer=f"/{name}", code="required") for name in missing])
    token = change(lambda work: create_link(work, place.name, prefill), "public_link.create")
    return make_response(
        render_template(
            "pages/public_link.html",
            address=_address(url_for("public.form", token=token)),
            plural=place.plural,
            facts=_facts(place, prefill),
            days=LIFE.days,
            back=local_target(request.form.get("next")),
        )
    )


def _facts(place: FormPlace, prefill: Mapping[str, str]) -> list[tuple[str, str]]:
    """What every answer will be about, in words: label and name."""
    with reading() as work:
        around = work.service("around")
        found = []
        for name, value in prefill.items():
            field = place.form.fields[name]
            title = around.title_of((field.target, UUID(value))) if field.target else value
            found.append((site().text(field.definition.label) or name, title))
        return found


def _address(path: str) -> str:
    base = site().workspace.settings.public_url.rstrip("/") or request.host_url.rstrip("/")
    return base + path
