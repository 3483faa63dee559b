"""Frappe DocTypes into forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engines.form.importing.draft import Draft, identifier, literal
from engines.form.importing.expressions import from_frappe
from engines.form.importing.report import Conversion, Outcome, Part, Report

_TYPES: Mapping[str, dict[str, Any]] = {
    "Data": {"type": "text"},
    "Small Text": {"type": "long_text"},
    "Text": {"type": "long_text"},
    "Long Text": {"type": "long_text"},
    "Code": {"type": "long_text"},
    "Markdown Editor": {"type": "long_text"},
    "Text Editor": {"type": "rich_text"},
    "HTML Editor": {"type": "rich_text"},
    "Int": {"type": "number", "scale": 0},
    "Float": {"type": "number", "scale": 6},
    "Currency": {"type": "money", "scale": 2},
    "Percent": {"type": "number", "scale": 2},
    "Check": {"type": "boolean"},
    "Date": {"type": "date"},
    "Datetime": {"type": "datetime"},
    "Time": {"type": "time"},
    "Duration": {"type": "duration"},
    "Rating": {"type": "rating"},
    "Phone": {"type": "phone"},
    "Color": {"type": "color"},
    "Barcode": {"type": "barcode"},
    "Attach": {"type": "attachment", "max_files": 1},
    "Attach Image": {"type": "image", "max_files": 1},
    "Signature": {"type": "signature"},
    "Geolocation": {"type": "json"},
    "JSON": {"type": "json"},
    "Read Only": {"type": "text", "read_only": True},
    "Password": {"type": "text"},
    "Autocomplete": {"type": "text"},
    "Icon": {"type": "text"},
    "Dynamic Link": {"type": "text"},
}
_DATA_OPTIONS = {"Email": "email", "Phone": "phone", "URL": "url"}
_BREAKS = ("Section Break", "Column Break", "Tab Break", "Fold")
_BOOKKEEPING = "creation modified modified_by owner docstatus idx engine migration_hash beta custom version app".split()
_LOOKS = (
    "bold columns width print_width print_hide print_hide_if_no_value report_hide in_filter in_standard_filter "
    "in_preview show_dashboard hide_border hide_days hide_seconds documentation_url allow_in_quick_entry "
    "remember_last_selected_value ignore_xss_filter allow_bulk_edit collapsible_depends_on sort_options "
    "oldfieldname oldfieldtype mandatory is_virtual translatable no_copy ignore_user_permissions "
    "show_preview_popup max_height trigger button_color placeholder link_filters not_nullable non_negative "
    "icon unread set_only_once allow_on_submit search_index fetch_if_empty precision"
).split()
_FORM_LOOKS = (
    "icon color document_type editable_grid quick_entry show_name_in_global_search sort_field sort_order "
    "states actions links index_web_pages_for_search naming_rule row_format default_view image_field "
    "image_view grid_page_length rows_threshold_for_grid_search show_title_field_in_link translated_doctype "
    "timeline_field email_append_to make_attachments_public max_attachments allow_copy hide_toolbar "
    "show_preview_popup protect_attached_files force_re_route_to_default_view default_print_format"
).split()
_RIGHTS = {
    "read": "see",
    "write": "edit",
    "create": "create",
    "delete": "delete",
    "import": "import",
    "export": "export",
    "print": "print",
    "share": "share",
}


def convert_frappe(
    data: Mapping[str, Any], name: str, others: Mapping[str, Mapping[str, Any]] | None = None
) -> Conversion:
    """A form for the documents of a DocType; ``others`` are the DocTypes of its child tables, by name."""
    report = Report()
    root = Part(data, "", report)
    draft = Draft(str(data.get("name") or name))
    converter = _Converter(draft, report, others or {})
    converter.doctype(root)
    return Conversion(definition=draft.data(), entries=report.entries())


class _Converter:
    def __init__(self, draft: Draft, report: Report, others: Mapping[str, Mapping[str, Any]]) -> None:
        self._draft = draft
        self._report = report
        self._others = others
        self._waiting: list[tuple[Part, str, dict[str, Any], str]] = []
        # Names of fields by their level above 0; what roles may do with those, by role and level.
        self._levels: dict[int, list[str]] = {}
        self._access: dict[tuple[str, int], str] = {}

    def doctype(self, root: Part) -> None:
        draft = self._draft
        draft.extra["label"] = str(root.get("name") or draft.name)
        if root.peek("description"):
            draft.extra["description"] = root.get("description")
        self._naming(root)
        root.get("field_order")
        ordered = self._in_order(root)
        for field in ordered:
            self._field(field)
        self._express()
        self._list(root, ordered)
        for permission in root.parts("permissions"):
            self._permission(permission)
        self._name_levels()
        title = str(root.peek("title_field") or "")
        if title in draft.known:
            root.get("title_field")
            draft.extra["title"] = draft.known[title]
        self._switches(root)
        root.close()
        # Every form has a history and can be brought by those with the right to: off is not the same as not said.
        root.silent(but=("allow_import", "allow_rename", "track_changes", "track_seen", "track_views"))

    def _in_order(self, root: Part) -> list[Part]:
        order = {name: place for place, name in enumerate(root.peek("field_order") or ())}
        return sorted(root.parts("fields"), key=lambda part: order.get(str(part.peek("fieldname")), 0))

    def _naming(self, root: Part) -> None:
        rule = str(root.peek("autoname") or "")
        pattern = _pattern(rule)
        if pattern:
            root.get("autoname")
            name = self._draft.new_name("number")
            self._draft.fields.append({"name": name, "type": "autonumber", "pattern": pattern, "label": "Number"})
            self._draft.items.append({"field": name})
        elif rule:
            root.near("autoname", "records have ids of their own; a unique field or an autonumber names them")

    def _field(self, part: Part) -> None:
        kind = str(part.get("fieldtype"))
        if kind in _BREAKS:
            self._break(part, kind)
        elif kind in ("HTML", "Heading"):
            part.get("fieldname")
            text = part.get("label") or part.peek("options") or ""
            part.near("options", "shown as plain text")
            self._items().append({"type": "help", "text": str(text)})
        elif kind == "Button":
            name = self._draft.group_name(str(part.get("fieldname", "button")))
            self._items().append({"type": "button", "name": name, "label": str(part.get("label", ""))})
            part.near("options", "let a rule answer the button")
        else:
            field = self._described(part, kind)
            self._draft.fields.append(field)
            item: dict[str, Any] = {"field": field["name"]}
            if not part.get("hidden"):
                self._items().append(item)
        self._looks(part, _LOOKS)
        part.close()
        part.silent()

    def _items(self) -> list[dict[str, Any]]:
        """Where the next field stands: in the last section of the last tab."""
        items = self._draft.items
        while items and items[-1].get("type") in ("section", "tabs", "tab"):
            items = items[-1]["items"]
        return items

    def _break(self, part: Part, kind: str) -> None:
        label = str(part.get("label") or "")
        original = str(part.get("fieldname") or kind)
        if kind in ("Column Break", "Fold"):
            sections = [item for item in self._draft.items if item.get("type") == "section"]
            if sections:
                sections[-1]["columns"] = min(int(sections[-1].get("columns", 1)) + 1, 3)
            return
        section: dict[str, Any] = {"type": "section", "name": self._draft.group_name(original), "items": []}
        if label:
            section["label"] = label
        if part.get("collapsible"):
            section["collapsed"] = True
        if part.peek("description"):
            section["items"].append({"type": "help", "text": str(part.get("description"))})
        part.get("hidden")
        self._expression(part, "depends_on", section, "visible")
        self._draft.items.append(section)

    def _described(self, part: Part, kind: str) -> dict[str, Any]:
        original = str(part.get("fieldname") or part.peek("label") or "field")
        field: dict[str, Any] = {"name": self._draft.new_name(original), **self._shape(part, kind)}
        if part.peek("label"):
            field["label"] = str(part.get("label"))
        if part.peek("description"):
            field["help"] = str(part.get("description"))
        for key, ours in (("reqd", "required"), ("unique", "unique"), ("read_only", "read_only")):
            if part.get(key):
                field[ours] = True
        if field.get("unique") and field["type"] not in (
            "text",
            "email",
            "phone",
            "url",
            "number",
            "money",
            "date",
            "reference",
        ):
            field.pop("unique")
            self._report.note(part.at("unique"), Outcome.DROPPED, "such values cannot be unique")
        if part.get("in_global_search") and field["type"] in (
            "text",
            "long_text",
            "email",
            "phone",
            "url",
            "rich_text",
        ):
            field["search"] = True
        if part.peek("length") and field["type"] == "text":
            field["max_length"] = int(part.get("length"))
        if part.peek("precision") and field["type"] in ("number", "money"):
            field["scale"] = int(part.get("precision"))
        if part.peek("non_negative") and field["type"] in ("number", "money"):
            part.get("non_negative")
            field["min"] = 0
        part.get("length")
        self._default(part, field)
        if level := int(part.get("permlevel") or 0):
            self._levels.setdefault(level, []).append(field["name"])
        part.get("in_list_view")
        for key, ours in (
            ("depends_on", "visible"),
            ("mandatory_depends_on", "required"),
            ("read_only_depends_on", "read_only"),
        ):
            self._expression(part, key, field, ours)
        self._fetch(part, field)
        return field

    def _shape(self, part: Part, kind: str) -> dict[str, Any]:
        if kind == "Select":
            names = [line.strip() for line in str(part.get("options") or "").split("\n") if line.strip()]
            return {"type": "choice", "options": [{"name": name} for name in dict.fromkeys(names)] or [{"name": "yes"}]}
        if kind == "Link":
            return {"type": "reference", "form": identifier(str(part.get("options") or "record"), set())}
        if kind in ("Table", "Table MultiSelect"):
            return self._table(part)
        found = dict(_TYPES.get(kind, {}))
        if not found:
            part.near("fieldtype", f'a field of type "{kind}" is kept as text')
            found = {"type": "text"}
        option = part.peek("options")
        if kind == "Data" and option in _DATA_OPTIONS:
            part.get("options")
            return {"type": _DATA_OPTIONS[str(option)]}
        if kind == "Rating":
            found["max"] = int(part.get("options") or 5)
        elif option:
            part.near("options", "what the field's type needs is known")
        if kind in ("Password", "Geolocation", "Dynamic Link", "Percent"):
            part.near("fieldtype", f'a field of type "{kind}" becomes one of type "{found["type"]}"')
        return found

    def _table(self, part: Part) -> dict[str, Any]:
        target = str(part.get("options") or "")
        child = self._others.get(target)
        if child is None:
            part.near("fieldtype", f'the child table "{target}" was not given: one column stands for its fields')
            return {"type": "subtable", "fields": [{"name": "value", "type": "text"}]}
        inner = convert_frappe(child, target, self._others).definition["fields"]
        return {"type": "subtable", "fields": [f for f in inner if f["type"] not in ("subtable", "autonumber")]}

    def _default(self, part: Part, field: dict[str, Any]) -> None:
        value = part.peek("default")
        if value in (None, ""):
            part.get("default")
            return
        text = str(value)
        special = {"Today": "today()", "today": "today()", "Now": "now()", "now": "now()", "__user": "me", "user": "me"}
        part.get("default")
        if text in special:
            field["default"] = special[text]
        elif field["type"] == "boolean":
            field["default"] = "true" if text == "1" else "false"
        elif field["type"] in ("number", "money", "rating"):
            field["default"] = text if re.fullmatch(r"-?[0-9.]+", text) else "null"
        elif field["type"] in ("text", "long_text", "choice", "email", "phone", "url"):
            field["default"] = literal(text)
        else:
            part.drop("default", "no constant of the field's type")

    def _fetch(self, part: Part, field: dict[str, Any]) -> None:
        """A value taken from a linked document: the default of a new record."""
        source = str(part.peek("fetch_from") or "")
        head, _, rest = source.partition(".")
        if source and head in self._draft.known and rest:
            part.near("fetch_from", "taken over when the record is made; a look-up would follow later changes")
            field.setdefault("default", f"{self._draft.known[head]}.{identifier(rest, set())}")
        elif source:
            part.drop("fetch_from", f'there is no link "{head}" before this field')

    def _list(self, root: Part, ordered: list[Part]) -> None:
        columns = [
            self._draft.known[str(p.peek("fieldname"))]
            for p in ordered
            if p.peek("in_list_view") and str(p.peek("fieldname")) in self._draft.known
        ]
        key = str(root.peek("sort_field") or "")
        sort = {"modified": "updated_at", "creation": "created_at"}.get(key, self._draft.known.get(key, ""))
        if columns or sort:
            view: dict[str, Any] = {"name": "all", "columns": columns}
            if sort:
                root.get("sort_field")
                view["sort"] = [{"field": sort, "direction": str(root.get("sort_order") or "desc").lower()}]
            self._draft.views.append(view)
        searched = [name.strip() for name in str(root.peek("search_fields") or "").split(",") if name.strip()]
        for field in self._draft.fields:
            if field["name"] in {self._draft.known.get(name) for name in searched} and field["type"] in (
                "text",
                "email",
                "phone",
                "long_text",
            ):
                field["search"] = True
        if searched:
            root.get("search_fields")

    def _permission(self, part: Part) -> None:
        operations = [ours for theirs, ours in _RIGHTS.items() if part.get(theirs)]
        role = identifier(str(part.get("role") or "role"), set())
        if level := int(part.get("permlevel") or 0):
            self._access[role, level] = "write" if "edit" in operations else "read" if "see" in operations else "hidden"
            part.close()
            part.silent()
            return
        found: dict[str, Any] = {"role": role, "operations": operations}
        if part.get("if_owner"):
            found["rows"] = "owner = me"
        for key in ("submit", "cancel", "amend"):
            part.drop(key, "submitting is a process here")
        for key in ("report", "select"):
            # Who may see records may choose them and report over them: nothing more is to be said.
            part.get(key)
        for key in ("email", "set_user_permissions"):
            part.near(key, "follows from seeing")
        self._draft.permissions.append(found)
        part.close()
        part.silent()

    def _name_levels(self) -> None:
        """Fields of a level above 0 are closed to each role, but for what it is given on that level."""
        for permission in self._draft.permissions:
            named = [
                {"name": name, "access": self._access.get((permission["role"], level), "hidden")}
                for level, names in self._levels.items()
                for name in names
            ]
            if named:
                permission["fields"] = named

    def _switches(self, root: Part) -> None:
        for key in (
            "track_changes",
            "track_seen",
            "track_views",
            "allow_import",
            "allow_rename",
            "read_only",
            "in_create",
        ):
            root.near(key, "every form has history and imports; rights decide") if key != "track_changes" else root.get(
                key
            )
        for key in (
            "is_submittable",
            "is_tree",
            "issingle",
            "istable",
            "has_web_view",
            "is_virtual",
            "allow_guest_to_view",
        ):
            root.near(key, "a process, a reference to itself or a public link says it here")
        root.get("doctype")
        root.near("module", "the folder of the definition says it")
        for key in _BOOKKEEPING:
            root.near(key, "the definition's history stands in its releases")
        self._looks(root, _FORM_LOOKS)

    def _looks(self, part: Part, keys: list[str]) -> None:
        for key in keys:
            if key in part and not part.told(key):
                if part.peek(key) in (0, "", None):
                    part.get(key)
                else:
                    part.near(key, "decided alike for every form")

    def _expression(self, part: Part, key: str, target: dict[str, Any], ours: str) -> None:
        if part.peek(key):
            self._report.note(part.at(key), Outcome.DROPPED, "the condition could not be translated")
            self._waiting.append((part, key, target, ours))

    def _express(self) -> None:
        for part, key, target, ours in self._waiting:
            text = from_frappe(str(part.peek(key)), self._draft.known)
            if text:
                part.get(key)
                target[ours] = text
        self._waiting.clear()


def _pattern(rule: str) -> str:
    """An autonumber pattern for ``format:PRE-{YYYY}-{#####}``, ``PRE-.YYYY.-.#####`` or a naming series."""
    text = rule.removeprefix("format:")
    if "#" not in text:
        return "{number:5}" if rule == "naming_series:" else ""
    text = re.sub(r"\.?\{?(#+)\}?\.?", lambda m: f"{{number:{len(m[1])}}}", text, count=1)
    for theirs, ours in (("YYYY", "year"), ("MM", "month"), ("DD", "day")):
        text = re.sub(rf"\.?\{{?{theirs}\}}?\.?", f"{{{ours}}}", text)
    return text.replace("naming_series:", "")
