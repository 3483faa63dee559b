"""The apps of the workspace as pages need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import abort, g

from builder.definitions import CompiledApp
from builder.web.access import may
from builder.web.context import site
from engines.form import CompiledForm


def apps() -> Mapping[str, CompiledApp]:
    """The apps in force by name, read once per request."""
    if "apps" not in g:
        here = site()
        g.apps = here.workspace.apps_of(here.signed_in.generation) if here.signed_in else here.workspace.apps
    found: Mapping[str, CompiledApp] = g.apps
    return found


def app_or_404(name: str) -> CompiledApp:
    """An installed app."""
    found = apps().get(name)
    if found is None:
        abort(404)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPlace:
    """A form in its app, as an address names it."""

    app: CompiledApp
    form: CompiledForm
    # The form's name without its app.
    local: str

    @property
    def name(self) -> str:
        """The qualified name, as records know it."""
        return self.form.name

    @property
    def label(self) -> str:
        """What one record is called."""
        return site().text(self.form.definition.label) or self.local

    @property
    def plural(self) -> str:
        """What several are called."""
        return site().text(self.form.definition.plural) or self.label

    @property
    def app_label(self) -> str:
        """The app's name for people."""
        return site().text(self.app.definition.label)

    def may(self, operation: str) -> bool:
        """Whether the person may do it with some of its records."""
        return may(self.form, site().principal, operation)


def form_or_404(app: str, form: str) -> FormPlace:
    """A form that the person may see something of; others do not exist for them."""
    found = app_or_404(app)
    compiled = found.forms.get(form)
    if compiled is None:
        abort(404)
    place = FormPlace(app=found, form=compiled, local=form)
    if not any(place.may(operation) for operation in ("see", "create", "edit")):
        abort(404)
    return place


def place_of(qualified: str) -> FormPlace | None:
    """The place of a form by its qualified name; None where its app is gone."""
    app, _dot, local = qualified.partition(".")
    found = apps().get(app)
    compiled = found.forms.get(local) if found else None
    return FormPlace(app=found, form=compiled, local=local) if found and compiled else None
