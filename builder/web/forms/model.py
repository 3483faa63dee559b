"""What a rendered form consists of: plain values that templates walk, the same for every place that shows a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from markupsafe import Markup

from engines.form import FieldDefinition

# Widgets whose inputs are several: a group names them, not a label for one input.
GROUPED = frozenset(
    {"checks", "radio", "scale", "stars", "subtable", "shown", "files", "signature", "ranking", "matrix"}
    | {"date_range", "duration", "address", "location", "multi_picker", "tags"}
)
# What is shown where there is nothing.
NOTHING = Markup("")


class Names(Protocol):
    """What ids are called, as far as the person who asks may see it."""

    def record(self, form: str, id: UUID) -> str | None:
        """Title of a record; None where it is gone or hidden."""

    def person(self, id: UUID) -> str | None:
        """Name of a person."""

    def department(self, id: UUID) -> str | None:
        """Name of a department."""

    def row(self, form: str, table: str, id: UUID) -> str | None:
        """What a row of a sub-table is called; None where it is gone or hidden."""

    def role(self, name: str) -> str | None:
        """What a role, by its qualified name, is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One option to choose."""

    value: str
    label: str
    color: str = ""
    selected: bool = False
    # Options of the field that this one depends on under which it is offered; empty: always.
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A field of a form or of a sub-table's row, ready to be shown or entered."""

    definition: FieldDefinition
    # Name of its input: "price", or "lines.2.price".
    name: str
    label: str
    help: str = ""
    # Which macro draws it.
    widget: str
    # What the input holds: the text as typed, or as the value reads.
    text: str = ""
    # What people read where it cannot be entered.
    shown: Markup = NOTHING
    choices: tuple[Choice, ...] = ()
    required: bool = False
    editable: bool = True
    visible: bool = True
    # What is wrong with it, in the visitor's words; warnings apart.
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    # Columns it takes in its section.
    span: int = 1
    rows: tuple[Row, ...] = ()
    # An empty row, to be copied by the browser; None where it is no sub-table.
    blank: Row | None = None
    # Where its picker asks, or its files are sent.
    source: str = ""
    # What inputs with several parts are filled with.
    parts: Mapping[str, Any] = field(default_factory=dict)
    # Further attributes of the input: min, max, step, maxlength, inputmode …
    attributes: Mapping[str, Any] = field(default_factory=dict)
    # Where its section says the same already.
    label_hidden: bool = False
    # Tells inputs of one name on one page apart.
    id_suffix: str = ""

    @property
    def grouped(self) -> bool:
        """Whether its inputs are several, named together."""
        return self.widget in GROUPED

    @property
    def id(self) -> str:
        """The element's id."""
        return "f-" + self.name.replace(".", "-") + self.id_suffix

    @property
    def described_by(self) -> str:
        """Ids of what explains the input, for aria-describedby."""
        parts = [f"{self.id}-help"] if self.help else []
        return " ".join(parts + ([f"{self.id}-error"] if self.problems or self.warnings else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a sub-table."""

    # What its input names carry; "__row__" in the row that is copied.
    key: str
    id: str = ""
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A section, a help text or another element of the layout, with what stands in it."""

    type: str
    name: str = ""
    label: str = ""
    columns: int = 1
    # Columns and rows that a box of a canvas takes.
    span: int = 1
    height: int = 1
    visible: bool = True
    # Whether a section starts closed.
    collapsed: bool = False
    # Whether anything in it is wrong.
    invalid: bool = False
    text: str = ""
    items: tuple[Block | Cell, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """A form to be shown."""

    blocks: tuple[Block | Cell, ...]
    # What is wrong with the record as a whole.
    problems: tuple[str, ...] = ()
    # Expressions for the browser; None where there are none.
    logic: Mapping[str, Any] | None = None

    @property
    def invalid(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.problems) or any(cell.problems for cell in self.cells())

    @property
    def takes_files(self) -> bool:
        """Whether something in it is a file, so that it is sent in parts."""
        return any(cell.widget in {"files", "signature"} for cell in self._all())

    def _all(self) -> list[Cell]:
        blank = [cell for item in self.cells() if item.blank for cell in item.blank.cells]
        return [*self.cells(), *blank]

    def cells(self) -> list[Cell]:
        """All cells, rows of sub-tables included, in the order shown."""
        found: list[Cell] = []
        for item in self.blocks:
            _collect(item, found)
        return found


def _collect(item: Block | Cell, found: list[Cell]) -> None:
    if isinstance(item, Cell):
        found.append(item)
        found.extend(cell for row in item.rows for cell in row.cells)
        return
    for part in item.items:
        _collect(part, found)
