"""What a form points to: fields, forms, relations, layouts, roles, option lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from engines.core import Diagnostic, PrincipalKind
from engines.core.diagnostics import did_you_mean
from engines.core.ports import Definitions
from engines.form.definition import FieldDefinition, FormDefinition, LayoutItem
from engines.form.scope import SYSTEM_FIELDS, FormTypeContext

# Roles that exist in every app: its own rules and processes, and the visitors of public links.
EVERY_APP = (PrincipalKind.APP.value, PrincipalKind.PUBLIC.value, "shared")
Report = Callable[..., Diagnostic]


class ReferenceCheck:
    """Finds names in a form behind which nothing stands. All codes are ``form.unknown_<what>``."""

    def __init__(self, form: FormDefinition, definitions: Definitions, types: FormTypeContext) -> None:
        self._form = form
        self._definitions = definitions
        self._types = types
        self._fields = [field.name for field in form.fields]
        self._relations = [relation.name for relation in form.relations]

    def run(self) -> Iterator[Diagnostic]:
        """All diagnostics, in file order."""
        form = self._form
        yield from self._known("field", form.title, "/title", [*self._fields])
        dates = [field.name for field in form.fields if field.type in ("date", "datetime")]
        yield from self._known("field", form.dated_by, "/dated_by", dates)
        for field in form.fields:
            yield from self._field(field, form.fields)
            for column in field.fields:
                yield from self._field(column, field.fields)
        for relation in form.relations:
            yield from self._relation(relation.form, relation.field, relation.pointer)
        for constraint in form.constraints:
            yield from self._all("field", constraint.fields, f"{constraint.pointer}/fields", self._fields)
        for layout in form.layouts:
            for item in layout.walk():
                yield from self._item(item)
        yield from self._views()
        yield from self._permissions()
        layouts = [layout.name for layout in form.layouts]
        yield from self._known("layout", form.public.get("layout", ""), "/public/layout", layouts)
        for place, rule in enumerate(form.duplicates):
            yield from self._all("field", rule["fields"], f"/duplicates/{place}/fields", self._fields)

    def _unknown(self, what: str, name: str, pointer: str, known: Sequence[str]) -> Diagnostic:
        return Diagnostic(
            code=f"form.unknown_{what}",
            found=name,
            expected="one of: " + ", ".join(known) if known else "",
            hint=did_you_mean(name, known),
        ).at(self._form.source.place(pointer))

    def _known(self, what: str, name: str, pointer: str, known: Sequence[str]) -> Iterator[Diagnostic]:
        if name and name not in known:
            yield self._unknown(what, name, pointer, known)

    def _all(self, what: str, names: Iterable[str], pointer: str, known: Sequence[str]) -> Iterator[Diagnostic]:
        for place, name in enumerate(names):
            yield from self._known(what, name, f"{pointer}/{place}", known)

    def _target(self, name: str, pointer: str) -> Iterator[Diagnostic]:
        if self._types.definition(name) is None:
            yield self._unknown("form", name, pointer, self._definitions.names("form"))

    def _field(self, field: FieldDefinition, beside: Sequence[FieldDefinition]) -> Iterator[Diagnostic]:
        config, at = field.config, field.pointer
        names = [other.name for other in beside]
        if "form" in config:
            yield from self._target(config["form"], f"{at}/form")
        if field.option_list and self._definitions.get("options", field.option_list) is None:
            yield self._unknown(
                "option_list", field.option_list, f"{at}/option_list", self._definitions.names("options")
            )
        yield from self._known("field", config.get("depends_on", ""), f"{at}/depends_on", names)
        if field.type == "lookup":
            yield from self._lookup(field, beside)
        if field.type == "row_reference":
            yield from self._row_reference(field, beside)
        if field.type == "rollup":
            yield from self._rollup(field)

    def _row_reference(self, field: FieldDefinition, beside: Sequence[FieldDefinition]) -> Iterator[Diagnostic]:
        config, at = field.config, field.pointer
        target: FormDefinition | None = self._types.definition(config["form"]) if "form" in config else self._form
        if "reference" in config:
            references = {other.name: other for other in beside if other.type == "reference"}
            yield from self._known("reference", config["reference"], f"{at}/reference", list(references))
            found = references.get(config["reference"])
            target = self._types.definition(found.config["form"]) if found else None
        if target is not None:
            tables = [other.name for other in target.fields if other.fields]
            yield from self._known("field", config["rows"], f"{at}/rows", tables)

    def _lookup(self, field: FieldDefinition, beside: Sequence[FieldDefinition]) -> Iterator[Diagnostic]:
        references = {other.name: other for other in beside if "form" in other.config}
        name = field.config["reference"]
        yield from self._known("reference", name, f"{field.pointer}/reference", list(references))
        target = name in references and self._types.definition(references[name].config["form"])
        if target:
            yield from self._known("field", field.config["field"], f"{field.pointer}/field", members(target))

    def _rollup(self, field: FieldDefinition) -> Iterator[Diagnostic]:
        name = field.config["relation"]
        subtables = {other.name: other for other in self._form.fields if other.fields}
        relations = {relation.name: relation for relation in self._form.relations}
        yield from self._known("relation", name, f"{field.pointer}/relation", [*subtables, *relations])
        if field.config["aggregate"] == "count":
            return
        if "field" not in field.config:
            expected = '"field": what is aggregated'
            place = self._form.source.place(field.pointer)
            yield Diagnostic(code="definition.missing_property", expected=expected).at(place)
        elif name in subtables:
            names = [column.name for column in subtables[name].fields]
            yield from self._known("field", field.config["field"], f"{field.pointer}/field", names)
        elif name in relations and (target := self._types.definition(relations[name].form)):
            yield from self._known("field", field.config["field"], f"{field.pointer}/field", members(target))

    def _relation(self, form: str, name: str, pointer: str) -> Iterator[Diagnostic]:
        yield from self._target(form, f"{pointer}/form")
        target = self._types.definition(form)
        if target is not None:
            back = [f.name for f in target.fields if self._points_here(f)]
            yield from self._known("reference", name, f"{pointer}/field", back)

    def _points_here(self, field: FieldDefinition) -> bool:
        return str(field.config.get("form", "")).rpartition(".")[2] == self._form.name

    def _item(self, item: LayoutItem) -> Iterator[Diagnostic]:
        config: Any = item.config
        yield from self._known("field", item.field, f"{item.pointer}/field", self._fields)
        yield from self._known("relation", config.get("relation", ""), f"{item.pointer}/relation", self._relations)
        yield from self._all("relation", config.get("relations", ()), f"{item.pointer}/relations", self._relations)
        relation = next((r for r in self._form.relations if r.name == config.get("relation")), None)
        target = relation and self._types.definition(relation.form)
        if target and "view" in config:
            views = [view.name for view in target.views]
            yield from self._known("view", config["view"], f"{item.pointer}/view", views)
        if target and isinstance(config.get("columns"), list):
            yield from self._all("field", config["columns"], f"{item.pointer}/columns", members(target))
        yield from self._all("field", config.get("set", {}), f"{item.pointer}/set", self._fields)
        if item.type == "button" and not ({"process", "action", "set"} & config.keys()):
            expected = '"process", "action" or "set": what the button does'
            place = self._form.source.place(item.pointer)
            yield Diagnostic(code="definition.missing_property", expected=expected).at(place)
        if "process" in config and self._definitions.get("process", config["process"]) is None:
            known = self._definitions.names("process")
            yield self._unknown("process", config["process"], f"{item.pointer}/process", known)
        dashboard = self._definitions.get("dashboard", config["dashboard"]) if "dashboard" in config else None
        if "dashboard" in config and dashboard is None:
            known = self._definitions.names("dashboard")
            yield self._unknown("dashboard", config["dashboard"], f"{item.pointer}/dashboard", known)
        elif dashboard is not None:
            tiles = [tile.name for tile in dashboard.tiles]
            yield from self._known("tile", config.get("tile", ""), f"{item.pointer}/tile", tiles)

    def _views(self) -> Iterator[Diagnostic]:
        known = members(self._form)
        for view in self._form.views:
            at = view.pointer
            for place, path in enumerate(view.columns):
                yield from self._path(path, f"{at}/columns/{place}", known)
            for place, sort in enumerate(view.sort):
                yield from self._path(sort.field, f"{at}/sort/{place}/field", known)
            yield from self._known("field", view.group, f"{at}/group", known)
            for key in ("start", "end", "after", "parent", "image", "color"):
                yield from self._known("field", view.config.get(key, ""), f"{at}/{key}", known)
            for key in ("sums", "links"):
                yield from self._all("field", view.config.get(key, ()), f"{at}/{key}", known)

    def _path(self, path: str, pointer: str, known: Sequence[str]) -> Iterator[Diagnostic]:
        """A column is a field, or a field of the record that a reference points to: ``account.tier``."""
        head, _, rest = path.partition(".")
        yield from self._known("field", head, pointer, known)
        field = self._form.field(head)
        target = rest and field and self._types.definition(str(field.config.get("form", "")))
        if target:
            yield from self._known("field", rest, pointer, members(target))

    def _permissions(self) -> Iterator[Diagnostic]:
        roles = [*self._definitions.names("role"), *EVERY_APP]
        for permission in self._form.permissions:
            if permission.role not in roles and self._definitions.get("role", permission.role) is None:
                yield self._unknown("role", permission.role, f"{permission.pointer}/role", roles)
            for place, name in enumerate(permission.fields):
                at = f"{permission.pointer}/fields/{place}/name"
                yield from self._known("field", name, at, [*self._fields, *SYSTEM_FIELDS, *self._columns()])

    def _columns(self) -> list[str]:
        """Columns of sub-tables, as rights name them."""
        return [f"{table.name}.{column.name}" for table in self._form.fields for column in table.fields]


def members(form: FormDefinition) -> list[str]:
    """Names of a form's fields and of those that every record has."""
    return [*(field.name for field in form.fields), *SYSTEM_FIELDS]
