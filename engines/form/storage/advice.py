"""Indexes that views ask for: equal conditions first, then the order, so that a page is one short range."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zlib import crc32

from engines import feel
from engines.feel.nodes import And, Comparison, Group, Literal, Name, Node
from engines.form.definition import ViewDefinition
from engines.form.storage.indexes import IndexSpec
from engines.form.storage.tables import StoredForm

_MOST_EQUAL = 2


def view_indexes(form: StoredForm) -> Iterator[IndexSpec]:
    """One index for each view that has conditions or an order over stored columns, each shape once."""
    seen: set[tuple[str, ...]] = {index.columns for index in form.rows.indexes}
    for view in form.compiled.views.values():
        equal = _equal_columns(form, view)[:_MOST_EQUAL]
        order = _order_column(form, view)
        columns = tuple(dict.fromkeys((*equal, *((order,) if order else ()), "id")))
        if len(columns) > 1 and columns not in seen:
            seen.add(columns)
            name = f"v_{form.table.name}_{'_'.join(columns[:-1])}"
            short = name if len(name) <= 63 else f"{name[:52]}_{_number_of(name):08x}"
            yield IndexSpec(name=short, table=form.table.name, columns=columns, live_only=True)


def report_index(form: StoredForm, filters: Sequence[str], dated: str) -> IndexSpec | None:
    """The index for a report's rows: what its conditions hold equal, then the day by which periods are cut out of it.

    None where it would have no column, or the form has one that begins with the same columns.
    """
    equal = [name for text in filters for name in _equal_in(form, text)][:_MOST_EQUAL]
    day = form.rows.columns.get(dated)
    columns = tuple(dict.fromkeys((*equal, *((day.name,) if day is not None else ()))))
    known = [index.columns for index in (*form.rows.indexes, *view_indexes(form))]
    if not columns or any(other[: len(columns)] == columns for other in known):
        return None
    name = f"p_{form.table.name}_{'_'.join(columns)}"
    short = name if len(name) <= 63 else f"{name[:52]}_{_number_of(name):08x}"
    return IndexSpec(name=short, table=form.table.name, columns=(*columns, "id"), live_only=True)


def _number_of(name: str) -> int:
    """A number that stands for a long name, the same in every process."""

    return crc32(name.encode())


def _order_column(form: StoredForm, view: ViewDefinition) -> str:
    if not view.sort:
        return ""
    name = view.sort[0].field
    key = form.rows.sort_keys.get(name, form.rows.columns.get(name))
    return key.name if key is not None else name if name in ("created_at", "updated_at", "owner", "department") else ""


def _equal_columns(form: StoredForm, view: ViewDefinition) -> list[str]:
    """Columns that the view's filter compares with ``=`` in conditions that must all hold."""
    return _equal_in(form, view.filter) if view.filter else []


def _equal_in(form: StoredForm, text: str) -> list[str]:
    """Columns that a condition compares with ``=`` in parts that must all hold."""
    tree = _bare(feel.compile(text, form.compiled.scope).tree)
    terms = [_bare(term) for term in tree.terms] if isinstance(tree, And) else [tree]
    names = [name for term in terms if (name := _equal_name(term))]
    return [form.rows.columns[name].name for name in names if name in form.rows.columns]


def _bare(node: Node) -> Node:
    return _bare(node.inner) if isinstance(node, Group) else node


def _equal_name(term: Node) -> str:
    """The field that a term compares with a constant; empty where it does something else."""
    if isinstance(term, Comparison) and term.operator == "=" and isinstance(term.right, Literal):
        return term.left.name if isinstance(term.left, Name) else ""
    return ""
