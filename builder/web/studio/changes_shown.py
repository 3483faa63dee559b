"""What a draft changes, in the words of those who publish it: which form, which field, from what to what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.definitions import MISSING, Change, Document, join_path, split_path, value_at
from builder.definitions.documents import flat_json
from builder.releases import Plan
from builder.web.context import _, site
from builder.web.studio.form_canvas import layout_label
from builder.web.wording import code_text
from engines.core import LocalizedText

_LONGEST = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeShown:
    """One difference."""

    # The way to it within its definition: "Field Customer source › Label".
    where: str
    kind: str
    # What the kind is called, and its tone.
    word: str
    tone: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A definition with its differences."""

    label: str
    kind: str
    changes: Sequence[ChangeShown]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataShown:
    """What a publish means for records and rights."""

    where: str
    sentence: str
    # Records concerned; None where none were counted.
    rows: int | None
    impact: str
    tone: str


def changes_shown(
    changes: Sequence[Change], before: Mapping[str, Document], after: Mapping[str, Document], kinds: Mapping[str, str]
) -> list[Changed]:
    """The differences by definition; ``kinds``: what the kinds of definitions are called."""
    found: dict[str, list[ChangeShown]] = {}
    for change in changes:
        found.setdefault(split_path(change.path)[0], []).append(_shown(change, before, after))
    return [
        Changed(label=_label_of(key, after if key in after else before), kind=_kind(key, kinds), changes=items)
        for key, items in found.items()
    ]


def data_shown(plan: Plan, documents: Mapping[str, Document]) -> list[DataShown]:
    """What happens to tables, rows and rights."""
    words = {
        "additive": (_("nothing is touched"), "c-green"),
        "compatible": (_("stays valid"), "c-blue"),
        "lossy": (_("no longer seen"), "c-orange"),
        "breaking": (_("no longer fits"), "c-red"),
    }
    found = []
    for item in plan.data:
        key = f"form:{item.form.rpartition('.')[2]}"
        field = join_path(key, "fields", *item.field.split(".")) if item.field else ""
        label = _text(value_at(documents, field)) if field else ""
        where = " › ".join(part for part in (_label_of(key, documents), label or item.field) if part)
        impact, tone = words[item.impact.value]
        sentence = code_text(f"form.plan.{item.code}", site().locale, item.params)
        found.append(DataShown(where=where, sentence=sentence, rows=item.rows, impact=impact, tone=tone))
    return found


def _kind(key: str, kinds: Mapping[str, str]) -> str:
    return kinds.get(key.partition(":")[0], _("File"))


def _label_of(key: str, documents: Mapping[str, Document]) -> str:
    document = documents.get(key)
    return (_text(document.data) if document else "") or key.partition(":")[2] or key


def _text(value: Any) -> str:
    return LocalizedText.of(value.get("label")).get(site().locale) if isinstance(value, Mapping) else ""


def _shown(change: Change, before: Mapping[str, Document], after: Mapping[str, Document]) -> ChangeShown:
    words = {
        "added": (_("new"), "c-green"),
        "removed": (_("removed"), "c-red"),
        "changed": (_("changed"), "c-blue"),
        "moved": (_("moved"), "c-gray"),
    }
    word, tone = words[change.kind]
    old, new = _values(change)
    if isinstance(change.after, Mapping) and not _text(change.after):
        new = _field_label(after, split_path(change.path)[0], change.after) or new
    return ChangeShown(
        where=_where(change.path, after) or _where(change.path, before) or _("all of it"),
        kind=change.kind,
        word=word,
        tone=tone,
        before=old,
        after=new,
    )


def _values(change: Change) -> tuple[str, str]:
    """Both values; of two lists as long as each other only what differs, as in the cells of a row."""
    was, now = change.before, change.after
    if change.kind == "moved":
        return "", " → ".join(map(str, now or ()))
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        pairs = [(a, b) for a, b in zip(was, now, strict=True) if a != b]
        return ", ".join(_value(a) for a, _b in pairs), ", ".join(_value(b) for _a, b in pairs)
    return _value(was), _value(now)


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        text = value
    elif isinstance(value, Mapping) and _text(value):
        text = _text(value)
    else:
        text = flat_json(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _where(path: str, documents: Mapping[str, Document]) -> str:
    """The way to a place in words; "" where the documents have none."""
    key, parts = split_path(path)
    groups = _group_words()
    words, at = [], [key]
    if parts and value_at(documents, path) is MISSING and value_at(documents, join_path(key, *parts[:-1])) is MISSING:
        return ""
    for index, part in enumerate(parts):
        at.append(part)
        if part in groups and index < len(parts) - 1:
            if groups[part]:
                words.append(groups[part])
            continue
        group = parts[index - 1] if index else ""
        word = _child_word(documents, at, group) or _property_words().get(part, part)
        if group == "rules":
            words[-1] = f"{words[-1]} {word}"
        elif groups.get(group):
            words[-1] = f"{words[-1]} “{word}”"
        else:
            words.append(word)
    return " › ".join(words)


def _child_word(documents: Mapping[str, Document], at: Sequence[str], group: str) -> str:
    """What a part of a definition is called: by its label, rows by their number, layouts by what they are for."""
    value = value_at(documents, join_path(*at))
    if not isinstance(value, Mapping):
        return ""
    if group == "rules":
        rows = value_at(documents, join_path(*at[:-1]))
        return str(rows.index(value) + 1)
    if group == "layouts":
        return layout_label(value)
    return _text(value) or _field_label(documents, at[0], value)


def _field_label(documents: Mapping[str, Document], key: str, item: Mapping[str, Any]) -> str:
    """The label of the field that a layout's item shows."""
    name = item.get("field")
    return _text(value_at(documents, join_path(key, "fields", str(name)))) if name else ""


def _group_words() -> dict[str, str]:
    """Arrays that a path goes through; those that say nothing to people are left out."""
    return {
        "fields": _("Field"),
        "layouts": _("Layout"),
        "items": "",
        "views": _("List"),
        "relations": _("Relation"),
        "constraints": _("Check"),
        "options": _("Option"),
        "decisions": "",
        "table": "",
        "rules": _("Row"),
        "inputs": _("Input"),
        "outputs": _("Output"),
        "nodes": _("Step"),
        "flows": _("Flow"),
        "menu": _("Menu"),
        "settings": _("Setting"),
        "tiles": _("Tile"),
        "measures": _("Measure"),
        "dimensions": _("Dimension"),
        "roles": _("Role"),
    }


def _property_words() -> dict[str, str]:
    return {
        "label": _("Label"),
        "plural": _("Name of the list"),
        "help": _("Help text"),
        "when": _("Conditions"),
        "then": _("Results"),
        "required": _("Required"),
        "visible": _("Visible when"),
        "default": _("Default"),
        "formula": _("Formula"),
        "hit_policy": _("Hit policy"),
        "permissions": _("Rights"),
        "columns": _("Columns"),
        "span": _("Width in columns"),
        "expression": _("Expression"),
        "diagram": _("Diagram"),
        "zh": "中文",
        "en": "English",
    }
