"""Our JSON form of decisions ↔ the model. The JSON has been checked against its schema before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from engines.core import DefinitionSource, LocalizedText
from engines.core.source import pointer_of
from engines.rules.decisions import model as m

Json = Mapping[str, Any]
_BOXED_KEYS: Final = (
    "expression", "table", "context", "list", "relation", "function", "invocation", "conditional", "filter", "for",
    "some", "every",
)  # fmt: skip


def model_of(data: Json, source: DefinitionSource) -> m.DecisionModel:
    """The model that JSON of schema ``decision`` describes; literals keep the pointer where they stand."""
    return m.DecisionModel(
        name=data["name"],
        label=_localized(data.get("label")),
        description=_localized(data.get("description")),
        namespace=data.get("namespace", ""),
        imports=tuple(m.Import(name=i["name"], namespace=i["namespace"]) for i in data.get("imports", ())),
        types=tuple(_type(item) for item in data.get("types", ())),
        inputs=tuple(_input(item) for item in data.get("inputs", ())),
        decisions=tuple(_decision(d, f"/decisions/{i}") for i, d in enumerate(data["decisions"])),
        knowledge=tuple(_knowledge(k, f"/knowledge/{i}") for i, k in enumerate(data.get("knowledge", ()))),
        services=tuple(_service(item) for item in data.get("services", ())),
        sources=tuple(_source(item) for item in data.get("sources", ())),
        implied=data.get("scope", "all") == "all",
        tests=tuple(data.get("tests", ())),
        source=source,
        raw=data,
    )


def boxed_key(data: Json) -> list[str]:
    """Which boxed expressions an object holds; one is right."""
    return [key for key in _BOXED_KEYS if key in data]


def literal_of(value: Any) -> str:
    """A JSON value as a FEEL literal."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return format(Decimal(str(value)), "f")


def _localized(value: Any) -> LocalizedText:
    return LocalizedText({}) if value is None else LocalizedText.of(value)


def _described(data: Json) -> dict[str, Any]:
    """What every element of the graph has."""
    texts = {key: _localized(data.get(key)) for key in ("label", "description")}
    return {"name": data["name"], "id": data.get("id", ""), **texts}


def _input(data: Json) -> m.Input:
    return m.Input(**_described(data), type=data.get("type", ""))


def _source(data: Json) -> m.KnowledgeSource:
    texts = {key: data.get(key, "") for key in ("kind", "owner", "location")}
    return m.KnowledgeSource(**_described(data), **texts, authorities=tuple(data.get("authorities", ())))


def _decision(data: Json, at: str) -> m.Decision:
    return m.Decision(
        **_described(data),
        question=_localized(data.get("question")),
        answers=_localized(data.get("answers")),
        type=data.get("type", ""),
        requires=tuple(data.get("requires", ())),
        authorities=tuple(data.get("authorities", ())),
        value=_held(data, at) if boxed_key(data) else None,
    )


def _knowledge(data: Json, at: str) -> m.Knowledge:
    return m.Knowledge(
        **_described(data),
        requires=tuple(data.get("requires", ())),
        authorities=tuple(data.get("authorities", ())),
        function=_function(data["function"], at + "/function"),
        type=data.get("type", ""),
    )


def _service(data: Json) -> m.Service:
    return m.Service(
        **_described(data),
        outputs=tuple(data["outputs"]),
        encapsulated=tuple(data.get("encapsulated", ())),
        input_decisions=tuple(data.get("input_decisions", ())),
        inputs=tuple(data.get("inputs", ())),
        type=data.get("type", ""),
    )


def _type(data: Json) -> m.TypeDefinition:
    return m.TypeDefinition(
        name=data["name"],
        description=_localized(data.get("description")),
        type=data.get("type", ""),
        is_list=data.get("list", False),
        allowed=data.get("allowed", ""),
        constraint=data.get("constraint", ""),
        fields=tuple(_type(item) for item in data.get("fields", ())),
        parameters=_parameters(data) if "parameters" in data else None,
        result=data.get("result", ""),
    )


