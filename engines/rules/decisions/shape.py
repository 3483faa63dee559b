"""What the JSON Schema cannot say about a decision: numbers of cells, one boxed expression each, names once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engines.core import DefinitionSource, Diagnostic
from engines.rules.decisions import model as m
from engines.rules.decisions.json_form import boxed_key


def shape_problems(model: m.DecisionModel, data: Mapping[str, Any], source: DefinitionSource) -> Iterator[Diagnostic]:
    """Problems of form, with places."""
    yield from _repeated(model, source)
    for i, decision in enumerate(data["decisions"]):
        yield from _one_boxed(decision, f"/decisions/{i}", source)
    for i, item in enumerate(model.decisions):
        if isinstance(item.value, m.Table):
            yield from _table(item.value, f"/decisions/{i}/table", source)
    for k, knowledge in enumerate(model.knowledge):
        if isinstance(knowledge.function.body, m.Table):
            yield from _table(knowledge.function.body, f"/knowledge/{k}/function/table", source)


def _repeated(model: m.DecisionModel, source: DefinitionSource) -> Iterator[Diagnostic]:
    groups: Mapping[str, tuple[Any, ...]] = {
        "inputs": model.inputs,
        "decisions": model.decisions,
        "knowledge": model.knowledge,
        "services": model.services,
    }
    seen: set[str] = set()
    for group, elements in groups.items():
        for i, element in enumerate(elements):
            if element.name in seen:
                place = source.place(f"/{group}/{i}/name")
                yield Diagnostic(code="rules.repeated_name", found=element.name, hint="rename one of them").at(place)
            seen.add(element.name)


def _one_boxed(data: Mapping[str, Any], at: str, source: DefinitionSource) -> Iterator[Diagnostic]:
    found = boxed_key(data)
    if len(found) > 1:
        yield Diagnostic(
            code="rules.several_expressions", found=", ".join(found), expected="one of them", hint="keep one"
        ).at(source.place(f"{at}/{found[1]}", key=True))


def _table(table: m.Table, at: str, source: DefinitionSource) -> Iterator[Diagnostic]:
    for i, rule in enumerate(table.rules):
        for part, cells, columns in (("when", rule.when, table.inputs), ("then", rule.then, table.outputs)):
            if len(cells) != len(columns):
                yield Diagnostic(
                    code="rules.wrong_cell_count",
                    found=str(len(cells)),
                    expected=f"{len(columns)} cells, one per column",
                ).at(source.place(f"{at}/rules/{i}/{part}"))
    names = [clause.name for clause in table.outputs]
    for i, name in enumerate(names):
        if len(names) > 1 and (not name or names.index(name) != i):
            yield Diagnostic(code="rules.output_needs_name", found=name, expected="a name of its own").at(
                source.place(f"{at}/outputs/{i}")
            )
    if table.aggregator and table.hit_policy is not m.HitPolicy.COLLECT:
        yield Diagnostic(
            code="rules.aggregator_without_collect", found=str(table.aggregator), expected="hit policy COLLECT"
        ).at(source.place(f"{at}/aggregator"))
