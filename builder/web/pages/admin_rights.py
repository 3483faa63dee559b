"""What a person may see and do, and why; and looking through their eyes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from builder.identity import Person, get_person
from builder.rights.explaining import Grant, RecordAnswer, explain_form, explain_forms, explain_record, looked_at
from builder.rights.looking import begin_look
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import _, change, reading, site
from builder.web.names import WorkNames, title_of
from builder.workspace import Work
from engines.core import Principal, SystemClock
from engines.form import Count

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
Page = Callable[..., str]


def register(blueprint: Blueprint, page: Page, role_label: Callable[[str], str]) -> None:
    """Adds the pages to the administration."""

    @blueprint.get("/people/<uuid:id>/rights")
    def person_rights(id: UUID) -> str:
        """All forms: what the person may do with each, and how many records they see."""
        with reading() as work:
            person, who = _person(work, id)
            found = explain_forms(work, who, site().locale) if who else []
        groups: dict[str, list[dict[str, Any]]] = {}
        for item in found:
            app = item.form.partition(".")[0]
            allowed = [operation_labels()[name] for name in item.allowed]
            seen = {"seen": _count(item.seen), "total": _count(item.total)}
            row = {"label": item.label, "href": _href(id, item.form), "allowed": allowed, **seen}
            groups.setdefault(app, []).append(row)
        labels = {name: _app_label(name) for name in groups}
        roles = [role_label(role) for role in sorted(who.roles)] if who else []
        shown = {"person": person, "groups": groups, "app_labels": labels, "roles": roles}
        return page("rights", "people", **shown, may_look=who is not None and id != site().principal.id)

    @blueprint.get("/people/<uuid:id>/rights/<app>/<form>")
    def form_rights(id: UUID, app: str, form: str) -> str:
        """One form: operations, fields, and one record on demand."""
        name, asked = f"{app}.{form}", request.args.get("record", "").strip()
        with reading() as work:
            person, who = _person(work, id)
            place = place_of(name)
            if place is None or who is None:
                abort(404)
            found = explain_form(work, who, name, site().locale)
            answer = _answer(work, place, who, asked) if asked else None
        operations = [
            {
                "label": operation_labels()[item.operation],
                "grants": [_grant(grant, role_label) for grant in item.grants],
                "others": [role_label(role) for role in item.others],
            }
            for item in found.operations
        ]
        held = list(dict.fromkeys(role for field in found.fields for role in field.by_role))
        return page(
            "rights_form",
            "people",
            person=person,
            place=place,
            app_label=_app_label(app),
            operations=operations,
            fields=[{**asdict(f), "shown": _shown(f.access, f.varies)} for f in found.fields],
            held=[(role, _role(role, role_label)) for role in held],
            access_labels=access_labels(),
            seen=_count(found.seen),
            total=_count(found.total),
            asked=asked,
            answer=answer and _answered(answer, role_label),
        )

    @blueprint.post("/people/<uuid:id>/look")
    def look(id: UUID) -> Response:
        """Looks through the person's eyes from now on."""
        signed_in = site().signed_in
        session = signed_in.session if signed_in else None
        if session is None:
            abort(404)
        now = SystemClock().now()
        change(lambda work: begin_look(work, session, id, now), "rights.look")
        return redirect(url_for("home.index"))


def _person(work: Work, id: UUID) -> tuple[Person, Principal | None]:
    """The person, and how rights see them; None for who was shut out."""
    person = get_person(work.connection, id)
    return person, looked_at(work, id) if person.active else None


def _href(person: UUID, name: str) -> str:
    app, _dot, form = name.partition(".")
    return url_for("admin.form_rights", id=person, app=app, form=form)


def _app_label(name: str) -> str:
    from builder.web.catalogue import apps

    return site().text(apps()[name].definition.label) or name


def _count(count: Count) -> str:
    return f"{site().formats.number(count.value)}{'+' if count.capped else ''}"


def operation_labels() -> dict[str, str]:
    """What the operations are called."""
    return {
        "see": _("See"),
        "create": _("Create"),
        "edit": _("Edit"),
        "delete": _("Delete"),
        "import": _("Import"),
        "export": _("Export"),
        "print": _("Print"),
        "share": _("Share"),
        "comment": _("Add comments"),
    }


def access_labels() -> dict[str, str]:
    """What the levels of access to a field are called."""
    return {"hidden": _("hidden"), "masked": _("masked"), "read": _("read"), "write": _("read and write")}


def _shown(access: str, varies: bool) -> str:
    label = access_labels()[access]
    return _("%(access)s, in some records", access=label) if varies else label


def _role(role: str, role_label: Callable[[str], str]) -> str:
    return _("shared record") if role.endswith(".shared") else role_label(role)


def _grant(grant: Grant, role_label: Callable[[str], str]) -> dict[str, str]:
    return {"role": _role(grant.role, role_label), "words": grant.words, "rows": grant.rows}


def _answer(work: Work, place: FormPlace, who: Principal, asked: str) -> dict[str, Any] | None:
    """What was asked: the record by its id or its address."""
    found = _ID.findall(asked)
    answer = explain_record(work, who, place.name, UUID(found[-1]), site().locale) if found else None
    if answer is None:
        return {"missing": True}
    # Named as the person may see it: what they look at can be looked at through their eyes anyway.
    record = work.records_as(who, place.app.name).get(place.name, UUID(found[-1]))
    title = title_of(place.form, record, WorkNames(work)) if record else found[-1]
    return {"missing": False, "title": title, "answer": answer, "place": place}


def _answered(found: Mapping[str, Any], role_label: Callable[[str], str]) -> dict[str, Any]:
    if found["missing"]:
        return {"missing": True}
    answer: RecordAnswer = found["answer"]
    labels = operation_labels()
    fields = found["place"].form.fields
    closed = [
        site().text(fields[name].definition.label) or name
        for name, access in answer.access.items()
        if name in fields and access in ("hidden", "masked")
    ]
    return {
        "missing": False,
        "title": found["title"],
        "deleted": answer.deleted,
        "allowed": [labels[name] for name in answer.allowed],
        "denied": [label for name, label in labels.items() if name not in answer.allowed],
        "entries": [
            {**_grant(grant, role_label), "operations": [labels[name] for name in operations], "holds": holds}
            for grant, operations, holds in answer.entries
        ],
        "closed": closed if "see" in answer.allowed else [],
    }
