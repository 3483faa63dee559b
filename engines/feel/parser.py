"""Tokens to a syntax tree: Lark's LALR parser with callbacks that build the nodes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, NoReturn

from lark import Lark, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.lexer import Lexer

from engines.core.diagnostics import Diagnostic
from engines.feel import nodes as n
from engines.feel import temporal, wording
from engines.feel.lexer import LexError, Token, problem, tokenize, unquote
from engines.feel.nodes import Node, Span
from engines.feel.scope import Scope
from engines.feel.values import DECIMAL128

MAX_DEPTH = 100


class ParseError(Exception):
    """The text is no FEEL expression; carries the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.code)


def parse(text: str, scope: Scope) -> Node:
    """The tree of an expression; ``ParseError`` where it is none."""
    return _parse(text, scope, "expression_start")


def parse_unary_tests(text: str, scope: Scope) -> n.UnaryTests:
    """The tree of a decision table's input entry (DMN 1.5 grammar rule 17, unary tests)."""
    tree = _parse(text, scope, "unary_tests_start")
    if not isinstance(tree, n.UnaryTests):
        raise TypeError(tree)
    return tree


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below ``node``, in source order."""
    for name in _parts(type(node)):
        yield from _nodes_in(getattr(node, name))


def _parts(kind: type[Node]) -> tuple[str, ...]:
    """The fields of a node that may hold nodes."""
    found = _PARTS.get(kind)
    if found is None:
        found = _PARTS[kind] = tuple(field.name for field in fields(kind) if field.type not in _NO_NODES)
    return found


_PARTS: dict[type[Node], tuple[str, ...]] = {}
# Annotations, as written, of fields that hold no nodes.
_NO_NODES = frozenset({"str", "bool", "Span", "Any", "tuple[str, ...]"})


def _nodes_in(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif type(value) is tuple:
        for item in value:
            yield from _nodes_in(item)


def walk(node: Node) -> Iterator[Node]:
    """``node`` and all nodes below it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(children(current))


class _Tokens(Lexer):  # type: ignore[misc]
    """Hands the parser tokens that are made already."""

    __future_interface__ = True

    def __init__(self, _conf: Any) -> None:
        pass

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        return iter(lexer_state.text)


def _parse(text: str, scope: Scope, start: str) -> Node:
    try:
        tokens = tokenize(text, scope)
        if start == "unary_tests_start":
            _mark_negation(tokens)
        tree: Node = _lark().parse(tokens, start=start)
    except (LexError, _BadLiteralError) as error:
        diagnostic = error.diagnostic if isinstance(error, LexError) else error.at(text)
        raise ParseError(diagnostic) from None
    except UnexpectedInput as error:
        raise ParseError(_syntax_problem(text, error)) from None
    _check_depth(tree, text)
    return tree


def _mark_negation(tokens: list[Token]) -> None:
    """Makes ``not(`` … ``)`` around the whole text the negation of tests; elsewhere it is the function."""
    if len(tokens) < 3 or tokens[0].value != "not" or tokens[1].type != "LPAR":
        return
    depth = 0
    for index, token in enumerate(tokens[1:], 1):
        depth += (token.type == "LPAR") - (token.type == "RPAR")
        if depth == 0:
            if index == len(tokens) - 1:
                tokens[0].type = "NOT"
            return


def _check_depth(tree: Node, text: str) -> None:
    stack = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise ParseError(problem("feel.too_deep", text, *node.span, expected=str(MAX_DEPTH)))
        stack.extend((child, depth + 1) for child in children(node))


def _syntax_problem(text: str, error: UnexpectedInput) -> Diagnostic:
    if not isinstance(error, UnexpectedToken):
        raise error
    token = error.token
    wanted = set(error.accepts or error.expected)
    expected, end = wording.expected(wanted, "en"), token.type == "$END"
    start, stop = (len(text), len(text)) if end else (token.start_pos, token.end_pos)
    found = "the end" if end else text[start:stop][:80]
    told = {
        "where_en": "The expression ends too early" if end else f'"{found}" cannot stand here',
        "where_zh": "表达式不完整" if end else f"此处不能是“{found}”",
        "expected_zh": wording.expected(wanted, "zh"),
    }
    return problem("feel.syntax", text, start, stop, found=found, expected=expected, **told)


