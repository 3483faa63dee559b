"""Text to tokens. FEEL names may hold spaces and operators, so the lexer knows which names are in scope where.

One pass, longest match: names of the scope and names that the text itself declares (context keys, iterator variables,
parameters) come before keywords and operators.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engines.core.diagnostics import Diagnostic
from engines.feel.names import WORD, NameIndex, normalise
from engines.feel.scope import Scope

MAX_TEXT = 65_536
MAX_NESTING = 64
MAX_TOKENS = 2_500

_TOKEN = re.compile(
    r"""(?P<SPACE>(?:[\s\u180e\u200b\ufeff]|//[^\n]*|/\*.*?\*/)+)
    |(?P<NUMBER>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<STRING>"(?:[^"\\]|\\.)*")
    |(?P<AT>@\s*"(?:[^"\\]|\\.)*")
    |(?P<OP>\.\.|\*\*|<=|>=|!=|->|[-+*/=<>(){}\[\],:.])"""
    rf"|(?P<WORD>{WORD.pattern})",
    re.DOTALL | re.VERBOSE,
)
# Terminals with an underscore say nothing by themselves; the parser drops them from its tree.
_KEYWORDS = {word: word.upper() for word in "if for some every true false null external".split()} | {
    word: "_" + word.upper() for word in "then else in return satisfies between instance of and or".split()
}
_OPERATORS = {
    "+": "PLUS", "-": "MINUS", "*": "STAR", "/": "SLASH", "**": "POWER", "=": "CMP", "!=": "CMP", "<": "CMP",
    "<=": "CMP", ">": "CMP", ">=": "CMP", "(": "LPAR", ")": "RPAR", "[": "LSQB", "]": "RSQB", "{": "LBRACE",
    "}": "RBRACE", ",": "_COMMA", ":": "COLON", ".": "DOT", "..": "DOTDOT", "->": "ARROW",
}  # fmt: skip
_OPERAND_END = frozenset({"NAME", "NUMBER", "STRING", "AT", "RPAR", "RSQB", "RBRACE", "TRUE", "FALSE", "NULL", "CLOSE"})
# Built-in names of several words; those with "and" in them only where a call or a type must stand.
_PHRASES = NameIndex(
    [
        "chinese amount",
        "string length", "substring before", "substring after", "upper case", "lower case", "starts with", "ends with",
        "list contains", "insert before", "index of", "distinct values", "list replace", "get value", "get entries",
        "context put", "context merge", "met by", "overlaps before", "overlaps after", "started by", "finished by",
        "day of year", "day of week", "month of year", "week of year", "string join", "round up", "round down",
        "round half up", "round half down", "is defined", "period of",
    ]
)  # fmt: skip
_CALL_PHRASES = NameIndex(["date and time", "years and months duration", "days and time duration"])
_PROPERTY_PHRASES = NameIndex(["time offset", "start included", "end included"])
_ENTRY_NAME = re.compile(r'\s*(?P<name>[^\s:"{}()\[\],<>=][^:"{}()\[\],<>=]{0,200}?)\s*:', re.DOTALL)
_QUOTED_KEY = re.compile(r'\s*(?P<name>"(?:[^"\\]|\\.)*")\s*:', re.DOTALL)
_ITERATOR_NAME = re.compile(r"\s*(?P<name>[^\s:\"{}()\[\],][^:\"{}()\[\],]{0,200}?)\s+in\b", re.DOTALL)
_PARAMETER_NAME = re.compile(r'\s*(?P<name>[^\s:"{}()\[\],][^:"{}()\[\],]{0,200}?)\s*(?=[:,)])', re.DOTALL)
_AFTER_CLOSE = re.compile(r"\s*(?:$|[)\],}=<>!+*/.:]|(?:and|or|then|else|return|satisfies|in|instance|between)\b)")


class Token:
    """One token, shaped as Lark wants it; ``value`` is the text, or the normalised name."""

    __slots__ = ("end_pos", "start_pos", "type", "value")
    line = column = end_line = end_column = None

    def __init__(self, type: str, value: str, start_pos: int, end_pos: int) -> None:
        self.type = type
        self.value = value
        self.start_pos = start_pos
        self.end_pos = end_pos


class LexError(Exception):
    """The text cannot be cut into tokens; carries the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.code)


