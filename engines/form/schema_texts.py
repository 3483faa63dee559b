"""What each property of form files means: shown by editors and in the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# By property, or by part and property where one word means several things.
TEXTS: Mapping[str, str] = {
    "$schema": "The schema that the file follows; for editors.",
    "name": "Identity in files, expressions and merges: lower snake case, never used again once given up.",
    "label": "What people see.",
    "short_label": "What it is called at the head of a column, where the label is a sentence.",
    "help": "A sentence of help beside the field.",
    "description": "What the form is for.",
    "plural": "What people call several records.",
    "title": "Name of the field whose value names a record in lists, links and searches.",
    "dated_by": "Name of the date or datetime field that says when it happened, as timelines show it.",
    "public.title": "Heading of the public page.",
    "fields": "The fields, in order.",
    "constraint.fields": "Fields that the message is shown at; none: the record as a whole.",
    "permission.fields": "Fields with an access other than the usual one; lines.price names a column of a sub-table.",
    "duplicates.fields": "Fields that are compared.",
    "relations": "Records of other forms that refer to this one.",
    "item.relations": "Relations whose records the timeline shows.",
    "constraints": "Conditions that every record must meet.",
    "layouts": "Ways of showing the form.",
    "views": "Saved lists of records.",
    "public": "The form as a page that visitors without an account can send.",
    "permissions": "Who may do what with which records and fields. What is missing is denied.",
    "formerly": "Former names, oldest first; a rename keeps its data through them.",
    "duplicates": "How records that mean the same are found.",
    "type": "The field's type.",
    "item.type": "What the element is; a field unless stated.",
    "required": "Whether a value must be given: true, false or a FEEL condition.",
    "unique": "Whether no two records (that are not deleted) may hold the same value.",
    "default": "FEEL expression for the value of a new record.",
    "formula": "FEEL expression that computes the value; it is then no longer entered.",
    "visible": "FEEL condition under which it is shown.",
    "read_only": "Whether people may not change it (rules and the system may): true, false or a FEEL condition.",
    "when_hidden": "What becomes of the value while the field is not visible: cleared (the usual) or kept.",
    "constraint": "A condition on the value; null counts as met.",
    "condition": "FEEL condition; where it is false the message is shown.",
    "message": "What is said where the condition is false.",
    "public.message": "What a visitor reads after sending.",
    "severity": "Whether it refuses the record (error), asks (warning) or tells (info).",
    "search": "Whether quick and full-text search look at it.",
    "personal": "Whether it holds personal data, for export and erasure.",
    "options": "The options, or the name of a shared list.",
    "option_list": "Name of a shared option list, whose options come before those of the field.",
    "color": "A colour name or #rrggbb.",
    "view.color": "Field whose option colours the entry.",
    "retired": "Whether it is no longer offered; records keep it.",
    "when": "Options of the field named by depends_on under which this one is offered.",
    "depends_on": "Field whose choice limits the options of this one.",
    "appearance": "How the options are shown.",
    "label_sets": "Further sets of labels for the options, one of which a setting puts in force.",
    "labels": "Option name to label.",
    "setting": "The app's setting that names the label set in force.",
    "max_length": "Most characters.",
    "min_length": "Fewest characters.",
    "pattern": "Regular expression (RE2) that the whole text must match.",
    "autonumber.pattern": "How the number is written: {year} {month} {day} and {number}, {number:5} or {00000}.",
    "rows": "Height in lines.",
    "permission.rows": "FEEL condition over the records that the entry is about; none: all of them.",
    "scale": "Digits after the decimal point.",
    "decimals": "Digits after the decimal point that pages show, where those are fewer than are kept.",
    "precision": "Digits in all, at most 18.",
    "min": "Smallest value allowed.",
    "max": "Largest value allowed.",
    "rounding": "What happens to more decimals: refused (entered) or rounded half up (computed) unless stated.",
    "unit": "Shown after the number.",
    "currency": "ISO 4217 code.",
    "icon": "What is drawn for each point.",
    "min_items": "Fewest items.",
    "max_items": "Most items.",
    "yearly": "Whether the day comes back every year, as birthdays do.",
    "form": "Name of the form referred to.",
    "filter": "FEEL condition that narrows the records.",
    "reference.filter": "FEEL condition over the records that may be chosen; `record` is the one that chooses.",
    "rollup.filter": "FEEL condition over the records counted.",
    "item.filter": "What narrows the tile: fields of its form to FEEL over this record, or a FEEL condition over its "
    "form that sees this record as `record`.",
    "create_inline": "Whether a new record may be made from the field.",
    "role": "Name of a role; app and public exist in every app.",
    "person.role": "Only people with this role may be chosen.",
    "min_rows": "Fewest rows.",
    "max_rows": "Most rows; 1,000 unless stated.",
    "max_files": "Most files.",
    "max_size": "Largest size of a file, in bytes.",
    "types": "Media types allowed, for example image/*.",
    "period": "When counting starts again; as the pattern shows unless stated.",
    "start": "First number.",
    "view.start": "Field with the day or instant at which an entry begins (calendar, Gantt chart).",
    "end": "Field with the day or instant at which an entry ends; that day is part of it.",
    "result": "Type of the values; found from what is read where it can be.",
    "reference": "Reference field to look through.",
    "field": "Name of a field.",
    "lookup.field": "Field of the record referred to.",
    "rollup.field": "Field that is aggregated; not for count.",
    "relation.field": "The reference field of that form which leads here.",
    "item.field": "Field that is shown.",
    "sort.field": "Field, or a path such as customer.name.",
    "relation": "Name of a relation or sub-table.",
    "aggregate": "How the values become one.",
    "purpose": "Where the layout is used.",
    "items": "What stands in it, in order.",
    "text": "The text shown.",
    "columns": "Columns of a section, or the fields a list shows.",
    "view.columns": "Fields shown, or paths such as customer.name.",
    "span": "How many columns it takes.",
    "limit": "Most records shown.",
    "dashboard": "Dashboard that holds the tile.",
    "tile": "Name of the tile.",
    "sort": "The order, most important key first.",
    "direction": "asc or desc; nulls are lowest.",
    "create": "Whether new records can be made here.",
    "collapsed": "Whether it is closed at first.",
    "process": "Process that is started or shown.",
    "action": "Message that the button sends about the record, to processes that wait for it and to rules.",
    "set": "Fields that the button sets, to FEEL over the record; rules follow as after any change.",
    "confirm": "Question asked before.",
    "widget": "How the field is entered, where its type has several ways.",
    "height": "Height in rows of the grid.",
    "kind": "How the records are shown; a list unless stated.",
    "group": "Field by whose values the records are grouped: the columns of a board, the groups of a list.",
    "sums": "Number fields that are added up for each group.",
    "after": "Reference field with what an entry waits for: the arrows of a Gantt chart.",
    "done": "FEEL condition under which an entry is finished; else it is overdue after its end (Gantt chart).",
    "parent": "Reference field to the record above, of the same form: what makes the tree.",
    "links": "Reference fields that are drawn as lines between records (relationship graph).",
    "image": "Field with the picture.",
    "item.view": "View of the related form in which its records are shown, for example an organisation chart.",
    "layout": "Name of the layout that visitors fill in.",
    "closes": "Day after which nothing can be sent.",
    "prefill": "Fields whose values stand in the link itself, chosen by who sends it; visitors do not see them.",
    "match": "Whether equal or similar values count.",
    "operations": "What the role may do with the records.",
    "access": "hidden, masked, read or write.",
    "permission.access": "Access to fields that are not named: write where the entry lets create or edit, else read.",
    "version": "The app's version that gave it up.",
}
_PARTS = {"public", "duplicates", "sort", "constraint"}


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with a description at every property that has none; ``KeyError`` where no text is known."""
    for name, part in schema["$defs"].items():
        _walk(part, name)
    _walk({key: value for key, value in schema.items() if key != "$defs"}, "form")
    return schema


def _walk(node: Any, part: str) -> None:
    if isinstance(node, list):
        for item in node:
            _walk(item, part)
    if not isinstance(node, dict):
        return
    properties = node.get("properties")
    kind = properties.get("type", {}).get("const") if isinstance(properties, dict) else None
    for key, value in node.items():
        if key != "properties":
            _walk(value, part)
            continue
        for name, inner in value.items():
            if isinstance(inner, dict) and inner and "const" not in inner and "description" not in inner:
                inner["description"] = _text(name, str(kind or part))
            _walk(inner, name if name in _PARTS else str(kind or part))


def _text(name: str, part: str) -> str:
    return TEXTS.get(f"{part}.{name}") or TEXTS[name]
