"""Text → tree: drives the LALR parser token by token, and says in plain words what was expected where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib import resources
from typing import Any, Final

from lark import Lark, Token, Tree, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from engines.core import DefinitionSource, Diagnostic
from engines.core.diagnostics import did_you_mean
from engines.rules.language.build import Builder
from engines.rules.language.keywords import KEYWORDS, phrase
from engines.rules.language.scanner import Scanner
from engines.rules.language.tree import RuleFile

_MAX_TEXT: Final = 2_000_000
# Broken rules that are told at once.
_MAX_PROBLEMS: Final = 50
# Blocks within blocks.
_MAX_DEPTH: Final = 40
_DEPTH: Final = {"THEN": 1, "DO": 1, "END": -1}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRules:
    """The tree of all rules that could be read, and everything wrong with the text."""

    tree: RuleFile
    diagnostics: tuple[Diagnostic, ...]


def parse(source: DefinitionSource) -> ParsedRules:
    """The rules of a text. A broken rule is reported and left out; the others are read.

    Codes: ``rules.syntax``, ``rules.unclosed_text``, ``rules.too_long``, ``rules.too_deep``, and those of ``build``.
    """
    if len(source.text) > _MAX_TEXT:
        return ParsedRules(tree=RuleFile(), diagnostics=(Diagnostic(code="rules.too_long", file=source.file),))
    scanner = Scanner(source.text)
    tokens: list[Token] = []
    trees: list[Tree[Token]] = []
    problems: list[Diagnostic] = []
    while not scanner.at_end():
        result = _parse_rule(scanner, source.file, tokens)
        if isinstance(result, Tree):
            trees.append(result)
            continue
        problems.append(result)
        if len(problems) >= _MAX_PROBLEMS or not scanner.skip_to_next_rule():
            break
    builder = Builder(source.file, scanner.comments, tokens)
    tree = builder.file(trees, _language(scanner))
    return ParsedRules(tree=tree, diagnostics=(*problems, *builder.problems))


def _language(scanner: Scanner) -> str:
    return "zh" if scanner.languages["zh"] > scanner.languages["en"] else "en"


@cache
def _parser() -> Lark:
    grammar = (resources.files("engines.rules.language") / "rules.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", start="rule", maybe_placeholders=False)


@cache
def _terminals(state: int) -> tuple[frozenset[str], frozenset[str]]:
    """The terminals that a parser state may take, and those that may follow an expression taken there."""
    states = _states()
    choices = frozenset(name for name in states[state] if name.isupper())
    follow: frozenset[str] = frozenset()
    if "EXPRESSION" in choices:
        after = states[state]["EXPRESSION"][1]
        follow = frozenset(name for name in states[after] if name.isupper())
    return choices, follow


@cache
def _states() -> dict[int, Any]:
    parser: InteractiveParser = _parser().parse_interactive()
    table: dict[int, Any] = parser.parser_state.parse_conf.parse_table.states
    return table


def _parse_rule(scanner: Scanner, file: str, tokens: list[Token]) -> Tree[Token] | Diagnostic:
    parser = _parser().parse_interactive()
    state = parser.parser_state
    depth = 0
    while True:
        choices, follow = _terminals(state.position)
        if choices <= {"$END"}:
            tree: Tree[Token] = parser.feed_eof()
            return tree
        token = scanner.next(choices, follow)
        if token is None:
            return _syntax_error(scanner, file, parser, token)
        if unclosed := _unclosed(token, scanner, file):
            return unclosed
        depth += _DEPTH.get(token.type, 0)
        if depth > _MAX_DEPTH:
            return _too_deep(token, file)
        # A token may be refused only after reductions; what was expected is told by the state before them.
        before = list(state.state_stack), list(state.value_stack)
        try:
            state.feed_token(token)
        except UnexpectedToken:
            state.state_stack, state.value_stack = before
            return _syntax_error(scanner, file, parser, token)
        tokens.append(token)


def _too_deep(token: Token, file: str) -> Diagnostic:
    return Diagnostic(
        code="rules.too_deep",
        file=file,
        line=token.line or 0,
        column=token.column or 0,
        length=len(token),
        found=str(token),
        expected=f"at most {_MAX_DEPTH} blocks within each other",
    )


def _unclosed(token: Token, scanner: Scanner, file: str) -> Diagnostic | None:
    """An opening quote that is never closed swallows the rest of the file: say so where it opens."""
    if token.type not in ("TEXT", "EXPRESSION") or scanner.position < len(scanner.text) or token.count('"') % 2 == 0:
        return None
    offset = token.value.rfind('"')
    line, column = _line_column(scanner.text, (token.start_pos or 0) + offset)
    return Diagnostic(
        code="rules.unclosed_text",
        file=file,
        line=line,
        column=column,
        length=1,
        found='"',
        expected='a closing quote: "',
    )


def _syntax_error(scanner: Scanner, file: str, parser: InteractiveParser, token: Token | None) -> Diagnostic:
    expected = _in_order(parser.accepts())
    if token is not None:
        scanner.position = token.start_pos or 0
    found = scanner.word()
    line, column = _line_column(scanner.text, scanner.position)
    language = _language(scanner)
    spelled = [text for name in expected if name in KEYWORDS for text in KEYWORDS[name]]
    return Diagnostic(
        code="rules.syntax",
        file=file,
        line=line,
        column=column,
        length=max(len(found), 1),
        found=found or {"en": "the end of the file", "zh": "文件结尾"}[language],
        expected=_sentence([phrase(name, language) for name in expected], language),
        hint=_closest(scanner.words(), spelled),
    )


def _closest(found: Sequence[str], spelled: Sequence[str]) -> str:
    """A hint for the phrase that one to four words come closest to."""
    scored = [
        (SequenceMatcher(None, words, text).ratio(), text)
        for words in found
        for text in spelled
        if len(words.split()) == len(text.split())
    ]
    best = max(scored, default=(0.0, ""))
    return did_you_mean(best[1], [best[1]]) if best[0] >= 0.6 else ""


def _in_order(names: Iterable[str]) -> list[str]:
    """Expected terminals as a reader looks for them: values first, then keywords as the table lists them."""
    order = {name: i for i, name in enumerate(KEYWORDS)}
    return sorted(names, key=lambda name: order.get(name, -1))


def _sentence(words: list[str], language: str) -> str:
    last = {"en": " or ", "zh": "或"}[language]
    comma = {"en": ", ", "zh": "、"}[language]
    return comma.join(words[:-1]) + (last if len(words) > 1 else "") + words[-1]


def _line_column(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - (text.rfind("\n", 0, position) + 1) + 1
