"""A checked expression to SQL over a source of rows.

Parts that read no rows are evaluated by the Python backend and bound as values, so everything that FEEL can say about
them is allowed. Of the rest, what has no exact meaning on both databases is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    exists,
    false,
    join,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy import types as sqltypes
from sqlalchemy.sql.elements import Grouping

from engines.feel import nodes as n
from engines.feel import storage
from engines.feel import types as t
from engines.feel.budget import Budget
from engines.feel.builtins import BUILTINS
from engines.feel.checked import Checked
from engines.feel.checker import VOLATILE
from engines.feel.codegen import generate
from engines.feel.expression import EvaluationContext, Expression
from engines.feel.lexer import problem
from engines.feel.nodes import Node
from engines.feel.parser import walk
from engines.feel.runtime import Runtime
from engines.feel.sql.dialects import DIALECTS, storage_type
from engines.feel.sql.parameters import Origin, Parameters, Unbindable, bound_type, plain_value, width
from engines.feel.sql.source import SqlJoin, SqlSource
from engines.feel.sql.terms import Constant, Row, RowLists, Rows, Scalar, SqlUnsupportedError, Term
from engines.feel.sql.zones import NotExactError
from engines.feel.types import FeelType
from engines.feel.values import DaysTime, Range, YearsMonths

Element = ColumnElement[Any]


def to_sql(
    expression: Expression,
    source: SqlSource,
    dialect: str,
    context: EvaluationContext | None = None,
    parameters: Parameters | None = None,
) -> Element:
    """The expression over a row of ``source`` as SQL for ``dialect`` ("sqlite" or "postgresql").

    A boolean is three-valued exactly as in FEEL (``x != 5`` is true where x is null), so that ``NOT`` of it means what
    FEEL means; a query takes the rows for which it is true. Other values come back from a query as plain Python. The
    instant of today() and now() is the context's, else the source's variables ``now`` (aware) and ``zone``.
    ``SqlUnsupportedError`` (a ``DefinitionError``) tells the part that has no exact SQL meaning, and why.
    ``parameters`` notes where the values of variables come from, and makes the SQL one that runs for other values too.
    """
    return Translator(expression, source, dialect, context, parameters).result()


def to_sql_condition(
    expression: Expression,
    source: SqlSource,
    dialect: str,
    context: EvaluationContext | None = None,
    parameters: Parameters | None = None,
) -> ColumnElement[bool]:
    """As ``to_sql`` for use in WHERE alone: true exactly where the value is true, else false or null."""
    translator = Translator(expression, source, dialect, context, parameters)
    return translator.test(expression.tree)


def parameters_for(dialect: str) -> Parameters:
    """Empty notes on the known values of one statement."""
    return Parameters(DIALECTS[dialect])


Result = TypeVar("Result")


class Translator:
    """Translates one expression; ``functions`` adds the built-in functions."""

    def __init__(
        self,
        expression: Expression,
        source: SqlSource,
        dialect: str,
        context: EvaluationContext | None,
        parameters: Parameters | None,
    ) -> None:
        self.text = expression.text
        self.checked: Checked = expression.checked
        # As the checker left it; ``checked`` also knows the nodes that this translation makes.
        self.original = expression.checked
        self.source = source
        self.sql = DIALECTS[dialect]
        self.parameters = parameters
        self.now = context.now if context else _variable(source, "now")
        self.zone: ZoneInfo | None = context.zone if context else _zone_of(_variable(source, "zone"))
        functions = context.functions if context else {}
        self.runtime = Runtime(context.budget if context else Budget(), self.now, self.zone, functions)
        self.row = Row(source=source, wrap=lambda element: element)
        self.kept: list[Node] = []
        # Rows that loops and filters run over, by the Python name that the checker gave to their item.
        self.items: dict[str, Term] = {}

    # Results and refusals

    def result(self) -> Element:
        """The whole expression, typed so that a query gives plain Python."""
        tree = self.checked.tree
        return self.guard(tree, lambda: self.output(self.scalar(tree)))

    def output(self, term: Scalar) -> Element:
        """A scalar with the type by which its value is read from the database."""
        if term.type is t.NUMBER:
            return self.sql.number_result(term)
        kind = storage_type(term.type)
        return term.element if kind is None else type_coerce(term.element, kind)

    def refuse(self, node: Node, reason: str) -> NoReturn:
        """Raises the refusal of a part."""
        span = node.span
        raise SqlUnsupportedError(problem("feel.sql_unsupported", self.text, span.start, span.end, reason=reason))

    def guard(self, node: Node, build: Callable[[], Result]) -> Result:
        """Runs ``build``; what it finds inexact is refused at ``node``."""
        try:
            return build()
        except NotExactError as error:
            self.refuse(node, str(error))

    # Parts

    def adopted(self, part: Node, whole: Node) -> Node:
        """``part``, a node made anew out of ``whole``, with its type; kept, as types go by the identity of nodes."""
        self.kept.append(part)
        self.checked = replace(self.checked, types={**self.checked.types, id(part): self.checked.types[id(whole)]})
        return part

    def term(self, node: Node) -> Term:
        """What a part is in SQL."""
        if self.is_constant(node):
            value, origin = self.known(node)
            return Constant(value=value, origin=origin)
        rule = _RULES.get(type(node))
        if rule is None:
            self.refuse(node, f"{type(node).__name__} over rows")
        return self.guard(node, lambda: rule(self, node))

    def scalar(self, node: Node) -> Scalar:
        """A part that must be one value."""
        return self.as_scalar(node, self.term(node))

    def as_scalar(self, node: Node, term: Term) -> Scalar:
        """A term as one value; a row is its id."""
        match term:
            case Scalar():
                return term
            case Constant():
                return self.guard(node, lambda: self.constant(node, term.value, term.origin))
            case Row():
                return self.identity(node, term)
        self.refuse(node, "a list where one value is wanted")

    def identity(self, node: Node, row: Row) -> Scalar:
        """The id of a row."""
        if row.key is not None:
            return row.key
        column = row.source.column("id")
        if column is None:
            self.refuse(node, "the record has no id")
        return Scalar(element=row.wrap(column.element), type=t.IDENTIFIER)

    def constant(self, node: Node, value: Any, origin: Origin | None = None) -> Scalar:
        """A known value as an SQL literal, or as a parameter where it has an ``origin``."""
        if value is None:
            return Scalar(element=null(), type=t.NULL)
        if isinstance(value, bool):
            return Scalar(element=true() if value else false(), type=t.BOOLEAN, nullable=False)
        if isinstance(value, Decimal):
            return self.sql.number_constant(value)
        kind = bound_type(value)
        if kind is None:
            self.refuse(node, f"a constant of type {type(value).__name__}")
        name = self.parameters.bind(origin, kind) if self.parameters and origin else ""
        return self.typed_literal(node, value, kind, name)

    def typed_literal(self, node: Node, value: Any, kind: FeelType, name: str = "") -> Scalar:
        """A value of a type that is no number; with a ``name`` it is a parameter."""
        try:
            plain = plain_value(value)
        except Unbindable as error:
            self.refuse(node, str(error))
        return Scalar(element=self.sql.literal(plain, kind, name), type=kind, nullable=False)

    # Constants

    def is_constant(self, node: Node) -> bool:
        """Whether a part reads no rows."""
        own = {binding.code for part in walk(node) for binding in self.checked.declared.get(id(part), ())}
        return not any(isinstance(part, n.Name) and self.reads_rows(part, own) for part in walk(node))

    def reads_rows(self, name: n.Name, own: set[str]) -> bool:
        binding = self.checked.bindings[id(name)]
        if binding.kind == "variable":
            return self.is_row_name(binding.name)
        return binding.kind in ("local", "entry", "partial") and binding.code not in own

    def is_row_name(self, name: str) -> bool:
        """Whether the source has a field, reference or relation of that name."""
        source = self.source
        return (
            source.column(name) is not None or source.reference(name) is not None or source.relation(name) is not None
        )

    def evaluate(self, node: Node) -> Any:
        """The value of a part that reads no rows, by the Python backend."""
        return self.known(node)[0]

    def value_now(self, node: Node) -> Any:
        """The same, without a note that the statement depends on it."""
        return generate(replace(self.checked, tree=node))(self.runtime, _Variables(self, node))

    def known(self, node: Node) -> tuple[Any, Origin | None]:
        """The value of a part that reads no rows, and what it came from where that is noted."""
        if isinstance(node, n.Literal):
            return node.value, None
        run = self.generated(node)
        value = run(self.runtime, _Variables(self, node))
        if self.runtime.budget.is_running:
            self.runtime.budget.settle()
        return value, self.parameters.origin(run, value) if self.parameters and self.varies(node) else None

    def generated(self, node: Node) -> Callable[[Any, Any], Any]:
        """What evaluates a part; kept with the expression, unless the part was made for this translation."""
        if id(node) not in self.original.types:
            return generate(replace(self.checked, tree=node))
        run = self.original.parts.get(id(node))
        if run is None:
            run = self.original.parts[id(node)] = generate(replace(self.original, tree=node))
        return run

    def varies(self, node: Node) -> bool:
        """Whether a part may have another value in another command."""
        names = [self.checked.bindings[id(part)] for part in walk(node) if isinstance(part, n.Name)]
        return any(name.kind == "variable" or name.name in VOLATILE for name in names)

    # Names and paths

    def name(self, node: n.Name) -> Term:
        binding = self.checked.bindings[id(node)]
        if binding.kind == "variable":
            return self.member(node, self.row, binding.name)
        if binding.kind == "local" and binding.code in self.items:
            return self.items[binding.code]
        if binding.kind == "entry" and binding.code in self.items and binding.outer is None:
            item = self.items[binding.code]
            if isinstance(item, Row):
                return self.member(node, item, binding.name)
        self.refuse(node, "this name over rows")

    def member(self, node: Node, row: Row, name: str) -> Term:
        """Field, reference or relation ``name`` of a row."""
        source = row.source
        column, join = source.column(name), source.reference(name)
        key = None if column is None else self.column(row, column)
        if join is not None:
            return Row(source=join.source, wrap=_through(row, join), key=key)
        if key is not None:
            return key
        relation = source.relation(name)
        if relation is None:
            self.refuse(node, f'"{name}" is not among the rows')
        return Rows(source=relation.source, selectable=relation.selectable, conditions=(relation.on,), wrap=row.wrap)

    def column(self, row: Row, column: Any) -> Scalar:
        element = column.element
        nullable = column.nullable or row is not self.row
        if column.type is not t.NUMBER:
            return Scalar(element=row.wrap(element), type=column.type, nullable=nullable)
        kind = element.type
        if not isinstance(kind, storage.ScaledDecimal):
            raise NotExactError("a number that is not stored as an exact decimal")
        wrapped = row.wrap(self.sql.number_column(element))
        bound = 10**kind.precision - 1
        return Scalar(element=wrapped, type=t.NUMBER, nullable=nullable, scale=kind.scale, bound=bound)

    def path(self, node: n.Path) -> Term:
        source = self.term(node.source)
        match source:
            case Row():
                return self.member(node, source, node.name)
            case Rows():
                return self.rows_member(node, source)
            case Scalar():
                return self.property(node, source)
        self.refuse(node, "this path")

    def rows_member(self, node: n.Path, rows: Rows) -> Rows | RowLists:
        """One field of each row, or the rows that belong to each row."""
        if rows.item is not None:
            self.refuse(node, "a path into values")
        member = self.member(node, _row_of(rows), node.name)
        if not isinstance(member, Rows):
            item = self.as_scalar(node, member)
            return replace(rows, item=replace(item, nullable=False) if node.name in rows.present else item)
        joined = join(rows.selectable, member.selectable, and_(*member.conditions))
        return RowLists(flat=replace(rows, source=member.source, selectable=joined))

    def property(self, node: n.Path, source: Scalar) -> Scalar:
        """A property of a date, an instant or a duration."""
        name = node.name
        if source.type is t.DATE and name in ("year", "month", "day", "weekday"):
            return self.whole(self.sql.date_part(source.element, name), 9999, source.nullable)
        if source.type is t.DATE_TIME and self.zone is not None:
            if name in ("year", "month", "day", "weekday"):
                day = self.sql.local_date(source.element, self.zone)
                return self.whole(self.sql.date_part(day, name), 9999, source.nullable)
            if name in ("hour", "minute"):
                return self.whole(self.sql.local_part(source.element, name, self.zone), 60, source.nullable)
        if source.type is t.DAYS_TIME and name in _DURATION_UNITS:
            unit, whole = _DURATION_UNITS[name]
            micros = type_coerce(source.element, sqltypes.BigInteger())
            value = micros // literal(unit, sqltypes.BigInteger())
            return self.whole(value % whole if whole else value, 10**12, source.nullable)
        self.refuse(node, f"the property {name} of {source.type}")

    def whole(self, element: Element, bound: int, nullable: bool) -> Scalar:
        """A whole number that SQL calculated."""
        number = self.sql.number_column(element)
        return Scalar(element=number, type=t.NUMBER, nullable=nullable, scale=0, bound=bound)

    # Logic

    def boolean(self, element: Element, *, nullable: bool = True) -> Scalar:
        """A three-valued condition, in parentheses: NOT binds less than IS NULL and comparisons do."""
        return Scalar(element=Grouping(element), type=t.BOOLEAN, nullable=nullable)

    def test(self, node: Node) -> ColumnElement[bool]:
        """A predicate that is true exactly where the part is true."""
        if self.is_constant(node):
            return true() if self.evaluate(node) is True else false()
        match node:
            case n.Group():
                return self.test(node.inner)
            case n.And():
                return and_(*(self.test(term) for term in node.terms))
            case n.Or():
                return or_(*(self.test(term) for term in node.terms))
            case n.Quantified(every=False):
                return self.guard(node, lambda: self.some_test(node))
        return self.truth(node)

    def truth(self, node: Node) -> Element:
        """A part as a three-valued boolean."""
        term = self.scalar(node)
        if term.type is t.NULL:
            return type_coerce(null(), sqltypes.Boolean())
        if term.type is not t.BOOLEAN:
            self.refuse(node, f"{term.type} where a condition is wanted")
        return term.element

    def conjunction(self, node: n.And) -> Scalar:
        return self.boolean(and_(*(self.truth(term) for term in node.terms)))

    def disjunction(self, node: n.Or) -> Scalar:
        return self.boolean(or_(*(self.truth(term) for term in node.terms)))

    def conditional(self, node: n.If) -> Scalar:
        values = [self.scalar(then) for _, then in node.branches] + [self.scalar(node.otherwise)]
        known = [value for value in values if value.type is not t.NULL]
        kind = known[0].type if known else t.NULL
        if any(value.type != kind for value in known):
            self.refuse(node, "branches of different types")
        nullable = any(value.nullable for value in values)
        if kind is not t.NUMBER:
            return Scalar(element=self.cases(node, values), type=kind, nullable=nullable)
        scale = max(value.scale for value in known)
        values = [value if value.type is t.NULL else self.sql.rescaled(value, scale) for value in values]
        bound = max(value.bound for value in values)
        guards = max(value.guards for value in values)
        element = self.sql.number_column(self.cases(node, values))
        return Scalar(element=element, type=kind, nullable=nullable, scale=scale, bound=bound, guards=guards)

    def cases(self, node: n.If, values: list[Scalar]) -> Element:
        branches = [
            (self.test(condition), value.element) for (condition, _), value in zip(node.branches, values, strict=False)
        ]
        return case(*branches, else_=values[-1].element)

    # Comparison

    def comparison(self, node: n.Comparison) -> Scalar:
        return self.compared(node, node.operator, self.scalar(node.left), self.scalar(node.right))

    def compared(self, node: Node, operator: str, left: Scalar, right: Scalar) -> Scalar:
        """``left operator right`` with FEEL's nulls."""
        if left.type is t.NULL or right.type is t.NULL:
            return self.null_compared(operator, right if left.type is t.NULL else left)
        if left.type != right.type:
            self.refuse(node, f"comparing {left.type} with {right.type}")
        if operator not in ("=", "!=") and left.type not in _ORDERED:
            self.refuse(node, f"{left.type} has no order")
        if left.type is t.NUMBER and left.scale != right.scale:
            known = self.sql.compared_with_constant(operator, left, right)
            if known is not None:
                return self.boolean(known[0], nullable=known[1])
        a, b = self.aligned(left, right)
        if operator == "=":
            return self.boolean(self.equal(a, b, left.nullable, right.nullable), nullable=False)
        if operator == "!=":
            return self.boolean(self.unequal(a, b, left.nullable, right.nullable), nullable=False)
        nullable = left.nullable or right.nullable
        return self.boolean(_ORDERS[operator](a, b), nullable=nullable)

    def aligned(self, left: Scalar, right: Scalar) -> tuple[Element, Element]:
        if left.type is not t.NUMBER:
            return left.element, right.element
        scale = max(left.scale, right.scale)
        return self.sql.rescaled(left, scale).element, self.sql.rescaled(right, scale).element

    def equal(self, left: Element, right: Element, left_null: bool, right_null: bool) -> Element:
        """Never null, and an index on either side can be used unless both may be null."""
        if left_null and right_null:
            return left.is_not_distinct_from(right)
        checks = [side.is_not(None) for side, may in ((left, left_null), (right, right_null)) if may]
        return and_(left == right, *checks)

    def unequal(self, left: Element, right: Element, left_null: bool, right_null: bool) -> Element:
        if left_null and right_null:
            return left.is_distinct_from(right)
        checks = [side.is_(None) for side, may in ((left, left_null), (right, right_null)) if may]
        return or_(left != right, *checks)

    def null_compared(self, operator: str, term: Scalar) -> Scalar:
        if operator == "=":
            return self.boolean(term.element.is_(None), nullable=False)
        if operator == "!=":
            return self.boolean(term.element.is_not(None), nullable=False)
        return self.boolean(type_coerce(null(), sqltypes.Boolean()))

    def between(self, node: n.Between) -> Scalar:
        value, low, high = (self.scalar(part) for part in (node.value, node.low, node.high))
        above = self.compared(node, ">=", value, low)
        below = self.compared(node, "<=", value, high)
        return self.boolean(and_(above.element, below.element), nullable=above.nullable or below.nullable)

    def contained(self, node: n.In) -> Scalar:
        value = self.scalar(node.value)
        tests = [self.contained_in(value, test) for test in node.tests]
        return self.boolean(or_(*(test.element for test in tests)), nullable=any(test.nullable for test in tests))

    def contained_in(self, value: Scalar, test: Node) -> Scalar:
        match test:
            case n.Test():
                return self.compared(test, test.operator, value, self.scalar(test.endpoint))
            case n.Group(inner=n.Test() as inner):
                return self.contained_in(value, inner)
            case n.RangeLiteral():
                return self.within(test, value, test)
        term = self.term(test)
        if isinstance(term, Constant):
            return self.in_constant(test, value, term)
        return self.compared(test, "=", value, self.as_scalar(test, term))

    def within(self, node: Node, value: Scalar, interval: n.RangeLiteral) -> Scalar:
        low, high = self.scalar(interval.low), self.scalar(interval.high)
        above = self.compared(node, ">=" if interval.start_included else ">", value, low)
        below = self.compared(node, "<=" if interval.end_included else "<", value, high)
        inside: Element = and_(above.element, below.element)
        open_ends = [end.element.is_(None) for end in (low, high) if end.nullable]
        if open_ends:
            unknown = type_coerce(null(), sqltypes.Boolean())
            inside = type_coerce(case((or_(*open_ends), unknown), else_=inside), sqltypes.Boolean())
        return self.boolean(inside, nullable=value.nullable or bool(open_ends))

    def in_constant(self, node: Node, value: Scalar, known: Constant) -> Scalar:
        test = known.value
        if isinstance(test, Range):
            return self.in_range(node, value, test)
        if not isinstance(test, list):
            return self.compared(node, "=", value, self.constant(node, test, known.origin))
        ranges = [self.in_range(node, value, item) for item in test if isinstance(item, Range)]
        if not ranges:
            return self.among(node, value, test, known.origin)
        plain = [item for item in test if not isinstance(item, Range)]
        tests = [*ranges, self.among(node, value, plain)]
        return self.boolean(or_(*(one.element for one in tests)), nullable=any(one.nullable for one in tests))

    def in_range(self, node: Node, value: Scalar, interval: Range) -> Scalar:
        if interval.operator in ("=", "!="):
            return self.compared(node, interval.operator, value, self.constant(node, interval.start))
        if interval.operator is None and (interval.start is None or interval.end is None):
            return self.boolean(type_coerce(null(), sqltypes.Boolean()))
        ends = [
            (">=" if interval.start_included else ">", interval.start),
            ("<=" if interval.end_included else "<", interval.end),
        ]
        parts = [self.compared(node, op, value, self.constant(node, end)) for op, end in ends if end is not None]
        return self.boolean(and_(*(part.element for part in parts)), nullable=any(part.nullable for part in parts))

    def among(self, node: Node, value: Scalar, values: list[Any], origin: Origin | None = None) -> Scalar:
        """Whether a value equals one of known values; never null. ``origin``: where the list came from."""
        known = self.parameter_items(node, value, values, origin)
        if not known:
            known = [self.constant(node, item) for item in values if item is not None]
        fitting = [item for item in known if item.type == value.type]
        parts: list[Element] = []
        if value.type is t.NUMBER and fitting:
            scale = max([value.scale, *(item.scale for item in fitting)])
            column = self.sql.rescaled(value, scale).element
            parts.append(column.in_([self.sql.rescaled(item, scale).element for item in fitting]))
        elif fitting:
            parts.append(value.element.in_([item.element for item in fitting]))
        if parts and value.nullable:
            parts = [and_(parts[0], value.element.is_not(None))]
        if len(known) < len(values):
            parts.append(value.element.is_(None))
        return self.boolean(or_(false(), *parts), nullable=False)

    def parameter_items(self, node: Node, value: Scalar, values: list[Any], origin: Origin | None) -> list[Scalar]:
        """The items of a list as parameters, where all of them are of the value's type; else nothing."""
        if self.parameters is None or origin is None or any(bound_type(item) is not value.type for item in values):
            return []
        names = self.parameters.bind_items(origin, value.type, width(len(values))) if values else []
        items = [*values, *values[-1:] * (len(names) - len(values))]
        return [self.typed_literal(node, item, value.type, name) for item, name in zip(items, names, strict=True)]

    def instance_of(self, node: n.InstanceOf) -> NoReturn:
        self.refuse(node, "instance of over rows")

    # Arithmetic

    def negation(self, node: n.Negation) -> Scalar:
        operand = self.scalar(node.operand)
        if operand.type is t.NUMBER:
            return replace(operand, element=self.sql.number_column(-operand.element))
        if operand.type is t.DAYS_TIME:
            return replace(operand, element=-type_coerce(operand.element, sqltypes.BigInteger()))
        self.refuse(node, f"minus {operand.type}")

    def arithmetic(self, node: n.Arithmetic) -> Term:
        left = self.term(node.first)
        for operator, operand in node.rest:
            left = self.combined(node, operator, left, self.term(operand))
        return left

    def combined(self, node: Node, operator: str, left: Term, right: Term) -> Scalar:
        if isinstance(right, Constant) and isinstance(left, Scalar) and operator in ("+", "-"):
            moved = self.moved(left, right.value, 1 if operator == "+" else -1)
            if moved is not None:
                return moved
        if isinstance(left, Constant) and isinstance(right, Scalar) and operator == "+":
            moved = self.moved(right, left.value, 1)
            if moved is not None:
                return moved
        return self.calculated(node, operator, self.as_scalar(node, left), self.as_scalar(node, right))

    def moved(self, left: Scalar, amount: Any, sign: int) -> Scalar | None:
        """A date or an instant moved by a known duration; None where this is something else."""
        match left.type, amount:
            case t.DATE, YearsMonths():
                element = self.sql.add_months(left.element, sign * amount.months)
            case t.DATE, DaysTime():
                element = self.sql.add_days(left.element, (sign * amount.nanos) // 86_400_000_000_000)
            case t.DATE_TIME, DaysTime():
                if amount.nanos % 1000:
                    raise NotExactError("a duration finer than a microsecond")
                element = self.sql.add_micros(left.element, sign * amount.nanos // 1000)
            case _:
                return None
        return Scalar(element=element, type=left.type, nullable=left.nullable)

    def calculated(self, node: Node, operator: str, left: Scalar, right: Scalar) -> Scalar:
        if t.NULL in (left.type, right.type):
            return Scalar(element=null(), type=t.NULL)
        nullable = left.nullable or right.nullable
        match operator, left.type, right.type:
            case "+", t.NUMBER, t.NUMBER:
                return self.sql.add(left, right)
            case "-", t.NUMBER, t.NUMBER:
                return self.sql.add(left, right, -1)
            case "*", t.NUMBER, t.NUMBER:
                return self.sql.multiply(left, right)
            case "+", t.STRING, t.STRING:
                joined = type_coerce(left.element.op("||")(right.element), storage.CodePointText())
                return Scalar(element=joined, type=t.STRING, nullable=nullable)
            case "-", t.DATE, t.DATE:
                between = self.sql.days_between(left.element, right.element)
                return Scalar(element=between, type=t.DAYS_TIME, nullable=nullable)
            case "-", t.DATE_TIME, t.DATE_TIME:
                between = self.sql.micros_between(left.element, right.element)
                return Scalar(element=between, type=t.DAYS_TIME, nullable=nullable)
        if operator == "/":
            self.refuse(node, "a division without a stated rounding")
        self.refuse(node, f"{left.type} {operator} {right.type}")

    # Lists

    def filter(self, node: n.Filter) -> Rows:
        rows = self.term(node.source)
        if not isinstance(rows, Rows) or self.checked.types[id(node.condition)] is not t.BOOLEAN:
            self.refuse(node, "this filter")
        item = self.checked.declared[id(node)][0].code
        self.items[item] = rows.item if rows.item is not None else _row_of(rows)
        present = rows.present | frozenset(self.present(node.condition, item))
        return replace(rows, conditions=(*rows.conditions, self.test(node.condition)), present=present)

    def present(self, condition: Node, item: str) -> Iterator[str]:
        """Entries of a filtered item that are not null where the condition is true."""
        match condition:
            case n.Group():
                yield from self.present(condition.inner, item)
            case n.And():
                for term in condition.terms:
                    yield from self.present(term, item)
            case n.Comparison(operator="!=", left=n.Name() as name, right=n.Literal(value=None)):
                binding = self.checked.bindings[id(name)]
                if binding.kind == "entry" and binding.code == item:
                    yield name.name

    def iterated(self, node: n.For | n.Quantified) -> Rows:
        """The rows over which a loop with one variable runs."""
        if len(node.iterators) != 1 or node.iterators[0].end is not None:
            self.refuse(node, "a loop with several variables")
        rows = self.term(node.iterators[0].domain)
        if not isinstance(rows, Rows):
            self.refuse(node, "a loop over something else than related records")
        code = self.checked.declared[id(node)][0].code
        self.items[code] = rows.item if rows.item is not None else _row_of(rows)
        return rows

    def for_return(self, node: n.For) -> Rows:
        rows = self.iterated(node)
        return replace(rows, item=self.scalar(node.body))

    def some_test(self, node: n.Quantified) -> Element:
        rows = self.iterated(node)
        return self.exists(rows, self.test(node.condition))

    def quantified(self, node: n.Quantified) -> Scalar:
        rows = self.iterated(node)
        condition = self.scalar(node.condition)
        if condition.type is not t.BOOLEAN:
            self.refuse(node, "a condition that is no boolean")
        deciding = not_(condition.element) if node.every else condition.element
        branches: list[Any] = [(self.exists(rows, deciding), false() if node.every else true())]
        if condition.nullable:
            unknown = type_coerce(null(), sqltypes.Boolean())
            branches.append((self.exists(rows, condition.element.is_(None)), unknown))
        element = case(*branches, else_=true() if node.every else false())
        return self.boolean(type_coerce(element, sqltypes.Boolean()), nullable=condition.nullable)

    def exists(self, rows: Rows, condition: Element) -> Element:
        """Whether there is such a row among ``rows``."""
        query = select(literal(1)).select_from(rows.selectable).where(*rows.conditions, condition)
        return rows.wrap(exists(query.correlate_except(rows.selectable)))

    def aggregated(self, rows: Rows, element: Element) -> Element:
        """An aggregate over the rows as one value."""
        query = select(element).select_from(rows.selectable).where(*rows.conditions)
        return rows.wrap(query.correlate_except(rows.selectable).scalar_subquery())

    def call(self, node: n.Call) -> Term:
        from engines.feel.sql.functions import FUNCTIONS

        if not isinstance(node.function, n.Name) or self.checked.bindings[id(node.function)].kind != "builtin":
            self.refuse(node, "calling a function value")
        rule = FUNCTIONS.get(node.function.name)
        if rule is None or node.names:
            self.refuse(node, f"the function {node.function.name}" + (" with named arguments" if node.names else ""))
        if self.is_null(node.function.name, node.arguments):
            return Scalar(element=null(), type=t.NULL)
        return rule(self, node)

    def is_null(self, function: str, arguments: Sequence[Node]) -> bool:
        """Whether an argument is known to be null where a built-in has no use for that."""
        overloads = BUILTINS[function].overloads
        for index, argument in enumerate(arguments):
            taking = any(o.variadic or index >= len(o.parameters) or o.parameters[index].nullable for o in overloads)
            listed = isinstance(self.checked.types[id(argument)], t.ListType)
            if not (taking or listed) and self.is_constant(argument) and self.value_now(argument) is None:
                # The statement holds for null alone.
                return self.evaluate(argument) is None
        return False

    def group(self, node: n.Group) -> Term:
        return self.term(node.inner)


def _row_of(rows: Rows) -> Row:
    """The row at hand within ``rows``."""
    return Row(source=rows.source, wrap=lambda element: element)


def _through(row: Row, join: SqlJoin) -> Callable[[Element], Element]:
    """Reads a value of the row that a reference points to."""
    if join.joined:
        return row.wrap

    def wrap(element: Element) -> Element:
        query = select(element).select_from(join.selectable).where(join.on)
        return row.wrap(query.correlate_except(join.selectable).scalar_subquery())

    return wrap


def _variable(source: SqlSource, name: str) -> Any:
    value = source.variable(name)
    return None if value is NotImplemented else value


def _zone_of(value: Any) -> ZoneInfo | None:
    return ZoneInfo(value) if isinstance(value, str) else value


class _Variables(Mapping[str, Any]):
    """The bound values of a source as variables of the Python backend."""

    def __init__(self, translator: Translator, node: Node) -> None:
        self._translator = translator
        self._node = node

    def __getitem__(self, name: str) -> Any:
        value = self._translator.source.variable(name)
        if value is NotImplemented and name in self._translator.runtime.functions:
            return self._translator.runtime.functions[name]
        if value is NotImplemented:
            self._translator.refuse(self._node, f'"{name}" has no value here')
        return value

    def get(self, name: str, default: Any = None) -> Any:
        return self[name]

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


_ORDERED = frozenset({t.NUMBER, t.STRING, t.DATE, t.TIME, t.DATE_TIME, t.DAYS_TIME})
_ORDERS: dict[str, Callable[[Element, Element], Element]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
# Property to (microseconds, units in the next greater one).
_DURATION_UNITS = {
    "days": (86_400_000_000, 0),
    "hours": (3_600_000_000, 24),
    "minutes": (60_000_000, 60),
}
_RULES: dict[type[Node], Callable[..., Term]] = {
    n.Name: Translator.name,
    n.Group: Translator.group,
    n.Path: Translator.path,
    n.Filter: Translator.filter,
    n.Call: Translator.call,
    n.Negation: Translator.negation,
    n.Arithmetic: Translator.arithmetic,
    n.Comparison: Translator.comparison,
    n.Between: Translator.between,
    n.In: Translator.contained,
    n.InstanceOf: Translator.instance_of,
    n.And: Translator.conjunction,
    n.Or: Translator.disjunction,
    n.If: Translator.conditional,
    n.For: Translator.for_return,
    n.Quantified: Translator.quantified,
}
