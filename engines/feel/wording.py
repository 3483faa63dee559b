"""What the parser would have taken, in words for people."""

from __future__ import annotations

from collections.abc import Mapping, Set

LANGUAGES = ("en", "zh")
# Terminal -> English, Chinese; what is missing here is a keyword and speaks for itself.
WORDS: Mapping[str, tuple[str, str]] = {
    "NAME": ("a name", "名称"),
    "NUMBER": ("a number", "数字"),
    "STRING": ("a text in quotes", "带引号的文字"),
    "AT": ('a date such as @"2026-12-31"', '日期，如 @"2026-12-31"'),
    "KEY": ("a name and a colon", "名称加冒号"),
    "TYPE_NAME": ("a type", "类型"),
    "CMP": ("a comparison", "比较符号"),
    "PLUS": ("+", "+"),
    "MINUS": ("-", "-"),
    "STAR": ("*", "*"),
    "SLASH": ("/", "/"),
    "POWER": ("**", "**"),
    "LPAR": ("(", "("),
    "RPAR": (")", ")"),
    "LSQB": ("[", "["),
    "RSQB": ("]", "]"),
    "OPEN": ("]", "]"),
    "CLOSE": ("[", "["),
    "LBRACE": ("{", "{"),
    "RBRACE": ("}", "}"),
    "TLT": ("<", "<"),
    "TGT": (">", ">"),
    "ARROW": ("->", "->"),
    "_COMMA": ("a comma", "逗号"),
    "COLON": ("a colon", "冒号"),
    "DOT": ("a dot", "点号"),
    "DOTDOT": ("..", ".."),
    "_INSTANCE": ("instance of", "instance of"),
    "$END": ("the end", "结尾"),
}
# What stands for many terminals at once, where all of them may come.
GROUPS: tuple[tuple[frozenset[str], frozenset[str], tuple[str, str]], ...] = (
    (
        frozenset({"NUMBER", "STRING", "NAME", "TRUE"}),
        frozenset(
            "NUMBER STRING AT NAME TRUE FALSE NULL LPAR LSQB LBRACE OPEN MINUS IF FOR SOME EVERY FUNCTION NOT".split()
        ),
        ("a value", "一个值"),
    ),
    (
        frozenset({"CMP", "PLUS", "STAR"}),
        frozenset("CMP PLUS MINUS STAR SLASH POWER _AND _OR _IN _BETWEEN _INSTANCE DOT LSQB LPAR CLOSE DOTDOT".split()),
        ("an operator such as + = and", "运算符，如 + = and"),
    ),
)


def word(terminal: str, language: str) -> str:
    """What one terminal is called."""
    known = WORDS.get(terminal)
    return known[LANGUAGES.index(language)] if known else terminal.removeprefix("_").lower()


def expected(terminals: Set[str], language: str) -> str:
    """What could have stood there, the likeliest first: "a value or )"."""
    place, left = LANGUAGES.index(language), set(terminals)
    found = []
    for needed, covered, words in GROUPS:
        if left >= needed:
            found.append(words[place])
            left -= covered
    found += sorted({word(terminal, language) for terminal in left - {"$END"}})
    if "$END" in left:
        found.append(word("$END", language))
    comma, last = ((", ", " or "), ("、", "或"))[place]
    return comma.join(found[:-1]) + (last if len(found) > 1 else "") + found[-1]
