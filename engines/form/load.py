"""Reading form files and shared option lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engines.core import DefinitionSource, Loaded, LocalizedText, check_schema, load_json
from engines.form.definition import (
    NO_TEXT,
    ConstraintDefinition,
    FieldDefinition,
    FormDefinition,
    LayoutDefinition,
    LayoutItem,
    OptionDefinition,
    PermissionDefinition,
    RelationDefinition,
    SortDefinition,
    ViewDefinition,
)
from engines.form.schema_builder import COMMON, form_schema, options_schema
from engines.form.types import FieldTypes, field_types

_FIELD_KEYS = frozenset(COMMON) | {"options", "option_list", "fields"}
_ITEM_KEYS = frozenset(("type", "name", "field", "label", "visible", "items"))
_VIEW_KEYS = frozenset(("name", "label", "kind", "columns", "filter", "sort", "group"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionListDefinition:
    """Options that several forms share."""

    name: str
    label: LocalizedText = NO_TEXT
    options: tuple[OptionDefinition, ...] = ()
    # Name of a label set to option names with their labels in it.
    label_sets: Mapping[str, Mapping[str, LocalizedText]] = field(default_factory=dict)
    # The app's setting whose value names the label set in force; empty: the options' own labels.
    setting: str = ""
    source: DefinitionSource = field(default=DefinitionSource(file="", text="{}"), repr=False, compare=False)


def load(source: DefinitionSource, registry: FieldTypes | None = None) -> Loaded[FormDefinition]:
    """A form definition from one ``*.form.json`` file, with everything that is wrong with the file by itself."""
    data, problems = load_json(source)
    if data is None:
        return Loaded(definition=None, diagnostics=tuple(problems))
    types = registry or field_types()
    problems += check_schema(data, form_schema(types, used=_types_used(data)), source)
    if any(d.severity == "error" for d in problems):
        return Loaded(definition=None, diagnostics=tuple(problems))
    return Loaded(definition=_form(data, source), diagnostics=tuple(problems))


def load_options(source: DefinitionSource) -> Loaded[OptionListDefinition]:
    """A shared option list from one ``*.options.json`` file."""
    data, problems = load_json(source)
    if data is not None:
        problems += check_schema(data, options_schema(), source)
    if problems:
        return Loaded(definition=None, diagnostics=tuple(problems))
    sets = {
        item["name"]: {option: LocalizedText.of(text) for option, text in item["labels"].items()}
        for item in data.get("label_sets", ())
    }
    found = OptionListDefinition(
        name=data["name"],
        label=LocalizedText.of(data.get("label")),
        options=_options(data["options"]),
        label_sets=sets,
        setting=data.get("setting", ""),
        source=source,
    )
    return Loaded(definition=found)


def _types_used(data: Any) -> set[str]:
    """Types that the file's fields name, at every depth, as far as the file has any shape at all."""

    def walk(fields: Any) -> Iterator[str]:
        for item in fields if isinstance(fields, list) else ():
            if isinstance(item, dict):
                yield str(item.get("type"))
                yield from walk(item.get("fields"))

    return set(walk(data.get("fields"))) if isinstance(data, dict) else set()


def _form(data: Mapping[str, Any], source: DefinitionSource) -> FormDefinition:
    return FormDefinition(
        name=data["name"],
        label=_label(data),
        plural=LocalizedText.of(data.get("plural", data.get("label")), data["name"]),
        description=LocalizedText.of(data.get("description")),
        title=data.get("title", ""),
        dated_by=data.get("dated_by", ""),
        fields=fields_of(data["fields"], "/fields"),
        relations=tuple(_relation(item, at) for item, at in _each(data, "relations")),
        constraints=tuple(_constraint(item, at) for item, at in _each(data, "constraints")),
        layouts=tuple(_layout(item, at) for item, at in _each(data, "layouts")),
        views=tuple(_view(item, at) for item, at in _each(data, "views")),
        public=data.get("public", {}),
        permissions=tuple(_permission(item, at) for item, at in _each(data, "permissions")),
        formerly=_former(data),
        duplicates=tuple(data.get("duplicates", ())),
        source=source,
    )


def _each(data: Mapping[str, Any], key: str, at: str = "") -> Iterator[tuple[Mapping[str, Any], str]]:
    for place, item in enumerate(data.get(key, ())):
        yield item, f"{at}/{key}/{place}"


