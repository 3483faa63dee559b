# ruff: noqa: E501  (samples of other formats, a row a line)
"""Other formats into ours: the result is a form that checks clean, and every property is accounted for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from engines import form
from engines.core import DefinitionSource, ExternalError
from engines.form.importing import Conversion, Outcome, convert, detect
from tests.form.shop import Names

JSON_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Guest",
    "description": "Somebody who stays.",
    "type": "object",
    "required": ["firstName", "kind"],
    "additionalProperties": False,
    "properties": {
        "firstName": {"type": "string", "title": "First name", "minLength": 2, "maxLength": 40, "pattern": "^[A-Z].*$"},
        "mail": {"type": "string", "format": "email"},
        "born": {"type": "string", "format": "date"},
        "kind": {"enum": ["private", "company"], "default": "private"},
        "taxNumber": {"type": "string", "readOnly": False},
        "nights": {"type": "integer", "minimum": 1, "maximum": 30, "default": 1},
        "price": {"type": "number", "multipleOf": 0.01, "exclusiveMinimum": 0},
        "vip": {"type": "boolean"},
        "wishes": {"type": "array", "items": {"enum": ["quiet", "view"]}, "uniqueItems": True},
        "words": {"type": "array", "items": {"type": "string"}},
        "address": {"$ref": "#/$defs/address"},
        "rooms": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"no": {"type": "integer"}, "beds": {"type": "integer"}},
                "required": ["no"],
            },
        },
        "looped": {"type": "string", "pattern": "(?<=a)b"},
    },
    "if": {"properties": {"kind": {"const": "company"}}},
    "then": {"required": ["taxNumber"]},
    "$defs": {"address": {"type": "object", "title": "Address", "properties": {"city": {"type": "string"}}}},
}
SURVEY: dict[str, Any] = {
    "title": {"default": "Stay", "zh-cn": "入住"},
    "showProgressBar": "top",
    "completedHtml": "<p>Thanks</p>",
    "pages": [
        {
            "name": "first",
            "title": "First",
            "elements": [
                {"type": "text", "name": "who", "title": "Who?", "isRequired": True, "maxLength": 30},
                {"type": "text", "name": "mail", "inputType": "email", "visibleIf": "{who} notempty"},
                {"type": "rating", "name": "score", "rateMax": 10, "rateMin": 0},
                {"type": "comment", "name": "why", "visibleIf": "{score} <= 6 and {who} != 'x'", "requiredIf": "{score} < 3"},
                {"type": "checkbox", "name": "liked", "choices": ["food", {"value": "bed", "text": "The bed"}], "showOtherItem": True},
                {"type": "radiogroup", "name": "again", "choices": ["yes", "no"], "defaultValue": "yes", "colCount": 2},
                {"type": "matrix", "name": "parts", "columns": ["good", "bad"], "rows": ["Room", "Staff"]},
                {
                    "type": "paneldynamic",
                    "name": "guests",
                    "minPanelCount": 1,
                    "templateElements": [{"type": "text", "name": "age", "inputType": "number", "min": 0}],
                },
                {"type": "panel", "name": "more", "elements": [{"type": "boolean", "name": "news", "visibleIf": "{liked} contains 'bed'"}]},
                {"type": "expression", "name": "doubled", "expression": "{score} * 2"},
                {"type": "text", "name": "sum", "inputType": "number",
                 "validators": [{"type": "numeric", "minValue": 1, "maxValue": 9}, {"type": "expression", "expression": "{sum} > {score}", "text": "more!"}]},
            ],
        }
    ],
    "triggers": [{"type": "complete", "expression": "{score} = 0"}],
}  # fmt: skip
DOCTYPE: dict[str, Any] = {
    "doctype": "DocType",
    "name": "Repair Job",
    "module": "Workshop",
    "autoname": "format:RJ-{YYYY}-{#####}",
    "creation": "2020-01-01",
    "title_field": "subject",
    "search_fields": "subject, phone",
    "sort_field": "modified",
    "sort_order": "DESC",
    "track_changes": 1,
    "fields": [
        {"fieldname": "main", "fieldtype": "Section Break", "label": "Main"},
        {"fieldname": "subject", "fieldtype": "Data", "label": "Subject", "reqd": 1, "in_list_view": 1, "in_global_search": 1},
        {"fieldname": "status", "fieldtype": "Select", "options": "Open\nClosed", "default": "Open", "in_list_view": 1},
        {"fieldname": "cb", "fieldtype": "Column Break"},
        {"fieldname": "phone", "fieldtype": "Data", "options": "Phone"},
        {"fieldname": "closed_on", "fieldtype": "Date", "depends_on": "eval:doc.status == 'Closed'", "mandatory_depends_on": "eval:doc.status=='Closed' && doc.subject"},
        {"fieldname": "customer", "fieldtype": "Link", "options": "Customer"},
        {"fieldname": "city", "fieldtype": "Data", "fetch_from": "customer.city"},
        {"fieldname": "cost", "fieldtype": "Currency", "non_negative": 1, "precision": "2", "print_hide": 1},
        {"fieldname": "parts", "fieldtype": "Table", "options": "Repair Part"},
        {"fieldname": "odd", "fieldtype": "Data", "depends_on": "eval:frappe.session.user"},
    ],
    "permissions": [
        {"role": "Workshop User", "read": 1, "write": 1, "create": 1, "if_owner": 1},
        {"role": "Workshop Manager", "read": 1, "write": 1, "create": 1, "delete": 1, "export": 1},
    ],
}  # fmt: skip


def workbook() -> bytes:
    """An XLSForm."""
    book = openpyxl.Workbook()
    survey = book.active
    assert survey is not None
    survey.title = "survey"
    for row in (
        [
            "type",
            "name",
            "label::English (en)",
            "label::中文 (zh)",
            "hint",
            "required",
            "relevant",
            "constraint",
            "constraint_message",
            "calculation",
            "default",
            "appearance",
        ],
        ["text", "Name", "Name", "姓名", "", "yes", "", "", "", "", "", ""],
        ["integer", "age", "Age", "年龄", "in years", "", "", ". >= 0 and . < 130", "too old", "", "", ""],
        ["begin group", "extra", "Extra", "其他", "", "", "${age} > 17", "", "", "", "", ""],
        ["select_one yn", "smokes", "Smokes", "吸烟", "", "", "", "", "", "", "no", "minimal"],
        [
            "select_multiple col",
            "colours",
            "Colours",
            "颜色",
            "",
            "",
            "selected(${smokes}, 'yes') or ${smokes} = 'yes'",
            "",
            "",
            "",
            "",
            "",
        ],
        ["end group", "", "", "", "", "", "", "", "", "", "", ""],
        ["begin repeat", "child", "Child", "孩子", "", "", "", "", "", "", "", ""],
        ["text", "child_name", "Name", "姓名", "", "yes", "", "", "", "", "", ""],
        ["end repeat", "", "", "", "", "", "", "", "", "", "", ""],
        ["calculate", "twice", "", "", "", "", "", "", "", "if(${age} > 10, 'old', concat('young ', ${age}))", "", ""],
        ["note", "bye", "Thanks", "谢谢", "", "", "", "", "", "", "", ""],
        ["geopoint", "where", "Where", "位置", "", "", "", "", "", "", "", ""],
        ["deviceid", "device", "", "", "", "", "", "", "", "", "", ""],
    ):
        survey.append(row)
    choices = book.create_sheet("choices")
    for row in (
        ["list_name", "name", "label::English (en)", "label::中文 (zh)"],
        ["yn", "yes", "Yes", "是"],
        ["yn", "no", "No", "否"],
        ["col", "red", "Red", "红"],
    ):
        choices.append(row)
    settings = book.create_sheet("settings")
    settings.append(["form_title", "form_id"])
    settings.append(["Household", "hh"])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def text(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data).encode()


FILES = {"json_schema": text(JSON_SCHEMA), "surveyjs": text(SURVEY), "frappe": text(DOCTYPE), "xlsform": workbook()}


def converted(kind: str) -> Conversion:
    assert detect(FILES[kind]) == kind
    return convert(FILES[kind], "sample")


def fields(kind: str) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in converted(kind).definition["fields"]}


@pytest.mark.parametrize("kind", FILES)
def test_the_result_is_a_form_without_errors(kind: str) -> None:
    data = converted(kind).definition
    loaded = form.load(DefinitionSource(file="a.form.json", text=json.dumps(data, ensure_ascii=False, default=str)))
    assert loaded.definition is not None, [d.render() for d in loaded.diagnostics]
    customer = {"name": "customer", "fields": [{"name": "city", "type": "text"}]}
    other = form.load(DefinitionSource(file="c", text=json.dumps(customer))).definition
    roles = dict.fromkeys(p.role for p in loaded.definition.permissions)
    names = Names({"form": {"customer": other, loaded.definition.name: loaded.definition}, "role": roles})
    problems = [d for d in form.validate(loaded.definition, names) if d.severity == "error"]
    assert [d.render() for d in problems if d.code != "form.public_not_allowed"] == []


@pytest.mark.parametrize("kind", FILES)
def test_nine_in_ten_properties_are_represented_and_none_is_forgotten(kind: str) -> None:
    found = converted(kind)
    assert found.share(Outcome.REPRESENTED, Outcome.APPROXIMATED) >= 0.9, found.to_json()["dropped"]
    assert found.share(Outcome.REPRESENTED) >= 0.8, found.to_json()
    assert all(entry.reason for entry in found.entries if entry.outcome is not Outcome.REPRESENTED)
    if kind != "xlsform":
        told = {entry.pointer for entry in found.entries}
        missing = [
            p for p in _leaves(json.loads(FILES[kind])) if not any(p == t or p.startswith(f"{t}/") for t in told)
        ]
        assert missing == []


def _leaves(data: Any, at: str = "") -> list[str]:
    if isinstance(data, dict) and data:
        return [leaf for key, value in data.items() for leaf in _leaves(value, f"{at}/{key.replace('/', '~1')}")]
    if isinstance(data, list) and data:
        return [leaf for place, value in enumerate(data) for leaf in _leaves(value, f"{at}/{place}")]
    return [at]


def test_json_schema_says_the_same_as_the_form() -> None:
    found = fields("json_schema")
    assert found["first_name"] == {
        "name": "first_name", "type": "text", "max_length": 40, "min_length": 2, "pattern": "[A-Z].*", "label": "First name", "required": True,
    }  # fmt: skip
    assert found["tax_number"]["required"] == 'kind = "company"'
    assert (found["price"]["scale"], str(found["price"]["min"])) == (2, "0.01")
    assert (found["nights"]["min"], found["nights"]["max"], found["nights"]["scale"]) == (1, 30, 0)
    assert [f["name"] for f in found["rooms"]["fields"]] == ["no", "beds"]
    assert (found["wishes"]["type"], found["words"]["type"], found["address_city"]["type"]) == (
        "multi_choice",
        "tags",
        "text",
    )
    dropped = [e for e in converted("json_schema").entries if e.outcome is Outcome.DROPPED]
    assert [e.pointer for e in dropped] == ["/properties/looped/pattern"]


def test_survey_logic_becomes_feel() -> None:
    found = fields("surveyjs")
    assert found["mail"]["visible"] == "who != null"
    assert found["why"]["visible"] == 'score <= 6 and who != "x"'
    assert found["why"]["required"] == "score < 3"
    assert found["news"]["visible"] == 'list contains(liked, "bed")'
    assert found["doubled"]["formula"] == "score * 2"
    assert (found["sum"]["min"], found["sum"]["constraint"]["condition"]) == (1, "sum > score")
    assert (found["guests"]["type"], found["guests"]["min_rows"]) == ("subtable", 1)


def test_a_doctype_keeps_naming_rights_conditions_and_list() -> None:
    data = converted("frappe").definition
    found = fields("frappe")
    assert found["number"]["pattern"] == "RJ-{year}-{number:5}"
    assert found["closed_on"]["visible"] == 'status = "Closed"'
    assert found["closed_on"]["required"] == 'status = "Closed" and subject != null'
    assert found["city"]["default"] == "customer.city"
    assert data["permissions"][0] == {
        "role": "workshop_user",
        "operations": ["see", "edit", "create"],
        "rows": "owner = me",
    }
    assert data["views"][0] == {
        "name": "all",
        "columns": ["subject", "status"],
        "sort": [{"field": "updated_at", "direction": "desc"}],
    }
    assert (data["title"], found["phone"]["type"], found["cost"]["min"]) == ("subject", "phone", 0)


def test_an_xlsform_keeps_groups_repeats_and_both_languages() -> None:
    found = fields("xlsform")
    assert found["name"]["label"] == {"en": "Name", "zh": "姓名"}
    assert found["age"]["constraint"] == {"message": "too old", "condition": "age >= 0 and age < 130"}
    assert found["twice"]["formula"] == '(if age > 10 then "old" else (string("young ") + string(age)))'
    assert [f["name"] for f in found["child"]["fields"]] == ["child_name"]
    sections = [
        item for item in converted("xlsform").definition["layouts"][0]["items"] if item.get("type") == "section"
    ]
    assert sections[0]["visible"] == "age > 17"


def test_a_file_of_no_known_kind_is_refused() -> None:
    for content in (b"", b"[1]", b'{"a": 1}', b"hello"):
        with pytest.raises(ExternalError):
            convert(content, "x")


def test_levels_of_fields_become_rights_of_roles() -> None:
    data = {
        "doctype": "DocType",
        "name": "Payout",
        "module": "Pay",
        "fields": [
            {"fieldname": "title", "fieldtype": "Data", "label": "Title", "permlevel": 0},
            {"fieldname": "sum", "fieldtype": "Currency", "label": "Sum", "permlevel": 1, "bold": 0, "no_copy": 0},
        ],
        "permissions": [
            {"role": "Clerk", "read": 1, "write": 1, "create": 1, "permlevel": 0, "submit": 0},
            {"role": "Chief", "read": 1, "permlevel": 0},
            {"role": "Chief", "read": 1, "write": 1, "permlevel": 1},
        ],
    }
    found = convert(json.dumps(data).encode(), "payout")
    assert {p["role"]: p["fields"] for p in found.definition["permissions"]} == {
        "clerk": [{"name": "sum", "access": "hidden"}],
        "chief": [{"name": "sum", "access": "write"}],
    }
    told = {entry.pointer: entry.outcome for entry in found.entries}
    assert all(told[f"/fields/1/{key}"] is Outcome.REPRESENTED for key in ("permlevel", "bold", "no_copy"))
    assert told["/permissions/2/permlevel"] is Outcome.REPRESENTED
    assert told["/permissions/0/submit"] is Outcome.REPRESENTED
