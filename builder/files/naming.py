"""Where a file belongs, when its form or field has been renamed since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.workspace.catalogue import Apps
from engines.form import CompiledField, CompiledForm


def current_form(apps: Apps, name: str) -> CompiledForm | None:
    """The form that is, or once was, called ``name`` (qualified)."""
    app, _, local = name.partition(".")
    forms = apps[app].forms if app in apps else {}
    if local in forms:
        return forms[local]
    return next((form for form in forms.values() if local in form.definition.formerly), None)


def current_field(form: CompiledForm, path: str) -> str:
    """The record's own field behind "photo" or "lines.photo", by its name now; empty where it is gone."""
    name, _, column = path.partition(".")
    found = _named(form.fields.values(), name)
    if found is None or (column and _named((found.rows or {}).values(), column) is None):
        return ""
    return found.name


def current_path(form: CompiledForm, path: str) -> str:
    """ "photo" or "lines.photo" by its names now; empty where it is gone."""
    name, _, column = path.partition(".")
    found = _named(form.fields.values(), name)
    inner = _named((found.rows or {}).values(), column) if found else None
    return f"{found.name}.{inner.name}" if found and inner else found.name if found and not column else ""


def former_paths(form: CompiledForm, path: str) -> Iterator[str]:
    """All names that "photo" or "lines.photo" has had, today's first."""
    name, _, column = path.partition(".")
    field = form.fields[name]
    for own in (field.name, *field.definition.formerly):
        inner = (field.rows or {}).get(column)
        if inner is None:
            yield own
        else:
            yield from (f"{own}.{part}" for part in (inner.name, *inner.definition.formerly))


def _named(fields: Iterable[CompiledField], name: str) -> CompiledField | None:
    known = list(fields)
    exact = next((field for field in known if field.name == name), None)
    return exact or next((field for field in known if name in field.definition.formerly), None)
