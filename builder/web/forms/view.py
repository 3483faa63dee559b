"""Building the view of a form: layout × fields × values × what was refused × rights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from flask import url_for

from builder.web.context import site
from builder.web.forms.display import Display, plain_text
from builder.web.forms.logic import browser_logic
from builder.web.forms.model import NOTHING, Block, Cell, Choice, FormView, Row
from builder.web.forms.widgets import attributes, scale_steps, widget
from builder.web.wording import problem_text
from engines.core import InputProblem
from engines.form import CompiledField, CompiledForm, LayoutDefinition, LayoutItem

# What a layout may hold besides fields when something is entered.
GROUPS = frozenset({"section", "tabs", "tab", "steps", "step"})
BLANK = "__row__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Builds the view of one form for one person."""

    form: CompiledForm
    values: Mapping[str, Any]
    display: Display
    # Field name to "hidden", "masked", "read" or "write"; fields not named here are "write".
    access: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[InputProblem] = ()
    # What was typed and refused, by field name; wins over ``values``.
    typed: Mapping[str, Any] = field(default_factory=dict)
    # Where a picker for a field asks; given the field's path.
    source: Callable[[str], str] | None = None
    # Fields that must be filled here although the form does not say so.
    required: frozenset[str] = frozenset()
    # Names of fields that the engine found not visible for these values.
    hidden: frozenset[str] = frozenset()
    locale: str = "zh"

    def build(self, layout: LayoutDefinition) -> FormView:
        """The view of ``layout``."""
        blocks = tuple(part for item in layout.items for part in self._item(item))
        shown = {cell.name for block in blocks for cell in _cells(block)}
        elsewhere = [p for p in self.problems if _head(p.pointer) not in shown]
        return FormView(
            blocks=blocks,
            problems=tuple(self._sentence(problem) for problem in elsewhere),
            logic=browser_logic(self.form, self.values, shown, self.display),
        )

    def _item(self, item: LayoutItem) -> list[Block | Cell]:
        if item.field:
            found = self.form.fields.get(item.field)
            if found is None or self.access.get(item.field) == "hidden":
                return []
            return [replace(self.cell(found), span=int(item.config.get("span", self._natural_span(found))))]
        if item.type in GROUPS:
            items = tuple(part for child in item.items for part in self._item(child))
            columns = int(item.config.get("columns", 2))
            label = item.label.get(self.locale)
            items = tuple(
                replace(part, label_hidden=True) if part.label == label and isinstance(part, Cell) else part
                for part in items
            )
            return [Block(type=item.type, name=item.name, label=label, columns=columns, items=items)] if items else []
        if item.type == "help":
            return [Block(type="help", name=item.name, text=item.label.get(self.locale))]
        return []

    def _natural_span(self, found: CompiledField) -> int:
        return 4 if found.definition.type in {"subtable", "long_text", "json"} else 1

    def cell(self, found: CompiledField) -> Cell:
        """The view of one field of the record itself."""
        name = found.name
        typed = name in self.typed and found.entered
        value = self.typed[name] if typed else self.values.get(name)
        pointer = f"/{name}"
        cell = self._plain(found, name, value, typed, pointer)
        if found.rows is not None:
            rows = value if isinstance(value, list) else []
            # A new record starts with an empty row; rows in which nothing was entered are not sent.
            rows = rows or ([{}] if cell.editable and not typed and not self.values.get("id") else [])
            cell = replace(
                cell,
                rows=tuple(self._row(found, str(number), row, typed) for number, row in enumerate(rows)),
                blank=self._row(found, BLANK, {}, False) if cell.editable else None,
            )
        return cell

    def _row(self, table: CompiledField, key: str, row: Mapping[str, Any], typed: bool) -> Row:
        columns = (table.rows or {}).values()
        cells = tuple(
            self._plain(c, f"{table.name}.{key}.{c.name}", row.get(c.name), typed, f"/{table.name}/{key}/{c.name}")
            for c in columns
        )
        return Row(key=key, id=str(row.get("id") or ""), cells=cells)

    def _plain(self, found: CompiledField, name: str, value: Any, typed: bool, pointer: str) -> Cell:
        definition = found.definition
        editable = found.entered and not found.read_only and self.access.get(name.split(".")[0], "write") == "write"
        mine = [problem for problem in self.problems if problem.pointer == pointer]
        return Cell(
            definition=definition,
            name=name,
            label=definition.label.get(self.locale) or definition.name,
            help=definition.help.get(self.locale),
            widget=widget(found) if editable else "shown",
            text=self._text(found, value, typed),
            shown=NOTHING if editable else self.display.value(definition, None if typed else value),
            choices=self._choices(found, value),
            required=found.required or name in self.required,
            editable=editable,
            visible=name not in self.hidden,
            problems=tuple(self._sentence(p) for p in mine if p.severity == "error"),
            warnings=tuple(self._sentence(p) for p in mine if p.severity != "error"),
            source=self.source(name) if self.source and editable else "",
            attributes=attributes(definition),
        )

    def _text(self, found: CompiledField, value: Any, typed: bool) -> str:
        kind = found.definition.type
        if kind in {"reference", "person", "department"}:
            return self._name(found, value)
        if kind == "percent" and value is not None:
            return _percent_text(value)
        if kind == "datetime" and not typed and value is not None:
            return str(value.astimezone(self.display.formats.zone).strftime("%Y-%m-%dT%H:%M"))
        return plain_text(value)

    def _name(self, found: CompiledField, value: Any) -> str:
        id = _uuid(value)
        if id is None:
            return ""
        names = self.display.names
        match found.definition.type:
            case "person":
                return names.person(id) or ""
            case "department":
                return names.department(id) or ""
        return names.record(found.target, id) or ""

    def _choices(self, found: CompiledField, value: Any) -> tuple[Choice, ...]:
        definition = found.definition
        chosen = {str(item) for item in value} if isinstance(value, list) else {plain_text(value)}
        if definition.type in {"reference", "person", "department"}:
            return (Choice(value=str(_uuid(value) or ""), label=""),)
        if widget(found) == "scale":
            return tuple(Choice(value=str(n), label=str(n), selected=str(n) in chosen) for n in scale_steps(definition))
        return tuple(
            Choice(value=o.name, label=o.label.get(self.locale) or o.name, color=o.color, selected=o.name in chosen)
            for o in definition.options
            if not o.retired or o.name in chosen
        )

    def _sentence(self, problem: InputProblem) -> str:
        return problem_text(problem, self.locale)


