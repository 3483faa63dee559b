"""A list page: what the address asks for, and the links that change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request

from builder.reports.drilling import DRILL
from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.filter_tree import Tree, parse_tree
from builder.web.filters import (
    NEEDS_NO_VALUE,
    OPERATORS,
    SYSTEM_KINDS,
    Condition,
    kind_at,
    operator_labels,
    parse_conditions,
    period_labels,
)
from builder.web.forms.display import shown_type
from builder.web.option_labels import option_label
from builder.web.rows import SYSTEM_COLUMNS, Column, column_label, plain_columns
from engines.form import ViewDefinition

PAGE_SIZE = 25
# What every record has by which a list may be sorted.
SORTABLE = ("created_at", "updated_at")
# What a list's address says of the list itself.
_OWN = frozenset({"view", "q", "f", "where", "sort", "cols", "group", "saved", "after", "add"})
# Types of fields by which a list is put into groups.
GROUPING = frozenset({"choice", "boolean", "reference", "person", "department", "role"})
UNGROUPED = "-"
# What it says of where one is in a calendar, a Gantt chart or a tree.
STANDS = ("on", "span", "zoom", "root")
_INPUTS = {"number": "text", "date": "date", "instant": "date", "text": "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListState:
    """What a list's address says."""

    view: ViewDefinition
    search: str
    conditions: tuple[Condition, ...]
    # Field and whether it is descending; None: the view's own order.
    sort: tuple[str, bool] | None
    columns: tuple[str, ...]
    after: str
    # What names the mark of a dashboard whose records are listed, as the address has it; empty for a plain list.
    mark: tuple[tuple[str, str], ...] = ()
    # Conditions within each other, besides those above.
    where: Tree | None = None
    # Field by which a list is put into groups; empty: it is not.
    group: str = ""
    # Id of the saved view that this is, or began as.
    saved: str = ""
    # Where one is in a view that is no list: a day, a scale.
    stands: tuple[tuple[str, str], ...] = ()
    # The address of the list where it is shown on another page; empty: it is the page asked for.
    path: str = ""

    @property
    def query(self) -> str:
        """What follows the path in the address of the list as it is, with its question mark."""
        return f"?{self.href().partition('?')[2]}"

    def href(self, *, path: str = "", **change: Any) -> str:
        """The address of the same list with something changed; without a page cursor unless it is given.

        ``path``: another page that reads the same, this one unless given.
        """
        state: dict[str, Any] = {
            "view": self.view.name,
            "q": self.search,
            "saved": self.saved,
            "f": [item.encoded for item in self.conditions],
            "where": self.where.encoded if self.where else "",
            "group": request.args.get("group", ""),
            "sort": f"{'-' if self.sort[1] else ''}{self.sort[0]}" if self.sort else "",
            "cols": request.args.getlist("cols"),
            "after": "",
            **dict(self.stands),
        } | change
        mark = state.pop("mark", self.mark)
        pairs = [
            (key, item) for key, value in state.items() for item in (value if isinstance(value, list) else [value])
        ]
        # A filter that was emptied is not one that was never given, so the mark's pairs stay as they are.
        told = urlencode([*((key, value) for key, value in pairs if value), *mark])
        return f"{path or self.path or request.path}?{told}"


def views_of(place: FormPlace) -> Mapping[str, ViewDefinition]:
    """The form's views; one of all its fields where it has none."""
    if place.form.views:
        return place.form.views
    names = tuple(name for name, field in place.form.fields.items() if field.rows is None)[:7]
    return {"": ViewDefinition(name="", columns=names)}


def read_state(place: FormPlace, known: Sequence[str]) -> ListState:
    """The state that the request asks for; ``known``: fields the person may read."""
    views = views_of(place)
    view = views.get(request.args.get("view", "")) or next(iter(views.values()))
    wanted = [*request.args.getlist("f"), *_added()]
    shown = {*known, *SYSTEM_COLUMNS}
    chosen = [name for name in request.args.getlist("cols") if name in shown]
    sort = request.args.get("sort", "")
    name = sort.removeprefix("-")
    return ListState(
        view=view,
        search=request.args.get("q", "").strip()[:200],
        conditions=tuple(dict.fromkeys(parse_conditions(wanted, place.form, known))),
        sort=(name, sort.startswith("-")) if name in {*known, *SORTABLE} else None,
        columns=tuple(chosen or [n for n in view.columns if n in shown] or known[:6]),
        after=request.args.get("after", ""),
        where=parse_tree(request.args.get("where", ""), place.form, frozenset(known)),
        group=_group(place, view, known),
        saved=request.args.get("saved", "")[:40],
        mark=_mark(),
        stands=tuple((name, request.args[name]) for name in STANDS if request.args.get(name)),
    )


def _group(place: FormPlace, view: ViewDefinition, known: Sequence[str]) -> str:
    """The field by which a list is put into groups; other kinds of views have their own."""
    given = request.args.get("group", "")
    wanted = "" if given == UNGROUPED else given or view.group
    return wanted if view.kind == "list" and wanted in groupable(place, known) else ""