def _parameters(data: Json) -> tuple[m.Parameter, ...]:
    return tuple(m.Parameter(name=p["name"], type=p.get("type", "")) for p in data.get("parameters", ()))


def _held(data: Json, at: str) -> m.Boxed:
    """The boxed expression of an object whose ``type`` is that of the object itself."""
    return _boxed({key: value for key, value in data.items() if key != "type"}, at)


def _boxed(data: str | Json, at: str) -> m.Boxed:
    if isinstance(data, str):
        return m.Literal(text=data, at=at)
    key = boxed_key(data)[0] if boxed_key(data) else "expression"
    content, kind, at = data.get(key, ""), data.get("type", ""), f"{at}/{key}"
    match key:
        case "expression":
            return m.Literal(text=content, at=at, type=kind)
        case "table":
            return _table(content, at, kind)
        case "context":
            return m.Context(entries=_entries(content, at), at=at, type=kind)
        case "list":
            return m.ListOf(items=_all(content, at), at=at, type=kind)
        case "relation":
            rows = tuple(_all(row, f"{at}/rows/{i}") for i, row in enumerate(content["rows"]))
            columns = tuple(_column(column) for column in content["columns"])
            return m.Relation(columns=columns, rows=rows, at=at, type=kind)
        case "function":
            return _function(content, at)
        case "invocation":
            return m.Invocation(
                function=_boxed(content["function"], at + "/function"),
                bindings=_entries(content.get("bindings", ()), at + "/bindings"),
                at=at,
                type=kind,
            )
        case "conditional":
            condition, then, otherwise = (_boxed(content[k], f"{at}/{k}") for k in ("if", "then", "else"))
            return m.Conditional(condition=condition, then=then, otherwise=otherwise, at=at, type=kind)
        case "filter":
            items, match = (_boxed(content[k], f"{at}/{k}") for k in ("in", "match"))
            return m.Filter(items=items, match=match, at=at, type=kind)
        case _:
            body = "return" if key == "for" else "satisfies"
            return m.Iteration(
                kind=key,
                variable=content["variable"],
                items=_boxed(content["in"], at + "/in"),
                body=_boxed(content.get(body, ""), f"{at}/{body}"),
                at=at,
                type=kind,
            )


def _all(items: Sequence[Any], at: str) -> tuple[m.Boxed, ...]:
    return tuple(_boxed(item, f"{at}/{i}") for i, item in enumerate(items))


def _entries(items: Sequence[Json], at: str) -> tuple[m.Entry, ...]:
    return tuple(
        m.Entry(name=item.get("name", ""), type=item.get("type", ""), value=_held(item, f"{at}/{i}"))
        for i, item in enumerate(items)
    )


def _column(data: str | Json) -> m.Parameter:
    return m.Parameter(name=data) if isinstance(data, str) else m.Parameter(name=data["name"], type=data["type"])


def _function(data: Json, at: str) -> m.Function:
    body = _held(data, at) if boxed_key(data) else None
    if body is not None and not isinstance(body, m.Function):
        body = replace(body, type=data.get("result", ""))
    return m.Function(
        parameters=_parameters(data),
        body=body,
        kind=data.get("kind", "FEEL"),
        at=at,
        type=data.get("type", ""),
    )


def _table(data: Json, at: str, kind: str) -> m.Table:
    return m.Table(
        hit_policy=m.HitPolicy(data.get("hit_policy", "UNIQUE")),
        aggregator=m.Aggregator(data.get("aggregator", "")),
        inputs=tuple(_input_clause(c, f"{at}/inputs/{i}") for i, c in enumerate(data.get("inputs", ()))),
        outputs=tuple(_output_clause(c, f"{at}/outputs/{i}") for i, c in enumerate(data["outputs"])),
        rules=tuple(_rule(r, f"{at}/rules/{i}") for i, r in enumerate(data["rules"])),
        annotations=tuple(data.get("annotations", ())),
        at=at,
        type=kind,
    )


