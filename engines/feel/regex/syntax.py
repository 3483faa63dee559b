"""Regular expressions of XPath (XQuery and XPath Functions 3.1 §5.6.1, XML Schema 1.1 part 2 appendix G) as trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

MAX_NESTING = 100
_SPACE = " \t\n\r"
_QUANTIFIERS = {"?": (0, 1), "*": (0, None), "+": (1, None)}
_META = frozenset("\\?*+{}()|[]^$")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_ESCAPABLE = frozenset("\\|.?*+(){}-[]^$")


class RegexError(ValueError):
    """The pattern, its flags or a replacement mean nothing."""


@dataclass(frozen=True, slots=True)
class Character:
    """One character."""

    character: str


@dataclass(frozen=True, slots=True)
class Dot:
    """Any character, but line ends unless the flag s is set."""


@dataclass(frozen=True, slots=True)
class Start:
    """``^``."""


@dataclass(frozen=True, slots=True)
class End:
    """``$``."""


@dataclass(frozen=True, slots=True)
class Property:
    """``\\p{Lu}``, ``\\P{IsGreek}``, or ``\\d`` and its like: ``name`` is the category, block or letter."""

    name: str
    negated: bool


@dataclass(frozen=True, slots=True)
class CharacterClass:
    """``[a-z\\d-[aeiou]]``: ranges and properties, without those of ``minus``."""

    ranges: tuple[tuple[str, str], ...]
    properties: tuple[Property, ...]
    negated: bool
    minus: CharacterClass | None


@dataclass(frozen=True, slots=True)
class Group:
    """``(…)`` with its number, ``(?:…)`` without."""

    inner: Node
    number: int | None


@dataclass(frozen=True, slots=True)
class BackReference:
    """``\\1``: what the group matched."""

    number: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """A quantifier; ``high`` None is without end."""

    inner: Node
    low: int
    high: int | None
    lazy: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """``a|b``."""

    branches: tuple[Node, ...]


Node: TypeAlias = (
    Character | Dot | Start | End | Property | CharacterClass | Group | BackReference | Repeat | Sequence | Choice
)


def without_space(pattern: str) -> str:
    """The pattern of the flag x: white space taken out, except within character classes."""
    out: list[str] = []
    depth, escaped = 0, False
    for character in pattern:
        if depth == 0 and character in _SPACE:
            continue
        out.append(character)
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            depth = max(depth + (character == "[") - (character == "]"), 0)
    return "".join(out)


class Parser:
    """Reads one pattern; ``RegexError`` says what is wrong with it."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._position = 0
        self._depth = 0
        self._closed: set[int] = set()
        # How many groups were opened.
        self.groups = 0
        self.has_back_references = False

    def parse(self) -> Node:
        """The whole pattern."""
        tree = self._choice()
        if self._position < len(self._pattern):
            raise RegexError(f"{self._next()} is not opened")
        return tree

    def _next(self) -> str:
        return self._pattern[self._position : self._position + 1]

    def _take(self) -> str:
        character = self._next()
        self._position += 1
        return character

    def _found(self, text: str) -> bool:
        if not self._pattern.startswith(text, self._position):
            return False
        self._position += len(text)
        return True

    def _choice(self) -> Node:
        branches = [self._sequence()]
        while self._found("|"):
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._next() not in ("", "|", ")"):
            atom = self._atom()
            parts.append(self._quantified(atom))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _quantified(self, atom: Node) -> Node:
        bounds: tuple[int, int | None]
        if self._next() in ("?", "*", "+") and self._next():
            bounds = _QUANTIFIERS[self._take()]
        elif self._found("{"):
            bounds = self._bounds()
        else:
            return atom
        if isinstance(atom, Start | End):
            raise RegexError("an anchor cannot be repeated")
        return Repeat(atom, *bounds, self._found("?"))

    def _bounds(self) -> tuple[int, int | None]:
        low = self._number()
        high: int | None = low
        if self._found(","):
            high = None if self._next() == "}" else self._number()
        if not self._found("}") or (high is not None and high < low):
            raise RegexError("a quantifier is {n}, {n,} or {n,m}")
        return low, high

    def _number(self) -> int:
        start = self._position
        while self._next() in tuple("0123456789"):
            self._position += 1
        if not 0 < self._position - start <= 6:
            raise RegexError("a quantifier is {n}, {n,} or {n,m}")
        return int(self._pattern[start : self._position])

    def _atom(self) -> Node:
        character = self._take()
        match character:
            case ".":
                return Dot()
            case "^":
                return Start()
            case "$":
                return End()
            case "(":
                return self._nested(self._group)
            case "[":
                return self._nested(self._class)
            case "\\":
                return self._escape()
        if character in _META:
            raise RegexError(f"{character} must be escaped here")
        return Character(character)

    def _nested(self, read: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise RegexError(f"nested more than {MAX_NESTING} deep")
        node = read()
        self._depth -= 1
        return node

    def _group(self) -> Group:
        number = None
        if self._found("?"):
            if not self._found(":"):
                raise RegexError("(? is only allowed as (?:")
        else:
            self.groups += 1
            number = self.groups
        inner = self._choice()
        if not self._found(")"):
            raise RegexError("a group is not closed")
        if number is not None:
            self._closed.add(number)
        return Group(inner, number)

    def _escape(self) -> Node:
        if self._next().isascii() and self._next().isdigit():
            return self._back_reference()
        found = self._escaped()
        return found if isinstance(found, Property) else Character(found)

    def _back_reference(self) -> BackReference:
        """The longest number of a group there is."""
        number = int(self._take())
        while self._next().isascii() and self._next().isdigit() and number * 10 + int(self._next()) <= self.groups:
            number = number * 10 + int(self._take())
        if number not in self._closed:
            raise RegexError(f"there is no group {number} before \\{number}")
        self.has_back_references = True
        return BackReference(number)

    def _escaped(self) -> str | Property:
        """What stands after a backslash, within classes or without."""
        character = self._take()
        if character in ("p", "P"):
            return self._property(negated=character == "P")
        if character and character in "sSiIcCdDwW":
            return Property(character.lower(), character.isupper())
        if character in _ESCAPES:
            return _ESCAPES[character]
        if character and character in _ESCAPABLE:
            return character
        raise RegexError(f"\\{character} is no escape")

    def _property(self, *, negated: bool) -> Property:
        end = self._pattern.find("}", self._position)
        if not self._found("{") or end < 0:
            raise RegexError("\\p needs a name in braces")
        name = self._pattern[self._position : end]
        self._position = end + 1
        return Property(name, negated)

    # Character classes

    def _class(self) -> CharacterClass:
        negated = self._found("^")
        ranges: list[tuple[str, str]] = []
        properties: list[Property] = []
        minus: CharacterClass | None = None
        while not self._found("]"):
            if self._found("-["):
                inner = self._nested(self._class)
                minus = inner if isinstance(inner, CharacterClass) else None
                if not self._found("]"):
                    raise RegexError("a class ends after what is subtracted from it")
                break
            item = self._class_item()
            if isinstance(item, Property):
                properties.append(item)
            else:
                ranges.append((item, self._range_end(item)))
        if not ranges and not properties:
            raise RegexError("a character class is empty")
        return CharacterClass(tuple(ranges), tuple(properties), negated, minus)

    def _class_item(self) -> str | Property:
        character = self._take()
        if not character:
            raise RegexError("a character class is not closed")
        if character == "[":
            raise RegexError("[ within a character class must be escaped")
        return self._escaped() if character == "\\" else character

    def _range_end(self, low: str) -> str:
        """The end of the range that ``low`` begins; a hyphen stands for itself first and last."""
        if self._next() != "-" or self._pattern[self._position + 1 : self._position + 2] in ("]", "[", ""):
            return low
        self._take()
        high = self._class_item()
        if isinstance(high, Property) or high < low:
            raise RegexError("a range ends with a character that is not before its first")
        return high