def _label(data: Mapping[str, Any]) -> LocalizedText:
    return LocalizedText.of(data.get("label") or data["name"])


def _former(data: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(item if isinstance(item, str) else item["name"] for item in data.get("formerly", ()))


def _options(items: Sequence[Mapping[str, Any]]) -> tuple[OptionDefinition, ...]:
    return tuple(
        OptionDefinition(
            name=item["name"],
            label=LocalizedText.of(item.get("label") or item["name"]),
            color=item.get("color", ""),
            retired=item.get("retired", False),
            when=tuple(item.get("when", ())),
        )
        for item in items
    )


def fields_of(items: Sequence[Mapping[str, Any]], at: str) -> tuple[FieldDefinition, ...]:
    """Field definitions from valid JSON data; ``at`` is the pointer of the list."""
    return tuple(_field(item, f"{at}/{place}") for place, item in enumerate(items))


def _field(data: Mapping[str, Any], at: str) -> FieldDefinition:
    constraint, options = data.get("constraint"), data.get("options", [])
    return FieldDefinition(
        name=data["name"],
        type=data["type"],
        label=_label(data),
        short_label=LocalizedText.of(data.get("short_label")),
        help=LocalizedText.of(data.get("help")),
        required=data.get("required", False),
        unique=data.get("unique", False),
        default=data.get("default", ""),
        formula=data.get("formula", ""),
        visible=data.get("visible", ""),
        read_only=data.get("read_only", False),
        when_hidden=data.get("when_hidden", "clear"),
        constraint=_constraint({"name": data["name"], **constraint}, f"{at}/constraint") if constraint else None,
        search=data.get("search", False),
        personal=data.get("personal", False),
        formerly=_former(data),
        options=_options(options) if isinstance(options, list) else (),
        option_list=options if isinstance(options, str) else data.get("option_list", ""),
        fields=fields_of(data.get("fields", ()), f"{at}/fields"),
        config={key: value for key, value in data.items() if key not in _FIELD_KEYS},
        pointer=at,
    )


def _relation(data: Mapping[str, Any], at: str) -> RelationDefinition:
    return RelationDefinition(name=data["name"], form=data["form"], field=data["field"], label=_label(data), pointer=at)


def _constraint(data: Mapping[str, Any], at: str) -> ConstraintDefinition:
    return ConstraintDefinition(
        name=data["name"],
        condition=data["condition"],
        message=LocalizedText.of(data["message"]) if "message" in data else LocalizedText({}),
        fields=tuple(data.get("fields", ())),
        severity=data.get("severity", "error"),
        pointer=at,
    )


def _layout(data: Mapping[str, Any], at: str) -> LayoutDefinition:
    return LayoutDefinition(
        name=data["name"],
        purpose=data.get("purpose", "edit"),
        label=_label(data),
        items=tuple(_item(item, place) for item, place in _each(data, "items", at)),
        pointer=at,
    )


def _item(data: Mapping[str, Any], at: str) -> LayoutItem:
    return LayoutItem(
        type=data.get("type", "field" if "field" in data else "section"),
        name=data.get("name", ""),
        field=data.get("field", ""),
        label=LocalizedText.of(data["label"]) if data.get("label") else LocalizedText({}),
        visible=data.get("visible", ""),
        items=tuple(_item(item, place) for item, place in _each(data, "items", at)),
        config={key: value for key, value in data.items() if key not in _ITEM_KEYS},
        pointer=at,
    )


def _view(data: Mapping[str, Any], at: str) -> ViewDefinition:
    return ViewDefinition(
        name=data["name"],
        label=_label(data),
        kind=data.get("kind", "list"),
        columns=tuple(data.get("columns", ())),
        filter=data.get("filter", ""),
        sort=tuple(SortDefinition(field=s["field"], direction=s.get("direction", "asc")) for s in data.get("sort", ())),
        group=data.get("group", ""),
        config={key: value for key, value in data.items() if key not in _VIEW_KEYS},
        pointer=at,
    )


def _permission(data: Mapping[str, Any], at: str) -> PermissionDefinition:
    return PermissionDefinition(
        role=data["role"],
        operations=frozenset(data["operations"]),
        rows=data.get("rows", ""),
        access=data.get("access", ""),
        fields={item["name"]: item["access"] for item in data.get("fields", ())},
        pointer=at,
    )