class _BadLiteralError(Exception):
    def __init__(self, code: str, token: Token, expected: str) -> None:
        self.code, self.token, self.expected = code, token, expected
        super().__init__(code)

    def at(self, text: str) -> Diagnostic:
        return problem(self.code, text, self.token.start_pos, self.token.end_pos, expected=self.expected)


def _refuse(code: str, token: Token, expected: str) -> NoReturn:
    raise _BadLiteralError(code, token, expected)


def _span(first: Token | Node, last: Token | Node) -> Span:
    return Span(
        first.span.start if isinstance(first, Node) else first.start_pos,
        last.span.end if isinstance(last, Node) else last.end_pos,
    )


def at_literal_value(text: str) -> Any:
    """The date, time, date and time or duration that ``@"text"`` means; None where it means none."""
    for parse_one in (
        temporal.parse_date,
        temporal.parse_date_time,
        temporal.parse_time,
        temporal.parse_duration,
    ):
        value = parse_one(text)
        if value is not None:
            return value
    return None


@v_args(inline=True)
class _Build(Transformer[Token, Node]):  # type: ignore[misc]
    """One method a grammar rule; the parser calls it when the rule is complete."""

    def expression_start(self, tree: Node) -> Node:
        return tree

    def any_input(self, minus: Token) -> Node:
        return n.UnaryTests(_span(minus, minus), (), False)

    def positive_tests(self, tests: tuple[Node, ...]) -> Node:
        return n.UnaryTests(_span(tests[0], tests[-1]), tests, False)

    def negated_tests(self, word: Token, _open: Token, tests: tuple[Node, ...], close: Token) -> Node:
        return n.UnaryTests(_span(word, close), tests, True)

    def tests(self, *tests: Node) -> tuple[Node, ...]:
        return tests

    def comparison_test(self, operator: Token, endpoint: Node) -> Node:
        return n.Test(_span(operator, endpoint), operator.value, endpoint)

    def disjunction(self, *terms: Node) -> Node:
        return n.Or(_span(terms[0], terms[-1]), terms)

    def conjunction(self, *terms: Node) -> Node:
        return n.And(_span(terms[0], terms[-1]), terms)

    def compare(self, left: Node, operator: Token, right: Node) -> Node:
        return n.Comparison(_span(left, right), operator.value, left, right)

    def between(self, value: Node, low: Node, high: Node) -> Node:
        return n.Between(_span(value, high), value, low, high)

    def contained(self, value: Node, test: Node) -> Node:
        return n.In(_span(value, test), value, (test,))

    def contained_any(self, value: Node, _open: Token, first: Node, rest: tuple[Node, ...], close: Token) -> Node:
        return n.In(_span(value, close), value, (first, *rest))

    def instance_of(self, value: Node, kind: n.TypeNode) -> Node:
        return n.InstanceOf(_span(value, kind), value, kind)

    def arithmetic(self, first: Node, *rest: Any) -> Node:
        pairs = tuple((rest[place].value, rest[place + 1]) for place in range(0, len(rest), 2))
        return n.Arithmetic(_span(first, rest[-1]), first, pairs)

    def negation(self, minus: Token, operand: Node) -> Node:
        return n.Negation(_span(minus, operand), operand)

    def conditional(self, word: Token, condition: Node, then: Node, otherwise: Node) -> Node:
        span = _span(word, otherwise)
        if isinstance(otherwise, n.If):
            return n.If(span, ((condition, then), *otherwise.branches), otherwise.otherwise)
        return n.If(span, ((condition, then),), otherwise)

    def for_return(self, word: Token, iterators: tuple[n.Iterator, ...], body: Node) -> Node:
        return n.For(_span(word, body), iterators, body)

    def quantified(self, word: Token, iterators: tuple[n.Iterator, ...], condition: Node) -> Node:
        return n.Quantified(_span(word, condition), word.type == "EVERY", iterators, condition)

    def iterators(self, *iterators: n.Iterator) -> tuple[n.Iterator, ...]:
        return iterators

    def iterator(self, name: Token, domain: Node, _dots: Token | None, end: Node | None) -> Node:
        return n.Iterator(_span(name, end or domain), name.value, domain, end)

    def function_literal(
        self, word: Token, _open: Token, parameters: tuple[Any, ...] | None, _close: Token, external: Any, body: Node
    ) -> Node:
        return n.FunctionLiteral(_span(word, body), parameters or (), body, external is not None)

    def parameters(self, *parameters: Any) -> tuple[Any, ...]:
        return parameters

    def parameter(self, name: Token, _colon: Token | None, kind: n.TypeNode | None) -> tuple[str, n.TypeNode | None]:
        return name.value, kind

    def path(self, source: Node, _dot: Token, name: Token) -> Node:
        return n.Path(_span(source, name), source, name.value, _span(name, name))

    def filter(self, source: Node, _open: Token, condition: Node, close: Token) -> Node:
        return n.Filter(_span(source, close), source, condition)

    def call(self, function: Node, _open: Token, arguments: Any, close: Token) -> Node:
        values, names = arguments or ((), ())
        return n.Call(_span(function, close), function, values, names)

    def positional(self, *arguments: Node) -> tuple[tuple[Node, ...], tuple[str, ...]]:
        return arguments, ()

    def named_arguments(self, *arguments: tuple[str, Node]) -> tuple[tuple[Node, ...], tuple[str, ...]]:
        return tuple(value for _, value in arguments), tuple(name for name, _ in arguments)

    def named(self, name: Token, _colon: Token, value: Node) -> tuple[str, Node]:
        return name.value, value

    def number(self, token: Token) -> Node:
        value = Decimal(token.value)
        if value and not -6143 <= value.adjusted() <= 6144:
            _refuse("feel.number_too_large", token, "a number below 1e6145")
        return n.Literal(_span(token, token), DECIMAL128.plus(value), token.value)

    def string(self, token: Token) -> Node:
        return n.Literal(_span(token, token), unquote(token.value), token.value)

    def at_literal(self, token: Token) -> Node:
        return n.Literal(_span(token, token), at_literal_value(unquote(token.value[1:].lstrip())), token.value)

    def true(self, token: Token) -> Node:
        return n.Literal(_span(token, token), True, token.value)

    def false(self, token: Token) -> Node:
        return n.Literal(_span(token, token), False, token.value)

    def null(self, token: Token) -> Node:
        return n.Literal(_span(token, token), None, token.value)

    def name(self, token: Token) -> Node:
        return n.Name(_span(token, token), token.value)

    def group(self, opening: Token, inner: Node, closing: Token) -> Node:
        return n.Group(_span(opening, closing), inner)

    def range(self, opening: Token, low: Node, _dots: Token, high: Node, closing: Token) -> Node:
        return n.RangeLiteral(_span(opening, closing), opening.value, low, high, closing.value)

    def list_literal(self, opening: Token, *rest: Any) -> Node:
        items = tuple(item for item in rest[:-1] if item is not None)
        return n.ListLiteral(_span(opening, rest[-1]), items)

    def context_literal(self, opening: Token, *rest: Any) -> Node:
        entries = tuple(entry for entry in rest[:-1] if entry is not None)
        return n.ContextLiteral(_span(opening, rest[-1]), entries)

    def entry(self, key: Token, _colon: Token, value: Node) -> Node:
        name = unquote(key.value) if key.value.startswith('"') else key.value
        return n.Entry(_span(key, value), name, key.value, value)

    def type(self, name: Token, opening: Token | None, parts: Any, closing: Any, _arrow: Any, result: Any) -> Node:
        kinds, names = parts or ((), ())
        return n.TypeNode(_span(name, result or closing or name), name.value, kinds, names, result)

    def types(self, *types: n.TypeNode) -> tuple[tuple[n.TypeNode, ...], tuple[str, ...]]:
        return types, ()

    def type_entries(self, *entries: tuple[str, n.TypeNode]) -> tuple[tuple[n.TypeNode, ...], tuple[str, ...]]:
        return tuple(kind for _, kind in entries), tuple(name for name, _ in entries)

    def type_entry(self, name: Token, _colon: Token, kind: n.TypeNode) -> tuple[str, n.TypeNode]:
        return name.value, kind


@cache
def _lark() -> Lark:
    grammar = resources.files("engines.feel").joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer=_Tokens,
        transformer=_Build(),
        start=["expression_start", "unary_tests_start"],
        maybe_placeholders=True,
    )
