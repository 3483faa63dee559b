"""Trees of patterns as text for the two machines: RE2, and ``regex`` for back-references."""

from __future__ import annotations

from engines.feel.regex import sets
from engines.feel.regex.syntax import (
    BackReference,
    Character,
    CharacterClass,
    Choice,
    Dot,
    End,
    Group,
    Node,
    Property,
    Repeat,
    Sequence,
    Start,
)

_LINE_ENDS = ((0xA, 0xA), (0xD, 0xD))
# What RE2 has tables of its own for; intervals are as exact, but longer.
_KNOWN_TO_RE2 = frozenset(
    "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po Z Zs Zl Zp S Sm Sc Sk So".split()
)


class Emitter:
    """Writes patterns for RE2."""

    def __init__(self, flags: str) -> None:
        self._dot_all = "s" in flags
        self._lines = "m" in flags
        self._ignore_case = "i" in flags

    def text(self, node: Node) -> str:
        """The pattern that ``node`` means."""
        match node:
            case Character():
                return self._character(node.character)
            case Dot():
                return "(?s:.)" if self._dot_all else self._set(sets.complement(_LINE_ENDS))
            case Start():
                return "(?m:^)" if self._lines else self._start()
            case End():
                return "(?m:$)" if self._lines else self._end()
            case Property():
                return self._property(node)
            case CharacterClass():
                return self._set(sets.of_class(node, self._ignore_case))
            case Group():
                return f"({'?:' if node.number is None else ''}{self.text(node.inner)})"
            case Repeat():
                return f"(?:{self.text(node.inner)}){_quantifier(node)}"
            case Sequence():
                return "".join(map(self.text, node.parts))
            case Choice():
                return "|".join(map(self.text, node.branches))
            case BackReference():
                return self._back_reference(node.number)

    def _character(self, character: str) -> str:
        return self._code(ord(character))

    def _code(self, code: int) -> str:
        character = chr(code)
        return character if character.isascii() and character.isalnum() else f"\\x{{{code:X}}}"

    def _property(self, node: Property) -> str:
        if node.name in _KNOWN_TO_RE2:
            return f"(?-i:\\{'P' if node.negated else 'p'}{{{node.name}}})"
        return self._set(sets.of_property(node))

    def _set(self, intervals: sets.Intervals) -> str:
        """The class of these characters and no others, whatever the flags."""
        if not intervals:
            return self._nothing()
        code = self._code
        parts = (code(low) if low == high else f"{code(low)}-{code(high)}" for low, high in intervals)
        return f"(?-i:[{''.join(parts)}])"

    def _nothing(self) -> str:
        return f"[^{self._code(0)}-{self._code(sets.LAST)}]"

    def _start(self) -> str:
        return r"\A"

    def _end(self) -> str:
        return r"\z"

    def _back_reference(self, number: int) -> str:
        raise NotImplementedError(number)


class BacktrackingEmitter(Emitter):
    """Writes patterns for ``regex``."""

    def _end(self) -> str:
        return r"\Z"

    def _code(self, code: int) -> str:
        character = chr(code)
        return character if character.isascii() and character.isalnum() else f"\\U{code:08X}"

    def _property(self, node: Property) -> str:
        return self._set(sets.of_property(node))

    def _nothing(self) -> str:
        return "(?!)"

    def _back_reference(self, number: int) -> str:
        # A group that took no part stands for the empty string.
        return f"(?({number})\\{number}|)"


def _quantifier(node: Repeat) -> str:
    match node.low, node.high:
        case 0, None:
            text = "*"
        case 1, None:
            text = "+"
        case low, None:
            text = f"{{{low},}}"
        case low, high:
            text = f"{{{low}}}" if low == high else f"{{{low},{high}}}"
    return text + ("?" if node.lazy else "")
