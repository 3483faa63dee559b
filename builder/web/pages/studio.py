"""The studio's frame: the apps one may build, an app's definitions, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from builder.definitions import check_definitions
from builder.web.calendar_warnings import calendar_warnings
from builder.web.catalogue import apps
from builder.web.context import _, require_person, site
from builder.web.navigation import studio_apps
from builder.web.notices import notify
from builder.web.pages import (
    studio_dashboards,
    studio_decisions,
    studio_forms,
    studio_insight,
    studio_instances,
    studio_new_form,
    studio_processes,
    studio_proof,
    studio_releases,
    studio_texts,
)
from builder.web.studio.drafting import DraftView, ProblemShown, edit, shown, view
from engines.core import Diagnostic

blueprint = Blueprint("studio", __name__, url_prefix="/studio")
blueprint.before_request(require_person)
KINDS = ("form", "decision", "rules", "process", "scores", "dataset", "dashboard")
_ICONS = {"form": "form", "decision": "tablegrid", "rules": "rules", "process": "flow", "scores": "star"}
_TEXT_KINDS = frozenset({"scores", "dataset", "dashboard", "app", "roles", "options", "template", "calendar", "import"})


@blueprint.get("/")
def index() -> Response | str:
    """The apps that the person may build."""
    names = studio_apps()
    if not names:
        abort(404)
    if len(names) == 1:
        return redirect(url_for("studio.overview", app=names[0]))  # type: ignore[return-value]
    shown_apps = [
        {
            "name": name,
            "label": site().text(apps()[name].definition.label),
            "description": site().text(apps()[name].definition.description),
        }
        for name in names
    ]
    return render_template("studio/index.html", apps=shown_apps)


def frame(found: DraftView, here: str) -> dict[str, Any]:
    """What every page of the studio shows around its own."""
    tabs = [
        ("overview", _("Definitions"), url_for("studio.overview", app=found.app)),
        ("checks", _("Checks"), url_for("studio.checks", app=found.app)),
        ("publish", _("Publish"), url_for("studio.publish_page", app=found.app)),
        ("releases", _("Releases"), url_for("studio.releases", app=found.app)),
    ]
    return {
        "app": found.app,
        "app_label": found.label,
        "studio_tabs": [
            {"name": name, "label": label, "href": href, "current": name == here} for name, label, href in tabs
        ],
        "edits": found.edits,
        "undone": found.undone,
    }


def kind_labels() -> dict[str, str]:
    """What the kinds of definitions are called."""
    return {
        "form": _("Forms"),
        "decision": _("Decisions"),
        "rules": _("Rules"),
        "process": _("Processes"),
        "scores": _("Score models"),
        "dataset": _("Datasets"),
        "dashboard": _("Dashboards"),
    }


def address_of(app: str, key: str) -> str:
    """The editor of a definition."""
    kind, _colon, name = key.partition(":")
    match kind:
        case "form":
            return url_for("studio.form", app=app, form=name)
        case "dashboard":
            return url_for("studio.dashboard", app=app, dashboard=name)
        case "decision":
            return url_for("studio.decision", app=app, decision=name)
        case "process":
            return url_for("studio.process", app=app, process=name)
    return url_for("studio.text", app=app, key=key)


@blueprint.get("/<app>/")
def overview(app: str) -> str:
    """All definitions of an app."""
    found = view(app)
    groups: dict[str, list[dict[str, str]]] = {kind: [] for kind in KINDS}
    others: list[dict[str, str]] = []
    for key, document in found.documents.items():
        kind, _colon, name = key.partition(":")
        label = site().text(document.data.get("label")) if isinstance(document.data, dict) else ""
        entry = {
            "name": name or key,
            "label": label or name or key,
            "file": document.file,
            "href": address_of(app, key),
            "icon": _ICONS.get(kind, "list"),
            "changed": "yes" if _changed(found, key) else "",
        }
        groups[kind].append(entry) if kind in groups else others.append(entry)
    makers = {"form": url_for("studio.new_form_page", app=app)}
    shown_groups = [
        {"label": kind_labels()[kind], "entries": entries, "new_href": makers.get(kind, "")}
        for kind, entries in groups.items()
        if entries or kind in makers
    ]
    if others:
        shown_groups.append({"label": _("Further files"), "entries": others})
    return render_template("studio/overview.html", **frame(found, "overview"), groups=shown_groups)


def _changed(found: DraftView, key: str) -> bool:
    before = found.published.get(key)
    return before is None or before.data != found.documents[key].data


@blueprint.get("/<app>/checks")
def checks(app: str) -> str:
    """Everything that is wrong with the draft."""
    found = view(app)
    problems = problems_shown(found)
    warnings = calendar_warnings([apps()[app]]) if app in apps() else []
    return render_template("studio/checks.html", **frame(found, "checks"), problems=problems, warnings=warnings)


def problems_shown(found: DraftView, diagnostics: Sequence[Diagnostic] | None = None) -> list[ProblemShown]:
    """The problems of the whole app, each with the way to where it can be mended; checks it unless they are given."""
    known = check_definitions(found.definitions()) if diagnostics is None else diagnostics
    keys = {document.file: key for key, document in found.documents.items()}
    return [shown(item, _jump(found.app, keys, item)) for item in known]


def _jump(app: str, keys: dict[str, str], item: Diagnostic) -> str:
    key = keys.get(item.file)
    if key is None:
        return ""
    href = address_of(app, key)
    return f"{href}#L{item.line}" if key.startswith("rules:") else f"{href}?at={item.pointer}"


@blueprint.post("/<app>/undo")
def undo(app: str) -> Response:
    """Takes the last edit back."""
    return _step(app, redo=False)


@blueprint.post("/<app>/redo")
def redo(app: str) -> Response:
    """Brings the edit taken back last."""
    return _step(app, redo=True)


def _step(app: str, *, redo: bool) -> Response:
    from flask import request

    from builder.web.pages.auth import local_target

    done = edit(app, lambda draft: draft.redo_step() if redo else draft.undo_step())
    if not done:
        notify(_("There is nothing to take back.") if not redo else _("There is nothing to bring back."))
    return redirect(local_target(request.form.get("next")))  # type: ignore[return-value]


studio_forms.register(blueprint, frame)
studio_new_form.register(blueprint, frame)
studio_decisions.register(blueprint, frame)
studio_dashboards.register(blueprint, frame)
studio_texts.register(blueprint, frame)
studio_proof.register(blueprint, frame)
studio_processes.register(blueprint, frame)
studio_insight.register(blueprint, frame)
studio_instances.register(blueprint, frame)
studio_releases.register(blueprint, frame, problems_shown, kind_labels)