def groupable(place: FormPlace, known: Sequence[str]) -> list[str]:
    """The fields by which a list may be put into groups."""
    fields = place.form.fields
    own = [n for n in known if n in fields and (shown_type(fields[n].definition) in GROUPING)]
    return [*own, "owner", "department"]


def _mark() -> tuple[tuple[str, str], ...]:
    """The pairs of the address that are not the list's own: they name a mark, where there is one."""
    if DRILL not in request.args:
        return ()
    pairs = request.args.items(multi=True)
    return tuple(
        (key, value) for key, value in pairs if key not in {*_OWN, *STANDS} and not key.startswith(("op.", "v."))
    )


def _added() -> list[str]:
    """The condition that the filter menu's form adds."""
    name = request.args.get("add", "")
    operator = request.args.get(f"op.{name}", "")
    return [f"{name}:{operator}:{request.args.get(f'v.{name}', '')}"] if name and operator else []


def columns_of(place: FormPlace, state: ListState) -> list[Column]:
    """The columns shown, each with the link that sorts by it."""
    return [_sortable(place, state, column) for column in plain_columns(place.form, state.columns)]


def _sortable(place: FormPlace, state: ListState, column: Column) -> Column:
    field = place.form.fields.get(column.name)
    sortable = column.name in SORTABLE if field is None else field.kind.sortable and field.rows is None
    if not sortable:
        return column
    current = state.sort or next(((s.field, s.direction == "desc") for s in state.view.sort), None)
    mine = current is not None and current[0] == column.name
    down = mine and current is not None and current[1]
    href = state.href(sort=column.name if not mine or down else f"-{column.name}")
    sorted_by = ("descending" if down else "ascending") if mine else ""
    return Column(name=column.name, label=column.label, numeric=column.numeric, sorted=sorted_by, sort_href=href)


def filter_groups(place: FormPlace, known: Sequence[str]) -> list[dict[str, Any]]:
    """What filters offer: fields with their operators and choices."""
    labels = operator_labels()
    groups = []
    for name in (*known, *SYSTEM_KINDS):
        kind = kind_at(place.form, name)
        if kind is None:
            continue
        groups.append(
            {
                "name": name,
                "label": column_label(place.form, name),
                "kind": kind,
                "operators": [{"name": operator, "label": labels[operator]} for operator in OPERATORS[kind]],
                "choices": _choices(place, name) if kind in {"choice", "several"} else [],
                "input": _INPUTS.get(kind, "text"),
            }
        )
    return groups


def _choices(place: FormPlace, name: str) -> list[dict[str, str]]:
    definition = place.form.fields[name].definition
    return [{"value": o.name, "label": option_label(place.app.name, definition, o)} for o in definition.options]


def simple(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the short filter menu offers: what needs no value that has to be looked up."""
    return [
        {**group, "operators": [o for o in group["operators"] if o["name"] not in _LONG]}
        for group in groups
        if group["kind"] in {"text", "number", "choice", "boolean", "date", "instant"} and group["name"] != "updated_at"
    ]


# Operators whose value one field cannot hold.
_LONG = frozenset({"any", "within"})


def condition_chips(place: FormPlace, state: ListState, title: Callable[[str, str], str]) -> list[dict[str, str]]:
    """The conditions in force, in words, each with the link that takes it away.

    ``title``: what the record, person or department is called that a condition names by its id.
    """
    chips = []
    for item in state.conditions:
        rest = [other.encoded for other in state.conditions if other != item]
        chips.append({"label": words_of(place, item, title), "without": state.href(f=rest)})
    if state.where:
        words = state.where.words(lambda item: words_of(place, item, title))
        chips.append({"label": words, "without": state.href(where=""), "edit": "yes"})
    return chips


def words_of(place: FormPlace, item: Condition, title: Callable[[str, str], str]) -> str:
    """A condition in words."""
    words = [column_label(place.form, item.field), operator_labels()[item.operator]]
    if item.operator not in NEEDS_NO_VALUE:
        words.append(_value_words(place, item, title))
    return " ".join(words)


def _value_words(place: FormPlace, item: Condition, title: Callable[[str, str], str]) -> str:
    field = place.form.fields.get(item.field)
    if item.operator == "within":
        return period_labels()[item.value]
    if kind_at(place.form, item.field) in {"link", "person", "department"}:
        return title(item.field, item.value)
    named = (
        {o.name: option_label(place.app.name, field.definition, o) for o in field.definition.options} if field else {}
    )
    return ", ".join(named.get(part, part) for part in (item.value.split(",") if named else [item.value]))


def count_text(value: int, capped: bool) -> str:
    """How many records there are, in words."""
    number = site().formats.number(value)
    return _("More than %(number)s records", number=number) if capped else _("%(number)s records", number=number)
