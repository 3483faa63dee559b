"""SurveyJS surveys into forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engines.form.importing.draft import Draft, identifier, literal, texts
from engines.form.importing.expressions import from_surveyjs
from engines.form.importing.json_schema import whole_pattern
from engines.form.importing.report import Conversion, Outcome, Part, Report

_INPUTS = {
    "number": "number",
    "range": "number",
    "date": "date",
    "datetime-local": "datetime",
    "datetime": "datetime",
    "time": "time",
    "email": "email",
    "tel": "phone",
    "url": "url",
    "color": "color",
}
# Presentation that our layouts decide by themselves, alike for every form.
_LOOKS = (
    "showProgressBar showQuestionNumbers questionTitleLocation questionErrorLocation completeText pageNextText "
    "pagePrevText logo logoPosition logoWidth logoHeight logoFit width widthMode fitToContainer showTitle "
    "showPageTitles showPageNumbers requiredText progressBarType progressBarShowPageTitles "
    "progressBarShowPageNumbers checkErrorsMode textUpdateMode focusFirstQuestionAutomatic "
    "autoFocusFirstQuestion showPrevButton showNavigationButtons startWithNewLine colCount titleLocation "
    "minWidth maxWidth indent hideNumber state innerIndent descriptionLocation errorLocation size cols rows "
    "placeholder placeHolder autoGrow allowResize labelTrue labelFalse imageFit imageHeight imageWidth "
    "contentMode renderAs showLabel displayMode rateType rateColorMode rateDisplayMode searchEnabled "
    "searchMode showClearButton allowClear columnMinWidth columnColCount horizontalScroll alternateRows "
    "verticalAlign cellType detailPanelMode addRowText removeRowText panelAddText panelRemoveText "
    "templateTitle templateDescription keyDuplicationError emptyRowsText noEntriesText minRateDescription "
    "mininumRateDescription maximumRateDescription "
    "maxRateDescription autoGenerate rateCount confirmDelete confirmDeleteText panelCount rowCount noneText "
    "otherText selectAllText showSelectAllItem hasSelectAll choicesOrder rowsOrder hideIfChoicesEmpty "
    "optionsCaption step separateSpecialChoices backgroundImage headerView themeVariables sizeUnits valueTrue "
    "valueFalse storeDataAsText waitForUpload allowImagesPreview needConfirmRemoveFile dataFormat penColor "
    "signatureWidth signatureHeight"
).split()


def convert_surveyjs(data: Mapping[str, Any], name: str) -> Conversion:
    """A form for the answers of the survey: pages become sections, questions fields."""
    report = Report()
    root = Part(data, "", report)
    title = data.get("title")
    plain = (
        title if isinstance(title, str) else (title or {}).get("default", name) if isinstance(title, Mapping) else name
    )
    draft = Draft(str(plain or name))
    converter = _Converter(draft, report)
    converter.survey(root)
    return Conversion(definition=draft.data(), entries=report.entries())


class _Converter:
    def __init__(self, draft: Draft, report: Report) -> None:
        self._draft = draft
        self._report = report
        # Expressions wait until all names are known: (part, key, where to put the FEEL, key there).
        self._waiting: list[tuple[Part, str, Callable[[str], None]]] = []

    def survey(self, root: Part) -> None:
        for key, ours in (("title", "label"), ("description", "description")):
            if key in root:
                self._draft.extra[ours] = texts(root.get(key))
        if "completedHtml" in root:
            message = root.near("completedHtml", "shown after sending as plain text")
            self._draft.extra["public"] = {"layout": "edit", "message": texts(message)}
        if root.peek("pages"):
            for page in root.parts("pages"):
                self._page(page)
        else:
            self.elements(root, self._draft.items)
        for variable in root.parts("calculatedValues"):
            self._calculated(variable)
        self._express()
        self._draft.settle_formulas()
        self._looks(root)
        root.get("locale")
        root.drop("triggers", "write a rule instead: triggers run in the browser alone")
        root.close()

    def _page(self, page: Part) -> None:
        items: list[dict[str, Any]] = []
        section: dict[str, Any] = {
            "type": "section",
            "name": self._draft.group_name(str(page.get("name", "page"))),
            "items": items,
        }
        if "title" in page:
            section["label"] = texts(page.get("title"))
        if "description" in page:
            items.append({"type": "help", "text": texts(page.get("description"))})
        self._expression(page, "visibleIf", into(section, "visible"))
        self._draft.items.append(section)
        self.elements(page, items)
        self._looks(page)
        page.close()

    def elements(self, part: Part, items: list[dict[str, Any]]) -> None:
        for key in ("elements", "questions", "templateElements"):
            for element in part.parts(key):
                self._element(element, items)

    def _element(self, part: Part, items: list[dict[str, Any]]) -> None:
        kind = str(part.get("type"))
        if kind == "panel":
            self._page_like(part, items)
        elif kind == "html":
            items.append({"type": "help", "text": texts(part.near("html", "shown as plain text"))})
            self._expression(part, "visibleIf", into(items[-1], "visible"))
            part.get("name")
        elif kind == "multipletext":
            self._several(part, items)
        else:
            field = self._field(part, kind)
            if field:
                self._draft.fields.append(field)
                items.append({"field": field["name"]})
        self._looks(part)
        part.close()

    def _page_like(self, part: Part, items: list[dict[str, Any]]) -> None:
        inner: list[dict[str, Any]] = []
        section: dict[str, Any] = {
            "type": "section",
            "name": self._draft.group_name(str(part.get("name", "panel"))),
            "items": inner,
        }
        if "title" in part:
            section["label"] = texts(part.get("title"))
        if "description" in part:
            inner.append({"type": "help", "text": texts(part.get("description"))})
        self._expression(part, "visibleIf", into(section, "visible"))
        items.append(section)
        self.elements(part, inner)

    def _several(self, part: Part, items: list[dict[str, Any]]) -> None:
        """A question of several texts: a section with a field each."""
        inner: list[dict[str, Any]] = []
        section: dict[str, Any] = {
            "type": "section",
            "name": self._draft.group_name(str(part.get("name"))),
            "items": inner,
        }
        section["label"] = texts(part.get("title", part.peek("name")))
        items.append(section)
        for item in part.parts("items"):
            field = self._field(item, "text", prefix=f"{part.peek('name')}_")
            self._draft.fields.append(field)
            inner.append({"field": field["name"]})
            item.close()

    def _field(self, part: Part, kind: str, prefix: str = "") -> dict[str, Any]:
        original = str(part.get("name", "question"))
        field: dict[str, Any] = {"name": self._draft.new_name(prefix + original)}
        field |= self._shape(part, kind)
        if kind == "expression":
            self._expression(part, "expression", into(field, "formula"))
        self._common(part, field)
        return field

    def _common(self, part: Part, field: dict[str, Any]) -> None:
        """What every question may have."""
        if "title" in part:
            field["label"] = texts(part.get("title"))
        if "description" in part:
            field["help"] = texts(part.get("description"))
        if part.get("isRequired"):
            field["required"] = True
        if part.get("readOnly"):
            field["read_only"] = True
        if part.get("visible") is False:
            field["visible"] = "false"
        if "defaultValue" in part:
            value = part.peek("defaultValue")
            if isinstance(value, Mapping):
                part.drop("defaultValue", "a default of several parts")
            else:
                field["default"] = literal(part.get("defaultValue"))
        if "clearIfInvisible" in part:
            field["when_hidden"] = "keep" if part.get("clearIfInvisible") == "none" else "clear"
        for key, ours in (("visibleIf", "visible"), ("requiredIf", "required"), ("defaultValueExpression", "default")):
            self._expression(part, key, into(field, ours))
        self._expression(part, "enableIf", lambda text: field.update(read_only=f"not({text})"))
        self._expression(part, "setValueExpression", into(field, "formula"))
        part.near("requiredErrorText", "our own sentence is shown")
        part.drop("correctAnswer", "quizzes are not scored")
        part.drop("valueName", "two questions cannot share one value")
        self._validators(part, field)

    def _shape(self, part: Part, kind: str) -> dict[str, Any]:
        match kind:
            case "text":
                return self._text(part)
            case "comment":
                return {"type": "long_text", **_lengths(part)}
            case "dropdown" | "radiogroup" | "buttongroup" | "imagepicker" if not part.peek("multiSelect"):
                return {"type": "choice", **self._choices(part)}
            case "checkbox" | "tagbox" | "imagepicker":
                part.get("multiSelect")
                limits = (("maxSelectedChoices", "max_items"), ("minSelectedChoices", "min_items"))
                found = {ours: part.get(key) for key, ours in limits if part.peek(key)}
                return {"type": "multi_choice", **self._choices(part), **found}
            case "ranking":
                return {"type": "ranking", **self._choices(part)}
            case "boolean":
                return {"type": "boolean"}
            case "rating" | "slider":
                return self._rating(part)
            case "matrix":
                return self._matrix(part)
            case "matrixdynamic" | "matrixdropdown" | "paneldynamic":
                return self._rows(part, kind)
            case "file":
                return self._file(part)
            case "signaturepad":
                return {"type": "signature"}
            case "expression":
                field: dict[str, Any] = {"type": "formula", "result": "number", "formula": "null"}
                if part.near("displayStyle", "our own format is used") in (None, "none"):
                    field["result"] = "text"
                for key in ("currency", "maximumFractionDigits", "minimumFractionDigits", "format"):
                    part.near(key, "our own format is used")
                return field
        self._report.note(part.at("type"), Outcome.APPROXIMATED, f'a question of type "{kind}" is kept as data')
        return {"type": "json"}

    def _text(self, part: Part) -> dict[str, Any]:
        kind = _INPUTS.get(str(part.peek("inputType", "text")), "text")
        if kind == "text" and part.peek("inputType") not in (None, "text"):
            part.near("inputType", "kept as text")
        part.get("inputType")
        found: dict[str, Any] = {"type": kind, **(_lengths(part) if kind == "text" else {})}
        for key, ours in (("min", "min"), ("max", "max")):
            if key in part and kind == "number":
                found[ours] = part.get(key)
            elif key in part and kind == "date":
                found[ours] = str(part.get(key))
        for key in ("maskType", "maskSettings", "textWrapMode", "autocomplete", "dataList"):
            part.near(key, "a help for typing")
        return found

    def _choices(self, part: Part) -> dict[str, Any]:
        taken: set[str] = set()
        options = []
        for place, choice in enumerate(part.peek("choices") or ()):
            at = f"{part.at('choices')}/{place}"
            item = Part(choice, at, self._report) if isinstance(choice, Mapping) else None
            value = item.get("value") if item else choice
            if item is None:
                self._report.note(at)
            label = item.get("text", value) if item else choice
            name = str(value) if str(value) not in taken else identifier(str(value), taken)
            taken.add(name)
            options.append({"name": name, "label": texts(label)})
            if item:
                item.near("imageLink", "options have no pictures")
                item.drop("visibleIf", "an option offered under a condition: use depends_on")
                item.drop("enableIf", "an option offered under a condition: use depends_on")
                item.close()
        extras = (("showOtherItem", "hasOther", "other", "Other"), ("showNoneItem", "hasNone", "none", "None"))
        for key, old, name, label in extras:
            if (part.get(key) or part.get(old)) and name not in taken:
                options.append({"name": name, "label": label})
        part.drop("choicesByUrl", "options from a web service: use a reference to a form")
        part.near("choicesEnableIf", "options are always offered")
        part.near("choicesVisibleIf", "options are always offered")
        return {"options": options or [{"name": "yes"}]}

    def _rating(self, part: Part) -> dict[str, Any]:
        values = part.peek("rateValues")
        if isinstance(values, list) and values:
            return {"type": "choice", "options": self._rates(part, values)}
        low, high = part.get("rateMin", part.get("min", 1)), part.get("rateMax", part.get("max", 5))
        part.near("rateStep", "whole points")
        return {"type": "rating", "max": int(high), **({"min": int(low)} if int(low) != 1 else {})}

    def _rates(self, part: Part, values: Sequence[Any]) -> list[dict[str, Any]]:
        found = []
        for place, value in enumerate(values):
            at = f"{part.at('rateValues')}/{place}"
            item = Part(value, at, self._report) if isinstance(value, Mapping) else None
            if item is None:
                self._report.note(at)
            key = item.get("value") if item else value
            found.append({"name": str(key), "label": texts(item.get("text", key)) if item else str(key)})
        return found

    def _matrix(self, part: Part) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "matrix"}
        for key in ("rows", "columns"):
            found[f"matrix_{key}"] = self._named(part, key)
        if part.peek("isAllRowRequired") or part.peek("eachRowRequired"):
            found["all_rows"] = bool(part.get("isAllRowRequired") or part.get("eachRowRequired"))
        if part.peek("cellType") == "checkbox":
            part.get("cellType")
            found["several"] = True
        return found

    def _named(self, part: Part, key: str) -> list[dict[str, Any]]:
        taken: set[str] = set()
        found = []
        for place, value in enumerate(part.peek(key) or ()):
            item = Part(value, f"{part.at(key)}/{place}", self._report) if isinstance(value, Mapping) else None
            if item is None:
                self._report.note(f"{part.at(key)}/{place}")
            name = item.get("value") if item else value
            found.append(
                {"name": identifier(str(name), taken), "label": texts(item.get("text", name)) if item else str(name)}
            )
            if item:
                item.close()
        return found or [{"name": "row"}]

    def _rows(self, part: Part, kind: str) -> dict[str, Any]:
        inner = _Converter(Draft("rows"), self._report)
        for column in part.parts("columns"):
            cell = str(column.get("cellType", part.peek("cellType", "dropdown")))
            shared = {**column.data} if "choices" in column else {**column.data, "choices": part.peek("choices", [])}
            merged = Part(shared, column.pointer, self._report)
            field = inner._field(merged, cell if cell != "default" else "dropdown")
            inner._draft.fields.append(field)
            inner._looks(column)
            column.close()
        if kind == "paneldynamic":
            inner.elements(part, [])
        for place in range(len(part.peek("choices") or ())):
            self._report.note(f"{part.at('choices')}/{place}")
        if kind == "matrixdropdown":
            part.near("rows", "the rows are entered, not given")
        inner._express()
        found: dict[str, Any] = {
            "type": "subtable",
            "fields": inner._draft.fields or [{"name": "value", "type": "text"}],
        }
        for key, ours in (
            ("minRowCount", "min_rows"),
            ("minPanelCount", "min_rows"),
            ("maxRowCount", "max_rows"),
            ("maxPanelCount", "max_rows"),
        ):
            if part.peek(key):
                found[ours] = part.get(key)
        return found

    def _file(self, part: Part) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "attachment", "max_files": 20 if part.get("allowMultiple") else 1}
        if part.peek("maxSize"):
            found["max_size"] = int(part.get("maxSize"))
        accepted = str(part.get("acceptedTypes", "")).replace(" ", "").split(",")
        types = [one for one in accepted if "/" in one]
        return {**found, **({"types": types} if types else {})}

    def _validators(self, part: Part, field: dict[str, Any]) -> None:
        for validator in part.parts("validators"):
            kind = validator.get("type")
            keys = {
                "text": (("minLength", "min_length"), ("maxLength", "max_length")),
                "numeric": (("minValue", "min"), ("maxValue", "max")),
                "answercount": (("minCount", "min_items"), ("maxCount", "max_items")),
            }.get(str(kind), ())
            for key, ours in keys:
                if key in validator:
                    field[ours] = validator.get(key)
            if kind == "email" and field["type"] == "text":
                field["type"] = "email"
            pattern = whole_pattern(str(validator.peek("regex", ""))) if kind == "regex" else ""
            if pattern:
                validator.get("regex")
                field["pattern"] = pattern
            if kind == "expression":
                field["constraint"] = {"message": texts(validator.get("text", "This value is not allowed."))}
                self._expression(validator, "expression", into(field["constraint"], "condition"))
            validator.near("text", "our own sentence is shown")
            validator.close()

    def _calculated(self, part: Part) -> None:
        name = self._draft.new_name(str(part.get("name", "value")))
        field: dict[str, Any] = {"name": name, "type": "formula", "result": "text", "formula": "null"}
        self._draft.fields.append(field)
        self._expression(part, "expression", into(field, "formula"))
        part.get("includeIntoResult")
        part.close()

    def _looks(self, part: Part) -> None:
        for key in _LOOKS:
            if key in part and not part.told(key):
                part.near(key, "how it looks is decided alike for every form")

    def _expression(self, part: Part, key: str, put: Callable[[str], Any]) -> None:
        if part.peek(key):
            self._report.note(part.at(key), Outcome.DROPPED, "the expression could not be translated")
            self._waiting.append((part, key, put))

    def _express(self) -> None:
        """Translates the expressions, once all names are known."""
        for part, key, put in self._waiting:
            text = from_surveyjs(str(part.peek(key)), self._draft.known)
            if text:
                part.get(key)
                put(text)
        self._waiting.clear()
        for field in self._draft.fields:
            if "condition" not in field.get("constraint", {"condition": ""}):
                del field["constraint"]


def into(target: dict[str, Any], key: str) -> Callable[[str], None]:
    """A function that puts a text into ``target`` under ``key``."""

    def put(text: str) -> None:
        target[key] = text

    return put


def _lengths(part: Part) -> dict[str, Any]:
    length = part.get("maxLength")
    return {"max_length": int(length)} if length and int(length) > 0 else {}
