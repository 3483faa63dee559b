"""Formulas that need each other: told with the whole chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engines.core import Diagnostic
from engines.form.definition import FieldDefinition, FormDefinition


def find_cycles(needs: Mapping[str, frozenset[str]]) -> list[tuple[str, ...]]:
    """Chains ``(a, b, a)`` of names that need each other, each circle once, found in the order of ``needs``."""
    done: set[str] = set()
    circles: list[tuple[str, ...]] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circles.append((*path[path.index(name) :], name))
            return
        if name in done:
            return
        for other in sorted(needs.get(name, ())):
            visit(other, (*path, name))
        done.add(name)

    for name in needs:
        visit(name, ())
    return circles


def in_order(needs: Mapping[str, frozenset[str]]) -> list[str]:
    """The names so that each comes after all that it needs; there must be no circle."""
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in ordered:
            for other in sorted(needs.get(name, ())):
                if other in needs:
                    visit(other)
            ordered[name] = None

    for name in needs:
        visit(name)
    return list(ordered)


def check_cycles(
    form: FormDefinition, fields: Mapping[str, FieldDefinition], needs: Mapping[str, frozenset[str]]
) -> Iterator[Diagnostic]:
    """Code: ``form.formula_cycle``, with the chain in ``found`` and the other formulas as related places."""
    for chain in find_cycles(needs):
        places = [form.source.place(_formula(fields[name])) for name in chain[:-1]]
        yield Diagnostic(
            code="form.formula_cycle",
            found=" → ".join(chain),
            hint="let one of them be entered, or compute it from other fields",
            related=tuple(places[1:]),
        ).at(places[0])


def _formula(field: FieldDefinition) -> str:
    return f"{field.pointer}/formula" if field.formula else field.pointer
