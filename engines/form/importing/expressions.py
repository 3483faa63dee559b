"""Expressions of other formats as FEEL; what cannot be said is told as empty text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from engines.form.importing.draft import canonical

Names = Mapping[str, str]
_STRING = re.compile(r"'([^']*)'")


def _quoted(text: str) -> str:
    return _STRING.sub(lambda match: '"' + match[1].replace('"', '\\"') + '"', text)


def _checked(text: str, names: Names) -> str:
    return canonical(" ".join(text.split()), set(names.values()))


def _outside_strings(text: str, change: Callable[[str], str]) -> str:
    """Applies ``change`` to what stands outside of double quotes."""
    return "".join(part if part.startswith('"') else change(part) for part in re.split(r'("(?:[^"\\]|\\.)*")', text))


def from_surveyjs(text: str, names: Names) -> str:
    """A SurveyJS expression: ``{age} >= 18 and {kind} = 'a'``, ``notempty``, ``anyof``, ``iif`` …"""
    unknown: list[str] = []

    def name(match: re.Match[str]) -> str:
        path = match[1].removeprefix("panel.").removeprefix("row.")
        head, _, rest = path.partition(".")
        if head not in names:
            unknown.append(head)
            return head
        return names[head] + (f".{rest}" if rest else "")

    def change(part: str) -> str:
        part = re.sub(r"(\S+)\s+notempty\b", r"\1 != null", re.sub(r"\{([^}]+)\}", name, part))
        part = re.sub(r"(\S+)\s+empty\b", r"\1 = null", part)
        part = re.sub(r"(?<![<>!=])==?(?!=)", " = ", part)
        part = re.sub(r"<>", "!=", part)
        part = part.replace("&&", " and ").replace("||", " or ").replace("iif(", "iif (")
        part = re.sub(r"!(?=[\w(])", "not ", part)
        return re.sub(r"\bnot\s+(?=[A-Za-z_(])", "not ", part)

    found = _outside_strings(_quoted(text), change)
    found = re.sub(r'([\w.]+)\s+(?:contains?|anyof)\s+("[^"]*")', r"list contains(\1, \2)", found)
    found = re.sub(r'([\w.]+)\s+notcontains?\s+("[^"]*")', r"not(list contains(\1, \2))", found)
    found = re.sub(r"([\w.]+)\s+anyof\s+(\[[^\]]*\])", r"\1 in \2", found)
    found = re.sub(r"\biif \(([^,]+),([^,]+),([^)]+)\)", r"(if \1 then \2 else \3)", found)
    found = re.sub(r"\bnot (?!\()([\w.]+)", r"not(\1)", found)
    return "" if unknown else _checked(found, names)


_XPATH = {
    "count-selected": "count",
    "string-length": "string length",
    "concat": "concatenate_",
    "number": "number",
    "int": "floor",
    "round": "round",
    "today": "today",
    "now": "now",
    "not": "not",
    "contains": "contains",
    "starts-with": "starts with",
    "ends-with": "ends with",
    "sum": "sum",
    "max": "max",
    "min": "min",
    "count": "count",
    "abs": "abs",
    "coalesce": "get or else",
    "regex": "matches",
    "substr": "substring",
    "true": "true",
    "false": "false",
}


def from_xlsform(text: str, names: Names, own: str = "") -> str:
    """An XLSForm (XPath) expression: ``${age} > 18``, ``selected(${kinds}, 'a')``, ``. >= 0``, ``if(a, b, c)`` …"""
    unknown: list[str] = []

    def name(match: re.Match[str]) -> str:
        if match[1] not in names:
            unknown.append(match[1])
        return names.get(match[1], match[1])

    def change(part: str) -> str:
        part = re.sub(r"\$\{\s*([^}]+?)\s*\}", name, part)
        part = re.sub(r"(?<![\w.)])\.(?![\w.])", own or "item", part)
        part = re.sub(r"\bdiv\b", "/", part)
        part = re.sub(r"([\w.]+)\s+mod\s+([\w.]+)", r"modulo(\1, \2)", part)
        part = re.sub(r"\b(true|false)\(\)", r"\1", part)
        part = re.sub(r"([\w-]+)\(", lambda m: _XPATH.get(m[1], m[1]) + "(", part)
        return part

    found = _outside_strings(_quoted(text), change)
    found = re.sub(r'selected\(([\w.]+),\s*("[^"]*")\)', r"selected_(\1, \2)", found)
    found = _calls(found, "if", lambda a: f"(if {a[0]} then {a[1]} else {a[2]})" if len(a) == 3 else "?")
    found = _calls(found, "concatenate_", lambda a: "(" + " + ".join(f"string({one})" for one in a) + ")")
    found = _calls(found, "selected_", lambda a: f"list contains({a[0]}, {a[1]})" if len(a) == 2 else "?")
    found = re.sub(r'([\w.]+)\s*!=\s*""', r"\1 != null", found)
    found = re.sub(r'([\w.]+)\s*=\s*""', r"\1 = null", found)
    return "" if unknown else _checked(found, names)


def _calls(text: str, function: str, build: Callable[[list[str]], str]) -> str:
    """Rewrites the calls of a function, innermost first."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(function)}\s*\(")
    while True:
        matches = list(pattern.finditer(text))
        if not matches:
            return text
        start = matches[-1]
        arguments, end = _arguments(text, start.end())
        text = text[: start.start()] + build(arguments) + text[end:]