def _allowed(data: Json) -> str:
    return str(data.get("allowed", "")) or ", ".join(literal_of(value) for value in data.get("values", ()))


def _input_clause(data: Json, at: str) -> m.InputClause:
    return m.InputClause(
        name=data.get("name", ""),
        label=_localized(data.get("label")),
        expression=m.Literal(text=data["expression"], at=at + "/expression"),
        type=data.get("type", ""),
        allowed=_allowed(data),
    )


def _output_clause(data: Json, at: str) -> m.OutputClause:
    default = data.get("default")
    return m.OutputClause(
        name=data.get("name", ""),
        label=_localized(data.get("label")),
        type=data.get("type", ""),
        allowed=_allowed(data),
        default=None if default is None else m.Literal(text=default, at=at + "/default"),
    )


def _rule(data: Json, at: str) -> m.TableRule:
    return m.TableRule(
        name=data.get("name", ""),
        label=_localized(data.get("label")),
        when=tuple(m.Literal(text=t, at=at + pointer_of("when", i)) for i, t in enumerate(data["when"])),
        then=tuple(m.Literal(text=t, at=at + pointer_of("then", i)) for i, t in enumerate(data["then"])),
        annotations=tuple(data.get("annotations", ())),
    )


def data_of(model: m.DecisionModel) -> dict[str, Any]:
    """The model as JSON of schema ``decision``; ``model_of`` reads it back as the same model, up to places."""
    return _without_empty(
        {
            "name": model.name,
            "label": _text(model.label),
            "description": _text(model.description),
            "namespace": model.namespace,
            "imports": [{"name": i.name, "namespace": i.namespace} for i in model.imports],
            "types": [_type_data(t) for t in model.types],
            "inputs": [_without_empty(_head(i) | {"type": i.type}) for i in model.inputs],
            "decisions": [_decision_data(d) for d in model.decisions],
            "knowledge": [_knowledge_data(k) for k in model.knowledge],
            "services": [_service_data(s) for s in model.services],
            "sources": [_source_data(s) for s in model.sources],
            "tests": [dict(test) for test in model.tests],
            "scope": "" if model.implied else "listed",
        }
    ) | {"decisions": [_decision_data(d) for d in model.decisions]}


def _text(text: LocalizedText) -> Any:
    texts = dict(text.texts)
    return texts[""] if list(texts) == [""] else texts


def _without_empty(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value not in ("", [], {}, None, False)}


def _head(item: m.Input | m.Decision | m.Knowledge | m.Service | m.KnowledgeSource) -> dict[str, Any]:
    return {"name": item.name, "id": item.id, "label": _text(item.label), "description": _text(item.description)}


def _source_data(item: m.KnowledgeSource) -> dict[str, Any]:
    more = {"kind": item.kind, "owner": item.owner, "location": item.location, "authorities": list(item.authorities)}
    return _without_empty(_head(item) | more)


def _decision_data(decision: m.Decision) -> dict[str, Any]:
    asked = {"question": _text(decision.question), "answers": _text(decision.answers)}
    links = {"requires": list(decision.requires), "authorities": list(decision.authorities)}
    head = _head(decision) | asked | links
    body = _boxed_data(decision.value) if decision.value is not None else {}
    return _without_empty(head) | body | ({"type": decision.type} if decision.type else {})


def _knowledge_data(item: m.Knowledge) -> dict[str, Any]:
    links = {"requires": list(item.requires), "authorities": list(item.authorities)}
    head = _head(item) | links | {"type": item.type}
    return _without_empty(head) | {"function": _function_data(item.function)}


def _service_data(item: m.Service) -> dict[str, Any]:
    return _without_empty(
        _head(item)
        | {
            "type": item.type,
            "outputs": list(item.outputs),
            "encapsulated": list(item.encapsulated),
            "input_decisions": list(item.input_decisions),
            "inputs": list(item.inputs),
        }
    ) | {"outputs": list(item.outputs)}