def problem(code: str, text: str, start: int, end: int, **more: str) -> Diagnostic:
    """A diagnostic for ``text[start:end]``, with line and column within the expression."""
    line_start = text.rfind("\n", 0, start) + 1
    return Diagnostic(
        code=code,
        line=text.count("\n", 0, start) + 1,
        column=start - line_start + 1,
        length=max(end - start, 1),
        found=more.pop("found", text[start:end][:80]),
        expected=more.pop("expected", ""),
        hint=more.pop("hint", ""),
        params={"offset": start, **more},
    )


@dataclass(slots=True)
class _Frame:
    """What is open: one bracket."""

    # "call", "group", "parameters", "list", "filter", "context", "range", "types" or "" at the top.
    kind: str
    start: int
    # How many for/some/every wait for their return or satisfies.
    iterating: int = 0
    # Whether ".." was seen: this bracket is a range.
    ranged: bool = False
    # Names of several words declared in here.
    names: list[str] = field(default_factory=list)


def tokenize(text: str, scope: Scope) -> list[Token]:
    """The tokens of ``text``; ``LexError`` where there is something that is no token, or too much of it."""
    if len(text) > MAX_TEXT:
        raise LexError(problem("feel.too_long", text, MAX_TEXT, MAX_TEXT + 1, expected=str(MAX_TEXT)))
    return _Lexer(text, scope).run()


