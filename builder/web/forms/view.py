"""Building the view of a form: layout × fields × values × what was refused × rights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from flask import url_for
from markupsafe import Markup, escape

from builder.web.context import site
from builder.web.forms.display import Display, plain_text
from builder.web.forms.logic import browser_logic, is_instant
from builder.web.forms.model import NOTHING, Block, Cell, Choice, FormView, Row
from builder.web.forms.parts import PARTED, parts_of
from builder.web.forms.widgets import attributes, scale_steps, widget
from builder.web.wording import problem_text
from engines.core import InputProblem, LocalizedText
from engines.form import (
    ACCESS_LEVELS,
    MASK,
    AttachmentType,
    CompiledField,
    CompiledForm,
    FieldDefinition,
    LayoutDefinition,
    LayoutItem,
)

# What a layout may hold besides fields when something is entered.
GROUPS = frozenset({"section", "tabs", "tab", "steps", "step", "canvas", "box"})
# Types of fields that want the whole width.
WIDE = frozenset({"subtable", "long_text", "json", "rich_text", "matrix", "address", "ranking"})
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
    # Where files for a field are sent; given the field's path.
    uploads: Callable[[str], str] | None = None
    # Whether a condition of the layout holds now.
    shows: Callable[[str], bool] | None = None
    # Whether the record is yet to be made.
    new: bool = False
    # What new rows of sub-tables start with.
    new_rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # Roles to choose from.
    roles: Sequence[Choice] = ()
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
            logic=browser_logic(self.form, self.values, shown, self.display, _conditions(layout)),
        )

    def _item(self, item: LayoutItem) -> list[Block | Cell]:
        if item.field:
            found = self.form.fields.get(item.field)
            if found is None or self.access.get(item.field) == "hidden":
                return []
            return [replace(self.cell(found), span=int(item.config.get("span", self._natural_span(found))))]
        if item.type in GROUPS:
            return self._group(item)
        if item.type == "help":
            return [Block(type="help", name=item.name, text=help_text(item, self.locale))]
        return []

    def _group(self, item: LayoutItem) -> list[Block | Cell]:
        """A section, tabs, steps or a canvas with what is in it; nothing where all of that is hidden."""
        visible = not item.visible or self.shows is None or self.shows(item.visible)
        if not visible and not (item.name and is_instant(self.form, item.visible)):
            return []
        items = tuple(part for child in item.items for part in self._item(child))
        label = item.label.get(self.locale)
        items = tuple(
            replace(part, label_hidden=True) if part.label == label and isinstance(part, Cell) else part
            for part in items
        )
        if not items:
            return []
        usual = {"canvas": 3, "box": 1}.get(item.type, 2)
        return [
            Block(
                type=item.type,
                name=item.name,
                label=label,
                visible=visible,
                columns=int(item.config.get("columns", usual)),
                span=int(item.config.get("span", 1)),
                height=int(item.config.get("height", 1)),
                collapsed=bool(item.config.get("collapsed")),
                invalid=any(cell.problems for part in items for cell in _cells(part)),
                items=items,
            )
        ]

    def _natural_span(self, found: CompiledField) -> int:
        return 4 if found.definition.type in WIDE else 1

    def cell(self, found: CompiledField) -> Cell:
        """The view of one field of the record itself."""
        name = found.name
        typed = name in self.typed and found.entered
        value = self.typed[name] if typed else self.values.get(name)
        pointer = f"/{name}"
        cell = self._plain(found, name, value, typed, pointer)
        if found.rows is not None:
            rows = value if isinstance(value, list) else []
            fresh = self.new_rows.get(name, {})
            # A new record starts with an empty row, which is not sent while nothing is entered. One with defaults
            # would be, so it waits until somebody adds it.
            starts = self.new and cell.editable and not typed and not any(v is not None for v in fresh.values())
            rows = rows or ([{}] if starts else [])
            cell = replace(
                cell,
                rows=tuple(self._row(found, str(number), row, typed) for number, row in enumerate(rows)),
                blank=self._row(found, BLANK, fresh, False) if cell.editable else None,
            )
        return cell

    def _row(self, table: CompiledField, key: str, row: Mapping[str, Any], typed: bool) -> Row:
        columns = [c for c in (table.rows or {}).values() if self._access(f"{table.name}.{c.name}") != "hidden"]
        cells = tuple(
            self._plain(c, f"{table.name}.{key}.{c.name}", row.get(c.name), typed, f"/{table.name}/{key}/{c.name}")
            for c in columns
        )
        return Row(key=key, id=str(row.get("id") or ""), cells=cells)

    def _plain(self, found: CompiledField, name: str, value: Any, typed: bool, pointer: str) -> Cell:
        definition = found.definition
        editable = found.entered and not found.read_only and self._access(_path(name)) == "write"
        mine = [problem for problem in self.problems if problem.pointer == pointer]
        source = self._source(found, name) if editable else ""
        return Cell(
            definition=definition,
            name=name,
            label=definition.label.get(self.locale) or definition.name,
            help=definition.help.get(self.locale),
            widget=widget(found, searchable=bool(source)) if editable else "shown",
            text=self._text(found, value, typed),
            shown=NOTHING if editable else self._shown(definition, None if typed else value),
            choices=self._choices(found, value, bool(source)),
            parts=parts_of(found, value, self.display) if editable else {},
            required=found.required or name in self.required,
            editable=editable,
            visible=name not in self.hidden,
            problems=tuple(self._sentence(p) for p in mine if p.severity == "error"),
            warnings=tuple(self._sentence(p) for p in mine if p.severity != "error"),
            source=source,
            attributes=attributes(definition),
        )

    def _access(self, path: str) -> str:
        """What may be done with a field, or a column by "lines.price", which has at most what its sub-table has."""
        whole = self.access.get(path.partition(".")[0], "write")
        return min(whole, self.access.get(path, whole), key=ACCESS_LEVELS.__getitem__)

    def _shown(self, definition: FieldDefinition, value: Any) -> Markup:
        return escape(MASK) if value == MASK else self.display.value(definition, value)

    def _source(self, found: CompiledField, name: str) -> str:
        """Where a picker of the field asks, or its files are sent; empty where the page offers neither."""
        if isinstance(found.kind, AttachmentType):
            return self.uploads(_path(name)) if self.uploads else ""
        return self.source(_path(name)) if self.source else ""

    def _text(self, found: CompiledField, value: Any, typed: bool) -> str:
        kind = found.definition.type
        if kind in {"reference", "person", "department", "row_reference"}:
            return self._name(found, value)
        if kind == "choice":
            return self._option_text(found, value)
        if kind in PARTED:
            return ""
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
            case "row_reference":
                return names.row(found.row_target, str(found.definition.config["rows"]), id) or ""
        return names.record(found.target, id) or ""

    def _option_text(self, found: CompiledField, value: Any) -> str:
        option = next((item for item in found.definition.options if item.name == value), None)
        return self.display.option(found.definition, option) if option else plain_text(value)

    def _choices(self, found: CompiledField, value: Any, searchable: bool) -> tuple[Choice, ...]:
        definition = found.definition
        if definition.type == "role":
            return tuple(replace(item, selected=item.value == value) for item in self.roles)
        chosen = {str(item) for item in value} if isinstance(value, list) else {plain_text(value)}
        if definition.type in {"reference", "person", "department", "row_reference"}:
            return (Choice(value=str(_uuid(value) or ""), label=""),)
        kind = widget(found, searchable=searchable)
        if kind == "picker":
            return (Choice(value=plain_text(value), label=""),)
        if kind == "multi_picker":
            return ()
        if definition.type in {"rating", "number"} and kind in {"scale", "stars"}:
            return tuple(Choice(value=str(n), label=str(n), selected=str(n) in chosen) for n in scale_steps(definition))
        return tuple(
            Choice(
                value=o.name,
                label=self.display.option(definition, o),
                color=o.color,
                selected=o.name in chosen,
                when=o.when,
            )
            for o in definition.options
            if not o.retired or o.name in chosen
        )

    def _sentence(self, problem: InputProblem) -> str:
        return problem_text(problem, self.locale)


def picker_source(app: str, form: str, record: UUID | None = None) -> Callable[[str], str]:
    """Where the pickers of a form's fields ask, for people who are signed in; ``record`` is the one being edited."""

    def source(path: str) -> str:
        return url_for("records.choices", app=app, form=form, field=path, record=record)

    return source


def upload_target(app: str, form: str) -> Callable[[str], str]:
    """Where files for a form's fields are sent, by people who are signed in."""

    def target(path: str) -> str:
        return url_for("files.upload", app=app, form=form, field=path)

    return target


def help_text(item: LayoutItem, locale: str) -> str:
    """The words of a help element."""
    return LocalizedText.of(item.config.get("text") or item.label.texts).get(locale)


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


def _conditions(layout: LayoutDefinition) -> dict[str, str]:
    return {item.name: item.visible for item in layout.walk() if item.visible and item.name and not item.field}


def _cells(block: Block | Cell) -> list[Cell]:
    return [block] if isinstance(block, Cell) else [cell for item in block.items for cell in _cells(item)]


def _path(name: str) -> str:
    """The field's path behind an input's name: "lines.photo" for "lines.3.photo"."""
    return ".".join(part for part in name.split(".") if not part.isdigit() and part != BLANK)


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