def _type_data(item: m.TypeDefinition) -> dict[str, Any]:
    written = _without_empty(
        {
            "name": item.name,
            "description": _text(item.description),
            "type": item.type,
            "list": item.is_list,
            "allowed": item.allowed,
            "constraint": item.constraint,
            "fields": [_type_data(f) for f in item.fields],
            "result": item.result,
        }
    )
    return written if item.parameters is None else written | {"parameters": _parameter_data(item.parameters)}


def _parameter_data(parameters: Sequence[m.Parameter]) -> list[dict[str, Any]]:
    return [_without_empty({"name": p.name, "type": p.type}) for p in parameters]


def _entry_data(entry: m.Entry) -> dict[str, Any]:
    return (
        _without_empty({"name": entry.name}) | _boxed_data(entry.value) | ({"type": entry.type} if entry.type else {})
    )


def _function_data(function: m.Function) -> dict[str, Any]:
    body = _boxed_data(function.body) if function.body is not None else {}
    if "type" in body:
        body["result"] = body.pop("type")
    body |= {"parameters": _parameter_data(function.parameters)}
    body |= {"kind": function.kind} if function.kind != "FEEL" else {}
    return body | ({"type": function.type} if function.type else {})


def _plain(value: m.Boxed) -> Any:
    """A literal without a type as a bare string, anything else as an object."""
    return value.text if isinstance(value, m.Literal) and not value.type else _boxed_data(value)


def _boxed_data(value: m.Boxed) -> dict[str, Any]:
    kind = {"type": value.type} if value.type and not isinstance(value, m.Function) else {}
    match value:
        case m.Literal():
            content: dict[str, Any] = {"expression": value.text}
        case m.Table():
            content = {"table": _table_data(value)}
        case m.Context():
            content = {"context": [_entry_data(e) for e in value.entries]}
        case m.ListOf():
            content = {"list": [_plain(i) for i in value.items]}
        case m.Relation():
            rows = [[_plain(cell) for cell in row] for row in value.rows]
            columns = [{"name": c.name, "type": c.type} if c.type else c.name for c in value.columns]
            content = {"relation": {"columns": columns, "rows": rows}}
        case m.Function():
            content = {"function": _function_data(value)}
        case m.Invocation():
            bindings = [_entry_data(b) for b in value.bindings]
            content = {"invocation": {"function": _plain(value.function), "bindings": bindings}}
        case m.Conditional():
            parts = {"if": value.condition, "then": value.then, "else": value.otherwise}
            content = {"conditional": {key: _plain(part) for key, part in parts.items()}}
        case m.Filter():
            content = {"filter": {"in": _plain(value.items), "match": _plain(value.match)}}
        case m.Iteration():
            body = "return" if value.kind == "for" else "satisfies"
            content = {value.kind: {"variable": value.variable, "in": _plain(value.items), body: _plain(value.body)}}
    return content | kind


def _table_data(table: m.Table) -> dict[str, Any]:
    written = {
        "hit_policy": str(table.hit_policy),
        "aggregator": str(table.aggregator),
        "inputs": [_input_clause_data(c) for c in table.inputs],
        "annotations": list(table.annotations),
    }
    return _without_empty(written) | {
        "outputs": [_output_clause_data(c) for c in table.outputs],
        "rules": [_rule_data(r) for r in table.rules],
    }


def _input_clause_data(clause: m.InputClause) -> dict[str, Any]:
    optional = {"name": clause.name, "label": _text(clause.label), "type": clause.type, "allowed": clause.allowed}
    return _without_empty(optional) | {"expression": clause.expression.text}


def _output_clause_data(clause: m.OutputClause) -> dict[str, Any]:
    written = {"name": clause.name, "label": _text(clause.label), "type": clause.type, "allowed": clause.allowed}
    default = {"default": clause.default.text} if clause.default is not None else {}
    return _without_empty(written) | default


def _rule_data(rule: m.TableRule) -> dict[str, Any]:
    written = {"name": rule.name, "label": _text(rule.label), "annotations": list(rule.annotations)}
    cells = {"when": [c.text for c in rule.when], "then": [c.text for c in rule.then]}
    return _without_empty(written) | cells