class _Lexer:
    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.tokens: list[Token] = []
        self.frames = [_Frame("", 0)]
        self.position = 0
        self.last = ""
        # Declared by the text itself: visible names, and entry names for after a dot.
        self.declared = NameIndex(())
        self.entries = NameIndex(())

    def run(self) -> list[Token]:
        text, match = self.text, _TOKEN.match
        while self.position < len(text):
            found = match(text, self.position)
            if found is None:
                raise LexError(self._bad_character())
            kind = found.lastgroup
            if len(self.tokens) > MAX_TOKENS:
                start = self.position
                raise LexError(problem("feel.too_many_parts", text, start, start + 1, expected=str(MAX_TOKENS)))
            if kind == "SPACE":
                self.position = found.end()
            elif kind == "WORD":
                self._word(found)
            elif kind == "OP":
                self._operator(found)
            else:
                self._push(kind or "", found.group(), found.start(), found.end())
        return self.tokens

    def _push(self, kind: str, value: str, start: int, end: int) -> None:
        self.tokens.append(Token(kind, value, start, end))
        self.last = kind
        self.position = end

    def _bad_character(self) -> Diagnostic:
        text, start = self.text, self.position
        character = text[start]
        if character in '"@':
            return problem("feel.unterminated", text, start, start + 1, expected='"')
        twin = _FULL_WIDTH.get(character, "")
        hint = f"write {twin} instead of {character}" if twin else ""
        return problem("feel.unexpected_character", text, start, start + 1, hint=hint)

    # Words

    def _word(self, found: re.Match[str]) -> None:
        word, start = found.group(), found.start()
        if self.last == "DOT":
            end = self._longest(start, word, (self.entries, self.scope.property_index, _PROPERTY_PHRASES))
            self._push("NAME", normalise(self.text[start : end or found.end()]), start, end or found.end())
            return
        end = self._longest(start, word, self._indexes())
        if not end and self._calls(start, word):
            end = _CALL_PHRASES.match(self.text, start, word)
        if end:
            self._push("NAME", normalise(self.text[start:end]), start, end)
        elif word == "function" and self.text[found.end() :].lstrip()[:1] == "(":
            self._push("FUNCTION", word, start, found.end())
        else:
            self._keyword_or_name(word, start, found.end())

    def _indexes(self) -> tuple[NameIndex, ...]:
        inside_filter = any(frame.kind == "filter" for frame in self.frames)
        more = (self.entries, self.scope.property_index) if inside_filter else ()
        return (self.declared, self.scope.index, *more, _PHRASES)

    def _longest(self, start: int, word: str, indexes: tuple[NameIndex, ...]) -> int:
        return max(index.match(self.text, start, word) for index in indexes)

    def _calls(self, start: int, word: str) -> bool:
        end = _CALL_PHRASES.match(self.text, start, word)
        return bool(end) and self.text[end:].lstrip()[:1] in ("(", "", ",", ")")

    def _keyword_or_name(self, word: str, start: int, end: int) -> None:
        kind = _KEYWORDS.get(word, "NAME")
        if (kind == "_OF" and self.last != "_INSTANCE") or (kind == "EXTERNAL" and self.last != "RPAR"):
            kind = "NAME"
        self._push(kind, word, start, end)
        if kind in ("FOR", "SOME", "EVERY"):
            self.frames[-1].iterating += 1
            self._iterator()
        elif kind in ("_RETURN", "_SATISFIES"):
            self.frames[-1].iterating = max(self.frames[-1].iterating - 1, 0)
        elif kind == "_OF":
            self._type()

    # Operators and brackets

    def _operator(self, found: re.Match[str]) -> None:
        symbol, start, end = found.group(), found.start(), found.end()
        if symbol in "([{":
            self._open(symbol, start, end)
        elif symbol in ")]}":
            self._close(symbol, start, end)
        else:
            self._push(_OPERATORS[symbol], symbol, start, end)
            if symbol == ",":
                self._after_comma()
            elif symbol == "..":
                self.frames[-1].ranged = True

    def _open(self, symbol: str, start: int, end: int) -> None:
        after_operand = self.last in _OPERAND_END
        if symbol == "[" and after_operand and self._closes_range(end):
            self._leave("CLOSE", symbol, start, end)
            return
        if len(self.frames) > MAX_NESTING:
            raise LexError(problem("feel.too_deep", self.text, start, end, expected=str(MAX_NESTING)))
        kind = {"(": "call" if after_operand else "group", "[": "filter" if after_operand else "list", "{": "context"}
        parameters = self.last == "FUNCTION"
        self.frames.append(_Frame("parameters" if parameters else kind[symbol], start))
        self._push(_OPERATORS[symbol], symbol, start, end)
        if parameters:
            self._parameter()
        elif symbol == "{":
            self._key(_QUOTED_KEY) or self._key(_ENTRY_NAME)
        elif symbol == "(" and after_operand:
            self._key(_ENTRY_NAME)

    def _closes_range(self, end: int) -> bool:
        return self.frames[-1].ranged and _AFTER_CLOSE.match(self.text, end) is not None

    def _close(self, symbol: str, start: int, end: int) -> None:
        empty_list = self.last == "LSQB" and self.frames[-1].kind == "list"
        if symbol == "]" and self.last not in _OPERAND_END and not empty_list:
            self.frames.append(_Frame("range", start))
            self._push("OPEN", symbol, start, end)
        else:
            self._leave(_OPERATORS[symbol], symbol, start, end)

    def _leave(self, kind: str, symbol: str, start: int, end: int) -> None:
        if len(self.frames) > 1:
            frame = self.frames.pop()
            for name in frame.names:
                self.declared.discard(name)
            if frame.kind == "parameters":
                self._declare_all(frame.names)
        self._push(kind, symbol, start, end)

    def _after_comma(self) -> None:
        frame = self.frames[-1]
        if frame.iterating:
            self._iterator()
        elif frame.kind == "context":
            self._key(_QUOTED_KEY) or self._key(_ENTRY_NAME)
        elif frame.kind == "call":
            self._key(_ENTRY_NAME)
        elif frame.kind == "parameters":
            self._parameter()

    # Names that the text declares

    def _declare(self, name: str) -> None:
        if self.declared.add(name):
            self.frames[-1].names.append(name)
        self.entries.add(name)

    def _declare_all(self, names: list[str]) -> None:
        for name in names:
            self._declare(name)

    def _key(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.position)
        if found is None or not (pattern is _QUOTED_KEY or WORD.match(found["name"])):
            return False
        name = found["name"] if pattern is _QUOTED_KEY else normalise(found["name"])
        self._push("KEY", name, found.start("name"), found.end("name"))
        if self.frames[-1].kind == "context":
            self._declare(normalise(unquote(name)) if name.startswith('"') else name)
        return True

    def _iterator(self) -> None:
        found = _ITERATOR_NAME.match(self.text, self.position)
        if found is not None and WORD.match(found["name"]):
            self._push("NAME", normalise(found["name"]), found.start("name"), found.end("name"))
            self._declare(self.tokens[-1].value)

    def _parameter(self) -> None:
        found = _PARAMETER_NAME.match(self.text, self.position)
        if found is None or not WORD.match(found["name"]):
            return
        self._push("KEY", normalise(found["name"]), found.start("name"), found.end("name"))
        self._declare(self.tokens[-1].value)
        colon = _SPACED_COLON.match(self.text, self.position)
        if colon:
            self._push("COLON", ":", colon.end() - 1, colon.end())
            self._type()

    # Types

    def _type(self) -> None:
        """Reads a type (DMN 1.5 grammar rule 53): names, ``<`` … ``>`` and ``->`` mean other things elsewhere."""
        found = WORD.match(self.text, self._space())
        if found is None:
            return
        start = found.start()
        end = self._longest(start, found.group(), (_CALL_PHRASES, self.scope.index)) or found.end()
        while (dotted := _DOTTED.match(self.text, end)) is not None:
            end = dotted.end()
        self._push("TYPE_NAME", normalise(self.text[start:end]), start, end)
        if found.group() in ("list", "range", "context", "function") and self.text[self._space() :][:1] == "<":
            self._type_parts(found.group())

    def _type_parts(self, outer: str) -> None:
        if len(self.frames) > MAX_NESTING:
            raise LexError(problem("feel.too_deep", self.text, self.position, self.position + 1))
        self.frames.append(_Frame("types", self.position))
        self._push("TLT", "<", self._space(), self._space() + 1)
        while True:
            if outer == "context":
                self._key(_ENTRY_NAME)
                if self.text[self._space() :][:1] == ":":
                    self._push("COLON", ":", self._space(), self._space() + 1)
            self._type()
            if self.text[self._space() :][:1] != ",":
                break
            self._push("_COMMA", ",", self._space(), self._space() + 1)
        self.frames.pop()
        if self.text[self._space() :][:1] == ">":
            self._push("TGT", ">", self._space(), self._space() + 1)
        if outer == "function" and self.text[self._space() :][:2] == "->":
            self._push("ARROW", "->", self._space(), self._space() + 2)
            self._type()

    def _space(self) -> int:
        found = _TOKEN.match(self.text, self.position)
        return found.end() if found is not None and found.lastgroup == "SPACE" else self.position


