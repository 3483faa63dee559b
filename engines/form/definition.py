"""What a form definition says, as frozen values; made by ``load``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

from engines.core import DefinitionSource, LocalizedText

NO_TEXT = LocalizedText({})
# What may be done with a field's value, each including those before it.
ACCESS_LEVELS: Mapping[str, int] = {"hidden": 0, "masked": 1, "read": 2, "write": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionDefinition:
    """One option of a choice."""

    name: str
    label: LocalizedText = NO_TEXT
    # A named colour or "#rrggbb"; empty for none.
    color: str = ""
    # Retired options keep their records but are no longer offered.
    retired: bool = False
    # Names of the options of the field named by ``depends_on`` under which this one is offered; empty: always.
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintDefinition:
    """A condition that records must meet."""

    name: str
    # FEEL; the record is refused (or warned about) where it is false. Null counts as met.
    condition: str
    message: LocalizedText = NO_TEXT
    # Fields that the message is shown at; empty: the record.
    fields: tuple[str, ...] = ()
    # "error", "warning" or "info"
    severity: str = "error"
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDefinition:
    """One field of a form or of a sub-table."""

    name: str
    # Name of a registered field type.
    type: str
    label: LocalizedText = NO_TEXT
    # What it is called at the head of a column; empty: as ``label`` says.
    short_label: LocalizedText = NO_TEXT
    help: LocalizedText = NO_TEXT
    # True, False or a FEEL condition.
    required: bool | str = False
    unique: bool = False
    # FEEL; empty strings mean "not stated" in all expression keys.
    default: str = ""
    formula: str = ""
    visible: str = ""
    read_only: bool | str = False
    # "clear" or "keep" what a field holds that is not visible.
    when_hidden: str = "clear"
    constraint: ConstraintDefinition | None = None
    # Whether quick and full-text search look at it.
    search: bool = False
    # Whether it holds personal data.
    personal: bool = False
    # Former names, oldest first; never used again in the form.
    formerly: tuple[str, ...] = ()
    options: tuple[OptionDefinition, ...] = ()
    # Name of a shared option list.
    option_list: str = ""
    # Columns of a sub-table.
    fields: tuple[FieldDefinition, ...] = ()
    # The keys of the field's own type, as written: scale, currency, form, min …
    config: Mapping[str, Any] = made(default_factory=dict)
    # RFC 6901 pointer of the field in its file.
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationDefinition:
    """The records of another form that refer to this one."""

    name: str
    form: str
    # The reference field of that form.
    field: str
    label: LocalizedText = NO_TEXT
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutItem:
    """A field or an element in a layout."""

    # "field", "section", "tabs", "tab", "steps", "step", "related", "timeline", "tile", "help", "button" …
    type: str
    name: str = ""
    # Name of the field shown, for type "field".
    field: str = ""
    label: LocalizedText = NO_TEXT
    visible: str = ""
    items: tuple[LayoutItem, ...] = ()
    # All other keys, as written: columns, span, relation, limit …
    config: Mapping[str, Any] = made(default_factory=dict)
    pointer: str = ""

    def walk(self) -> Iterator[LayoutItem]:
        """The item and everything in it, in order."""
        yield self
        for item in self.items:
            yield from item.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutDefinition:
    """One way of showing a form."""

    name: str
    # "create", "edit", "page", "review", "phone", "public" or "print"
    purpose: str = "edit"
    label: LocalizedText = NO_TEXT
    items: tuple[LayoutItem, ...] = ()
    pointer: str = ""

    def walk(self) -> Iterator[LayoutItem]:
        """All items at every depth, in order."""
        for item in self.items:
            yield from item.walk()

    def field_names(self) -> tuple[str, ...]:
        """Names of the fields it shows, in order."""
        return tuple(item.field for item in self.walk() if item.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class SortDefinition:
    """One sort key of a list."""

    field: str
    # "asc" or "desc"
    direction: str = "asc"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewDefinition:
    """A saved list of a form's records."""

    name: str
    label: LocalizedText = NO_TEXT
    # "list", "kanban", "calendar", "gantt", "tree", "gallery", "graph" or "organisation"
    kind: str = "list"
    columns: tuple[str, ...] = ()
    # FEEL condition.
    filter: str = ""
    sort: tuple[SortDefinition, ...] = ()
    group: str = ""
    # Further keys of its kind, as written: start, end, parent …
    config: Mapping[str, Any] = made(default_factory=dict)
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionDefinition:
    """What one role may do with which records and fields."""

    role: str
    operations: frozenset[str]
    # FEEL condition over the record; empty: all records.
    rows: str = ""
    # Access to fields not named in ``fields``: "hidden", "masked", "read" or "write"; empty: as the operations say.
    access: str = ""
    # Field name to access; "lines.price" for a column of a sub-table.
    fields: Mapping[str, str] = made(default_factory=dict)
    pointer: str = ""

    def access_to(self, field_name: str) -> str:
        """ "hidden", "masked", "read" or "write" for a field; a column has at most the access of its sub-table."""
        usual = self.access or ("write" if self.operations & {"create", "edit", "import"} else "read")
        table, dot, _ = field_name.partition(".")
        whole = self.fields.get(table, usual)
        return min(whole, self.fields.get(field_name, whole), key=ACCESS_LEVELS.__getitem__) if dot else whole


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDefinition:
    """One form: fields, layouts over them, lists, rights."""

    name: str
    label: LocalizedText = NO_TEXT
    plural: LocalizedText = NO_TEXT
    description: LocalizedText = NO_TEXT
    # Field whose value names a record in lists and links.
    title: str = ""
    # Date or instant at which what a record tells of happened; empty: when it was made.
    dated_by: str = ""
    fields: tuple[FieldDefinition, ...] = ()
    relations: tuple[RelationDefinition, ...] = ()
    constraints: tuple[ConstraintDefinition, ...] = ()
    layouts: tuple[LayoutDefinition, ...] = ()
    views: tuple[ViewDefinition, ...] = ()
    # Settings of its public link, as written; empty: it has none.
    public: Mapping[str, Any] = made(default_factory=dict)
    permissions: tuple[PermissionDefinition, ...] = ()
    formerly: tuple[str, ...] = ()
    # How alike records are found: [{"name", "fields": […], "match": "exact" | "fuzzy"}]
    duplicates: tuple[Mapping[str, Any], ...] = ()
    # The file it was read from, for places in diagnostics.
    source: DefinitionSource = made(default=DefinitionSource(file="", text="{}"), repr=False, compare=False)

    def field(self, name: str) -> FieldDefinition | None:
        """The field of that name, or None."""
        return next((f for f in self.fields if f.name == name), None)
