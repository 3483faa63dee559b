"""What follows a publish, in the words of those who published it."""

from __future__ import annotations

from typing import Any

from builder.releases import Followup, followups_of
from builder.web.context import _, site
from builder.workspace import Work
from builder.workspace.records import form_set
from engines.form import StoredForm

_COLOURS = {"pending": "c-gray", "running": "c-blue", "done": "c-green", "failed": "c-red", "cancelled": "c-orange"}
# The latest ones; a release has few.
_MOST = 50


def followups_shown(work: Work, app: str) -> dict[str, Any]:
    """The steps of an app's releases for the page, and whether any is still open."""
    known = followups_of(work.connection, app)[:_MOST]
    rows = [_row(work, item) for item in known]
    return {"followups": rows, "open": any(item.state in ("pending", "running") for item in known)}


def _row(work: Work, item: Followup) -> dict[str, Any]:
    return {
        "id": item.id,
        "release": item.release,
        "label": _label(work, item),
        "state_label": _states()[item.state],
        "colour": _COLOURS[item.state],
        "error": _reason(item),
        "refused": (item.progress or {}).get("refused", 0),
        "share": item.share,
        "percent": int((item.share or 0) * 100),
        "may_cancel": item.may_be_cancelled,
        "may_resume": item.state in ("cancelled", "failed"),
    }


def _reason(item: Followup) -> str:
    """Why a step has failed; what the database says of values that are there twice is not for people."""
    if item.state == "failed" and item.step.get("unique"):
        return _("Values are there more than once: mend the records, then resume.")
    return item.error


def _states() -> dict[str, str]:
    return {
        "pending": _("waits"),
        "running": _("is being done"),
        "done": _("done"),
        "failed": _("failed"),
        "cancelled": _("cancelled"),
    }


def _label(work: Work, item: Followup) -> str:
    step = item.step
    if step["do"] == "index":
        form = next((f for f in form_set(work).values() if step["table"] in _tables(f)), None)
        names = {column.name: name for name, column in form.rows.columns.items()} if form else {}
        fields = [_field(form, names[c]) for c in step["columns"] if form and c in names] or step["columns"]
        return _("Index of %(form)s by %(fields)s", form=_form(form, step["table"]), fields=", ".join(fields))
    form = form_set(work).get(step["form"])
    given = {"form": _form(form, step["form"]), "field": _field(form, step["field"])}
    if step["do"] == "convert":
        return _("Conversion of %(field)s in %(form)s", **given)
    return _("Computing %(field)s in %(form)s", **given)


def _tables(form: StoredForm) -> set[str]:
    return {table.name for rows in form.all_rows() for table in (rows.table, rows.history)}


def _form(form: StoredForm | None, name: str) -> str:
    return site().text(form.compiled.definition.label) or name if form else name


def _field(form: StoredForm | None, name: str) -> str:
    head = name.partition(".")[0]
    found = form.compiled.fields.get(head) if form else None
    return site().text(found.definition.label) or name if found else name