_SPACED_COLON = re.compile(r"\s*:")
_DOTTED = re.compile(rf"\.{WORD.pattern}")
_FULL_WIDTH = {
    "（": "(", "）": ")", "，": ",", "“": '"', "”": '"', "‘": '"', "’": '"', "：": ":", "；": ";", "＝": "=", "＞": ">",
    "＜": "<", "！": "!", "＋": "+", "－": "-", "×": "*", "÷": "/", "［": "[", "］": "]", "【": "[", "】": "]",
    "｛": "{", "｝": "}", "'": '"', "。": ".", "、": ",", "≥": ">=", "≤": "<=", "≠": "!=", "&": "and", "|": "or",
}  # fmt: skip
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "'": "'"}
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{6})|(.))", re.DOTALL)


def unquote(text: str) -> str:
    """The string that a literal means (DMN 1.5 grammar rules 35 and 64): escapes resolved, surrogate pairs joined."""
    body = text[1:-1]
    if "\\" not in body:
        return body
    found = _ESCAPE.sub(_escaped, body)
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escaped(found: re.Match[str]) -> str:
    if found[1] or found[2]:
        code = int(found[1] or found[2], 16)
        return chr(code) if code < 0x110000 else found[0]
    return _ESCAPES.get(found[3], found[0])
