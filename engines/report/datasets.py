"""Checks and compiles datasets: one walk gives all problems and, where there is none, the compiled dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engines import feel
from engines.core.diagnostics import Diagnostic, Severity
from engines.core.errors import DefinitionError
from engines.report.compiled import VALUE_TYPES, CompiledDataset, CompiledDimension, CompiledMeasure
from engines.report.definitions import Aggregate, DatasetDefinition, Dimension, Measure
from engines.report.expressions import Problems, RowNames
from engines.report.ports import FormShape, ReportDefinitions
from engines.report.results import ValueType

# Contexts through which a value reads other columns than its own row's.
TOTAL, PREVIOUS = "total", "previous"
_RESERVED = frozenset({TOTAL, PREVIOUS, "mean"})
_SUMMED = frozenset({ValueType.NUMBER, ValueType.DURATION})
_ORDERED = frozenset(VALUE_TYPES.values()) - {ValueType.BOOLEAN, ValueType.ID}
# Aggregates that count a header again for each of its sub-table rows.
_REPEATING = frozenset({Aggregate.SUM, Aggregate.MEAN, Aggregate.COUNT})


def validate_dataset(definition: DatasetDefinition, definitions: ReportDefinitions) -> list[Diagnostic]:
    """All problems of a dataset: references, names, expression types. Codes ``report.*`` and ``feel.*``."""
    return _analyse(definition, definitions)[1]


def compile_dataset(definition: DatasetDefinition, definitions: ReportDefinitions) -> CompiledDataset:
    """The dataset ready to be asked; ``DefinitionError`` with everything that is wrong with it."""
    compiled, problems = _analyse(definition, definitions)
    if compiled is None or any(d.severity is Severity.ERROR for d in problems):
        raise DefinitionError(problems)
    return compiled


def _analyse(
    definition: DatasetDefinition, definitions: ReportDefinitions
) -> tuple[CompiledDataset | None, list[Diagnostic]]:
    problems = Problems(source=definition.source, checked=definition.source.checked)
    _check_names(definition, problems)
    shape = definitions.shape(definition.form)
    if shape is None:
        problems.unknown("form", definition.form, definitions.names("form"), "/form")
        return None, problems.found
    names = _row_names(definition, shape, problems)
    if names is None:
        return None, problems.found
    rows = RowNames(names=names, variables=frozenset(shape.variables))
    dimensions = [_dimension(d, rows, shape, problems) for d in definition.dimensions]
    aggregates = [_aggregate(m, rows, definition.each, problems) for m in definition.measures if not m.value]
    compiled = CompiledDataset(
        definition=definition,
        dimensions={d.definition.name: d for d in dimensions if d is not None},
        measures=_with_values(definition, [a for a in aggregates if a is not None], problems),
        conditions=problems.conditions(definition.conditions, rows),
        rows=rows,
    )
    return compiled, problems.found


def _check_names(definition: DatasetDefinition, problems: Problems) -> None:
    seen: set[str] = set()
    items: list[Dimension | Measure] = [*definition.dimensions, *definition.measures]
    for item in items:
        pointer = f"{item.pointer}/name"
        if item.name in _RESERVED:
            problems.add("report.reserved_name", pointer, found=item.name, hint="choose another name")
        elif item.name in seen:
            problems.add("report.repeated_name", pointer, found=item.name, hint="choose another name")
        seen.add(item.name)


def _row_names(
    definition: DatasetDefinition, shape: FormShape, problems: Problems
) -> Mapping[str, feel.FeelType] | None:
    """The names of a row; over a sub-table, its name stands for one of its rows in place of their list."""
    names = shape.names
    if not definition.each:
        return names
    kind = names.get(definition.each)
    if isinstance(kind, feel.ListType) and isinstance(kind.element, feel.ContextType):
        return {**names, definition.each: kind.element}
    lists = [n for n, k in names.items() if isinstance(k, feel.ListType) and isinstance(k.element, feel.ContextType)]
    problems.unknown("subtable", definition.each, lists, "/each")
    return None


def _dimension(definition: Dimension, rows: RowNames, shape: FormShape, problems: Problems) -> CompiledDimension | None:
    pointer = f"{definition.pointer}/expression"
    text, title = definition.expression, definition.title
    expression = problems.compile(text, rows.names, pointer)
    if expression is not None and _is_record(expression.type):
        # A record stands for its id, and reads as what people know it by.
        name = shape.title(expression.type) if isinstance(expression.type, feel.ContextType) else ""
        title = title or (f"({text}).{name}" if name else "")
        text = f"({text}).id"
        expression = problems.compile(text, rows.names, pointer)
    titled = problems.over_rows(title, rows, f"{definition.pointer}/title") if title else None
    if expression is None:
        return None
    kind = VALUE_TYPES.get(expression.type)
    if kind is None:
        problems.add("report.not_a_group", pointer, found=str(expression.type), hint="group by a single value")
        return None
    if definition.grain and kind not in (ValueType.DATE, ValueType.INSTANT):
        problems.add("report.grain_needs_date", f"{definition.pointer}/grain", found=str(expression.type))
        return None
    expression = problems.over_rows(text, rows, pointer)
    if expression is None:
        return None
    path = tuple(definition.expression.split(".")) if kind is ValueType.TEXT else ()
    return CompiledDimension(
        definition=definition,
        expression=expression,
        title=titled,
        type=kind,
        options=shape.options(path) if path else {},
        tones=shape.tones(path) if path else {},
    )


def _is_record(kind: feel.FeelType) -> bool:
    return isinstance(kind, feel.ContextType) and "id" in kind.fields


def _aggregate(definition: Measure, rows: RowNames, each: str, problems: Problems) -> CompiledMeasure | None:
    conditions = problems.conditions(definition.conditions, rows)
    if not definition.expression:
        if definition.aggregate is not Aggregate.COUNT:
            problems.add("report.aggregate_needs_expression", definition.pointer, found=str(definition.aggregate))
            return None
        return CompiledMeasure(definition=definition, conditions=conditions)
    pointer = f"{definition.pointer}/expression"
    text = definition.expression
    expression = problems.compile(text, rows.names, pointer)
    if expression is not None and _is_record(expression.type):
        text = f"({text}).id"
    expression = expression and problems.over_rows(text, rows, pointer)
    if expression is None:
        return None
    kind = _result_type(definition, expression, pointer, problems)
    if kind is None:
        return None
    repeats = definition.aggregate in _REPEATING and each not in {path[0] for path in expression.reads}
    return CompiledMeasure(
        definition=definition,
        expression=expression,
        conditions=conditions,
        type=kind,
        of_header=bool(each) and repeats,
    )


def _result_type(
    definition: Measure, expression: feel.Expression, pointer: str, problems: Problems
) -> ValueType | None:
    kind = VALUE_TYPES.get(expression.type)
    allowed, expected = {
        Aggregate.SUM: (_SUMMED, "a number or a duration"),
        Aggregate.MEAN: (_SUMMED, "a number or a duration"),
        Aggregate.MIN: (_ORDERED, "a number, text, date, time, instant or duration"),
        Aggregate.MAX: (_ORDERED, "a number, text, date, time, instant or duration"),
    }.get(definition.aggregate or Aggregate.COUNT, (frozenset(VALUE_TYPES.values()), "a single value"))
    if kind not in allowed or kind is None:
        problems.add("report.aggregate_type", pointer, found=str(expression.type), expected=expected)
        return None
    return ValueType.NUMBER if definition.aggregate in (Aggregate.COUNT, Aggregate.COUNT_DISTINCT) else kind


def _with_values(
    definition: DatasetDefinition, aggregates: Iterable[CompiledMeasure], problems: Problems
) -> Mapping[str, CompiledMeasure]:
    """All measures that compile: aggregates first, then values, each after those that it reads."""
    measures = {measure.name: measure for measure in aggregates}
    names = _value_names(definition, measures)
    waiting = {}
    for measure in definition.measures:
        if measure.value:
            value = problems.compile(measure.value, names, f"{measure.pointer}/value", feel.NUMBER)
            if value is not None:
                waiting[measure.name] = CompiledMeasure(definition=measure, value=value)
    return {**measures, **_ordered(waiting, problems)}


def _value_names(
    definition: DatasetDefinition, aggregates: Mapping[str, CompiledMeasure]
) -> Mapping[str, feel.FeelType]:
    types = {value: kind for kind, value in VALUE_TYPES.items()}
    names: dict[str, feel.FeelType] = {
        m.name: types[aggregates[m.name].type] if m.name in aggregates else feel.NUMBER for m in definition.measures
    }
    everything = feel.ContextType(dict(names))
    return {**names, TOTAL: everything, PREVIOUS: everything}


def _ordered(waiting: Mapping[str, CompiledMeasure], problems: Problems) -> Mapping[str, CompiledMeasure]:
    """``waiting`` so that each stands after those it reads; circles are noted and left out."""
    done: dict[str, CompiledMeasure] = {}
    left = dict(waiting)
    while left:
        ready = [name for name, measure in left.items() if not reads(measure) & left.keys()]
        if not ready:
            for measure in left.values():
                pointer = f"{measure.definition.pointer}/value"
                problems.add("report.circular_measure", pointer, found=measure.name, expected=_names(left))
            break
        for name in ready:
            done[name] = left.pop(name)
    return done


def reads(measure: CompiledMeasure) -> frozenset[str]:
    """Names of the measures that a value reads, in its own row, in the total or in the compared period."""
    if measure.value is None:
        return frozenset()
    return frozenset(
        path[1] if path[0] in (TOTAL, PREVIOUS) and len(path) > 1 else path[0] for path in measure.value.reads
    )


def _names(names: Iterable[str]) -> str:
    ordered: Sequence[str] = sorted(names)
    return "no circle among: " + ", ".join(ordered)
