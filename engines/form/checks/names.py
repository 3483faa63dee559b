"""Names: each once in its list, none that the engine uses itself, none that was given up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engines.core import Diagnostic
from engines.form.definition import FieldDefinition, FormDefinition
from engines.form.scope import RESERVED


def check_names(form: FormDefinition) -> Iterator[Diagnostic]:
    """Codes: ``form.repeated_name``, ``form.reserved_name``, ``form.retired_name``."""
    members: list[tuple[str, str]] = [(f.name, f.pointer) for f in form.fields]
    yield from _repeated(form, [*members, *((r.name, r.pointer) for r in form.relations)])
    yield from _reserved(form, [*form.fields])
    yield from _retired(form, form.fields)
    for field in form.fields:
        yield from _repeated(form, [(f.name, f.pointer) for f in field.fields])
        yield from _reserved(form, field.fields)
        yield from _retired(form, field.fields)
        yield from _repeated(form, _options(field))
    for items in (form.layouts, form.views, form.constraints):
        yield from _repeated(form, [(item.name, item.pointer) for item in items])


def _options(field: FieldDefinition) -> list[tuple[str, str]]:
    return [(option.name, f"{field.pointer}/options/{place}") for place, option in enumerate(field.options)]


def _repeated(form: FormDefinition, names: Sequence[tuple[str, str]]) -> Iterator[Diagnostic]:
    first: dict[str, str] = {}
    for name, pointer in names:
        if name in first:
            place = form.source.place(f"{pointer}/name")
            related = (form.source.place(f"{first[name]}/name"),)
            hint = "names are identity: rename one of the two"
            yield Diagnostic(code="form.repeated_name", found=name, hint=hint, related=related).at(place)
        first.setdefault(name, pointer)


def _reserved(form: FormDefinition, fields: Iterable[FieldDefinition]) -> Iterator[Diagnostic]:
    for field in fields:
        if field.name in RESERVED:
            hint = "expressions use this name for the record itself or for who is acting; choose another"
            place = form.source.place(f"{field.pointer}/name")
            yield Diagnostic(code="form.reserved_name", found=field.name, hint=hint).at(place)


def _retired(form: FormDefinition, fields: Sequence[FieldDefinition]) -> Iterator[Diagnostic]:
    given_up = {old: field for field in fields for old in field.formerly}
    for field in fields:
        holder = given_up.get(field.name)
        if holder is not None:
            hint = f'"{field.name}" is a former name of "{holder.name}"; a retired name is not used again'
            place = form.source.place(f"{field.pointer}/name")
            yield Diagnostic(code="form.retired_name", found=field.name, hint=hint).at(place)