def _arguments(text: str, start: int) -> tuple[list[str], int]:
    """The arguments of a call whose bracket opens just before ``start``, and where the text goes on."""
    depth, quoted, begin = 0, False, start
    parts: list[str] = []
    for place in range(start, len(text)):
        character = text[place]
        if character == '"' and text[place - 1] != "\\":
            quoted = not quoted
        elif not quoted and character in "([":
            depth += 1
        elif not quoted and character in ")]":
            if depth == 0:
                return [*parts, text[begin:place].strip()], place + 1
            depth -= 1
        elif not quoted and character == "," and depth == 0:
            parts.append(text[begin:place].strip())
            begin = place + 1
    return [*parts, text[begin:].strip()], len(text)


def from_frappe(text: str, names: Names) -> str:
    """A Frappe condition: ``eval:doc.status == "Open" && !doc.closed`` or the name of a field."""
    text = text.strip()
    if not text.startswith("eval:"):
        return f"{names[text]} != null" if text in names else ""
    body = text.removeprefix("eval:").strip().rstrip(";")
    unknown: list[str] = []

    def name(match: re.Match[str]) -> str:
        if match[1] not in names:
            unknown.append(match[1])
        return names.get(match[1], match[1])

    def change(part: str) -> str:
        part = re.sub(r"\bdoc\.([A-Za-z_]\w*)", name, part)
        part = (
            part.replace("===", "=")
            .replace("!==", "!=")
            .replace("==", "=")
            .replace("&&", " and ")
            .replace("||", " or ")
        )
        return re.sub(r"!(?!=)\s*([\w.]+)", r"not(\1)", part)

    body = re.sub(r"in_list\(\s*\[([^\]]*)\]\s*,\s*doc\.(\w+)\s*\)", r"[\1].includes(doc.\2)", body)
    found = _outside_strings(_quoted(body), change)
    found = re.sub(r"(\[[^\]]*\])\.includes\(([\w.]+)\)", r"list contains(\1, \2)", found)
    return "" if unknown or "doc" in found.split("(") else _checked(_truthy(found, names), names)


def _truthy(text: str, names: Names) -> str:
    """A field alone is true in JavaScript when it holds something."""
    ours = set(names.values())
    parts = re.split(r"(\s+and\s+|\s+or\s+)", text)
    return "".join(f"{part.strip()} != null" if part.strip() in ours else part for part in parts)