def picker_source(app: str, form: str) -> Callable[[str], str]:
    """Where the pickers of a form's fields ask, for people who are signed in."""

    def source(name: str) -> str:
        path = ".".join(part for part in name.split(".") if not part.isdigit() and part != BLANK)
        return url_for("records.choices", app=app, form=form, field=path)

    return source


def layout_for(form: CompiledForm, purpose: str) -> LayoutDefinition:
    """The layout for ``purpose``; for entering, "edit" where there is no better; else one of all fields."""
    order = [
        purpose,
        *{"create": ("edit",), "edit": ("create",), "review": ("page", "edit"), "public": ()}.get(purpose, ()),
    ]
    for wanted in order:
        for layout in form.layouts.values():
            if layout.purpose == wanted:
                return layout
    return automatic_layout(form, purpose)


def automatic_layout(form: CompiledForm, purpose: str) -> LayoutDefinition:
    """All fields in one section, in the order of the definition."""
    names = [name for name, field in form.fields.items() if purpose == "page" or field.entered]
    items = tuple(LayoutItem(type="field", field=name) for name in names)
    return LayoutDefinition(name="automatic", purpose=purpose, items=(LayoutItem(type="section", items=items),))


def form_view(
    form: CompiledForm,
    layout: LayoutDefinition,
    values: Mapping[str, Any],
    display: Display,
    **rest: Any,
) -> FormView:
    """The view of a form for the current request."""
    return Builder(form=form, values=values, display=display, locale=site().locale, **rest).build(layout)


def _cells(block: Block | Cell) -> list[Cell]:
    return [block] if isinstance(block, Cell) else [cell for item in block.items for cell in _cells(item)]


def _head(pointer: str) -> str:
    return pointer.split("/")[1] if pointer.count("/") else ""


def _uuid(value: Any) -> UUID | None:
    if isinstance(value, UUID):
        return value
    if isinstance(value, Mapping):
        return _uuid(value.get("id"))
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def _percent_text(value: Any) -> str:
    from decimal import Decimal, InvalidOperation

    try:
        return plain_text(Decimal(value) * 100)
    except InvalidOperation:
        return str(value)
