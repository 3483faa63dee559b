"""XLSForm workbooks into forms."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from openpyxl import load_workbook

from engines.form.importing.draft import Draft, literal, texts
from engines.form.importing.expressions import from_xlsform
from engines.form.importing.report import Conversion, Outcome, Part, Report

_TYPES: Mapping[str, dict[str, Any]] = {
    "integer": {"type": "number", "scale": 0},
    "int": {"type": "number", "scale": 0},
    "decimal": {"type": "number"},
    "range": {"type": "number"},
    "text": {"type": "text"},
    "string": {"type": "text"},
    "note": {"type": "note"},
    "date": {"type": "date"},
    "time": {"type": "time"},
    "datetime": {"type": "datetime"},
    "geopoint": {"type": "geolocation"},
    "geotrace": {"type": "json"},
    "geoshape": {"type": "json"},
    "image": {"type": "image", "max_files": 1},
    "photo": {"type": "image", "max_files": 1},
    "audio": {"type": "attachment", "max_files": 1, "types": ["audio/*"]},
    "video": {"type": "attachment", "max_files": 1, "types": ["video/*"]},
    "file": {"type": "attachment", "max_files": 1},
    "barcode": {"type": "barcode"},
    "calculate": {"type": "formula", "result": "text"},
    "acknowledge": {"type": "boolean"},
    "trigger": {"type": "boolean"},
    "hidden": {"type": "text", "visible": "false", "when_hidden": "keep"},
    "start": {"type": "datetime", "default": "now()", "read_only": True},
    "end": {"type": "datetime", "default": "now()", "read_only": True},
    "today": {"type": "date", "default": "today()", "read_only": True},
    "username": {"type": "person", "default": "me", "read_only": True},
    "email": {"type": "email"},
    "phonenumber": {"type": "phone"},
}
_META = ("deviceid", "subscriberid", "simserial", "audit", "background-audio", "start-geopoint")
_LOOKS = (
    "appearance",
    "parameters",
    "autoplay",
    "body::accuracythreshold",
    "rows",
    "style",
    "hint_audio",
    "guidance_hint",
)
MAX_ROWS = 5000


def convert_xlsform(content: bytes, name: str) -> Conversion:
    """A form for the answers that an XLSForm workbook asks for; pointers are ``/sheet/row/column``."""
    sheets = _read(content)
    report = Report()
    draft = Draft(name)
    converter = _Converter(draft, report, sheets)
    converter.run()
    return Conversion(definition=draft.data(), entries=report.entries())


def _read(content: bytes) -> dict[str, list[tuple[int, dict[str, str]]]]:
    """Rows of each sheet as (row number, column to text), blank cells left out."""
    workbook = load_workbook(BytesIO(content), read_only=True, data_only=True)
    try:
        return {sheet.title.strip().lower(): _rows(sheet) for sheet in workbook.worksheets}
    finally:
        workbook.close()


def _rows(sheet: Any) -> list[tuple[int, dict[str, str]]]:
    header: list[str] = []
    found = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True, max_row=MAX_ROWS, max_col=200), 1):
        values = ["" if cell is None else str(cell).strip() for cell in cells]
        if not header:
            header = [value for value in values] if any(values) else []
            continue
        row = {key: value for key, value in zip(header, values, strict=False) if key and value}
        if row:
            found.append((number, row))
    return found


class _Converter:
    def __init__(self, draft: Draft, report: Report, sheets: Mapping[str, list[tuple[int, dict[str, str]]]]) -> None:
        self._draft = draft
        self._report = report
        self._sheets = sheets
        self._choices: dict[str, list[dict[str, Any]]] = {}
        # Open groups: (kind, items to add to, fields to add to).
        self._open: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = [("form", draft.items, draft.fields)]
        self._waiting: list[tuple[Part, str, dict[str, Any], str, str]] = []
        self._constraints: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def run(self) -> None:
        self._read_choices()
        for number, row in self._sheets.get("survey", ()):
            part = Part(row, f"/survey/{number}", self._report)
            self._row(part)
            part.close()
        for number, row in self._sheets.get("settings", ()):
            self._settings(Part(row, f"/settings/{number}", self._report))
        self._express()
        self._draft.settle_formulas()

    def _read_choices(self) -> None:
        for number, row in self._sheets.get("choices", ()):
            part = Part(row, f"/choices/{number}", self._report)
            key = part.get("list_name") or part.get("list name") or ""
            option = {"name": part.get("name") or part.get("value") or "option"}
            label = self._label(part, "label")
            if label:
                option["label"] = label
            options = self._choices.setdefault(str(key), [])
            if option["name"] not in {o["name"] for o in options}:
                options.append(option)
            for extra in part.data:
                if not self._report.has(part.at(extra)):
                    part.near(extra, "columns that choice filters use: options depend on one field here")

    def _row(self, part: Part) -> None:
        kind, _, rest = str(part.get("type", "")).partition(" ")
        lowered = f"{kind} {rest}".strip().lower().replace("_", " ")
        if lowered.startswith("begin"):
            self._begin(part, "repeat" if "repeat" in lowered else "group")
        elif lowered.startswith("end ") or lowered in ("endgroup", "endrepeat"):
            if len(self._open) > 1:
                self._open.pop()
            part.get("name")
        elif kind in _META:
            part.drop("type", "about the device; not asked for here")
            for key in part.data:
                part.drop(key, "about the device; not asked for here")
        else:
            self._question(part, kind, rest)

    def _label(self, part: Part, key: str) -> dict[str, str] | str | None:
        """A text in one language, or in those of its ``label::Language (code)`` columns."""
        found: dict[str, str] = {}
        for column in part.data:
            head, _, language = column.partition("::")
            if head.strip() == key:
                code = language.partition("(")[2].rstrip(") ") or language.strip().lower()[:2] or ""
                found[code] = str(part.get(column))
        if not found:
            return None
        return texts(found[""]) if set(found) == {""} else {code or "en": text for code, text in found.items()}

    def _begin(self, part: Part, kind: str) -> None:
        original = str(part.get("name") or kind)
        label = self._label(part, "label")
        _, items, fields = self._open[-1]
        if kind == "repeat" and self._open[-1][0] != "repeat":
            rows: list[dict[str, Any]] = []
            field: dict[str, Any] = {"name": self._draft.new_name(original), "type": "subtable", "fields": rows}
            if label:
                field["label"] = label
            self._expression(part, "relevant", field, "visible")
            fields.append(field)
            items.append({"field": field["name"]})
            self._open.append(("repeat", [], rows))
            count = str(part.peek("repeat_count") or "")
            if count.isdigit():
                part.get("repeat_count")
                field["min_rows"] = field["max_rows"] = int(count)
            elif count:
                part.drop("repeat_count", "a number of rows that an answer gives")
        else:
            if kind == "repeat":
                part.near("type", "a repeat within a repeat becomes part of the outer one")
            section: dict[str, Any] = {"type": "section", "name": self._draft.group_name(original), "items": []}
            if label:
                section["label"] = label
            self._expression(part, "relevant", section, "visible")
            items.append(section)
            self._open.append(
                (self._open[-1][0] if self._open[-1][0] == "repeat" else "group", section["items"], fields)
            )
        self._looks(part)

    def _question(self, part: Part, kind: str, rest: str) -> None:
        original = str(part.get("name") or kind)
        _, items, fields = self._open[-1]
        label = self._label(part, "label")
        if kind == "note":
            item: dict[str, Any] = {"type": "help", "text": label or original}
            self._expression(part, "relevant", item, "visible")
            items.append(item)
            self._looks(part)
            return
        field: dict[str, Any] = {"name": self._draft.new_name(original), **self._shape(part, kind, rest)}
        if label:
            field["label"] = label
        hint = self._label(part, "hint")
        if hint:
            field["help"] = hint
        self._rules(part, field, original)
        fields.append(field)
        items.append({"field": field["name"]})
        self._looks(part)

    def _shape(self, part: Part, kind: str, rest: str) -> dict[str, Any]:
        lists = {
            "select_one": "choice",
            "select_multiple": "multi_choice",
            "rank": "ranking",
            "select1": "choice",
            "select": "multi_choice",
        }
        base = kind.removesuffix("_from_file")
        if base in lists:
            name = rest.split()[0] if rest.split() else ""
            other = rest.endswith("or_other")
            options = [dict(option) for option in self._choices.get(name, ())] or [{"name": "yes"}]
            if other:
                options.append({"name": "other", "label": {"en": "Other", "zh": "其他"}})
            if kind.endswith("_from_file"):
                part.near("type", "options of a file that was not given")
            return {"type": lists[base], "options": options}
        found = dict(_TYPES.get(kind.lower(), {}))
        if not found:
            part.near("type", f'a question of type "{kind}" is kept as text')
            return {"type": "text"}
        if found["type"] == "json":
            part.near("type", "lines and areas on the map are kept as data")
        if kind == "range":
            found |= self._range(part)
        if "multiline" in str(part.peek("appearance") or "") and found["type"] == "text":
            found["type"] = "long_text"
        return found

    def _range(self, part: Part) -> dict[str, Any]:
        pairs = dict(one.split("=", 1) for one in str(part.get("parameters") or "").split() if "=" in one)
        found: dict[str, Any] = {}
        for key, ours in (("start", "min"), ("end", "max")):
            if pairs.get(key, "").lstrip("-").isdigit():
                found[ours] = int(pairs[key])
        return found

    def _rules(self, part: Part, field: dict[str, Any], original: str) -> None:
        required = str(part.peek("required") or "").lower()
        if required in ("yes", "true", "true()", "1"):
            part.get("required")
            field["required"] = True
        elif required in ("no", "false", "false()", "0"):
            part.get("required")
        else:
            self._expression(part, "required", field, "required")
        if str(part.peek("read_only") or part.peek("readonly") or "").lower() in ("yes", "true", "true()", "1"):
            field["read_only"] = True
        for key in ("read_only", "readonly"):
            part.get(key)
        self._expression(part, "relevant", field, "visible")
        self._expression(part, "calculation", field, "formula")
        self._default(part, field)
        if part.peek("constraint"):
            constraint: dict[str, Any] = {}
            message = self._label(part, "constraint_message")
            if message:
                constraint["message"] = message
            self._expression(part, "constraint", constraint, "condition", own=field["name"], within=field)
        part.near("required_message", "our own sentence is shown")
        for column in list(part.data):
            if column.split("::")[0] == "required_message":
                part.near(column, "our own sentence is shown")
            if column.split("::")[0] in ("media", "image", "audio", "video", "big-image"):
                part.near(column, "labels have no pictures or sounds")
        part.drop("choice_filter", "options that depend on an expression: use depends_on")
        part.drop("trigger", "formulas follow what they read")
        if field["type"] == "formula" and "formula" not in field:
            field["formula"] = None

    def _default(self, part: Part, field: dict[str, Any]) -> None:
        value = part.peek("default")
        if not value:
            return
        part.get("default")
        text = str(value)
        if field["type"] in ("number", "rating"):
            field["default"] = text if text.lstrip("-").replace(".", "", 1).isdigit() else "null"
        elif field["type"] == "boolean":
            field["default"] = "true" if text.lower() in ("yes", "true", "1", "ok") else "false"
        elif field["type"] in ("date", "datetime", "time"):
            known = {"today()": "today()", "now()": "now()"}
            functions = {"date": "date", "datetime": "date and time", "time": "time"}
            field["default"] = known.get(text, f"{functions[field['type']]}({literal(text)})")
        else:
            field["default"] = literal(text.split()) if field["type"] in ("multi_choice", "ranking") else literal(text)

    def _settings(self, part: Part) -> None:
        title = part.get("form_title") or part.get("title")
        if title:
            self._draft.extra["label"] = str(title)
        part.near("form_id", "the file gives the name")
        part.near("version", "releases have versions")
        part.near("default_language", "people choose their language")
        part.near("instance_name", "choose a title field")
        for key in list(part.data):
            if not self._report.has(part.at(key)):
                part.near(key, "decided alike for every form")

    def _looks(self, part: Part) -> None:
        for key in _LOOKS:
            if key in part and not self._report.has(part.at(key)):
                part.near(key, "how it looks is decided alike for every form")

    def _expression(
        self,
        part: Part,
        key: str,
        target: dict[str, Any],
        ours: str,
        own: str = "",
        within: dict[str, Any] | None = None,
    ) -> None:
        if part.peek(key):
            self._report.note(part.at(key), Outcome.DROPPED, "the expression could not be translated")
            self._waiting.append((part, key, target, ours, own))
            if within is not None:
                self._constraints.append((target, within))

    def _express(self) -> None:
        for part, key, target, ours, own in self._waiting:
            text = from_xlsform(str(part.peek(key)), self._draft.known, own)
            if text:
                part.get(key)
                target[ours] = text
        for constraint, field in self._constraints:
            if "condition" in constraint:
                field["constraint"] = constraint
