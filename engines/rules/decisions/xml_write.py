"""Our model → DMN 1.5 XML (interchange format of DMN 1.5, without diagram)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lxml import etree

from engines.core import LocalizedText
from engines.rules.decisions import model as m
from engines.rules.decisions.xml_read import OWN_NAMESPACE

NAMESPACE: Final = "https://www.omg.org/spec/DMN/20230324/MODEL/"
# Names of types in our JSON -> FEEL's.
_TYPES: Final[Mapping[str, str]] = {
    "text": "string",
    "choice": "string",
    "money": "number",
    "datetime": "date and time",
    "duration": "days and time duration",
    "period": "years and months duration",
    "list": "Any",
    "any": "Any",
    "reference": "Any",
    "person": "Any",
}
_OWN_NAME: Final = f"{{{OWN_NAMESPACE}}}name"
_NSMAP: Final[Any] = {None: NAMESPACE, "dougong": OWN_NAMESPACE}
Element = Any


def write_xml(model: m.DecisionModel, locale: str = "en") -> str:
    """The model as a DMN 1.5 document. Labels are written in ``locale``; ``read_xml`` reads the same logic back."""
    return _Writer(model, locale).document()


class _Writer:
    def __init__(self, model: m.DecisionModel, locale: str) -> None:
        self._model = model
        self._locale = locale
        self._own_types = {kind.name for kind in model.types}
        groups: Sequence[tuple[str, Sequence[Any]]] = (
            ("input", model.inputs),
            ("decision", model.decisions),
            ("knowledge", model.knowledge),
            ("service", model.services),
            ("source", model.sources),
        )
        # Name -> (group, id).
        self._ids = {
            item.name: (group, item.id or f"_{group}_{number}")
            for group, items in groups
            for number, item in enumerate(items, 1)
        }

    def document(self) -> str:
        model = self._model
        root = etree.Element(_q("definitions"), nsmap=_NSMAP)
        root.set("name", model.name)
        root.set("namespace", model.namespace or f"urn:dougong:{model.name}")
        root.set("id", "_definitions")
        self._texts(root, model, *self._examples())
        for item in model.imports:
            _add(root, "import", name=item.name, namespace=item.namespace, importType=NAMESPACE)
        for kind in model.types:
            self._type(root, "itemDefinition", kind)
        for given in model.inputs:
            self._variable(self._element(root, "inputData", given), given.name, given.type)
        for decision in model.decisions:
            self._decision(root, decision)
        for knowledge in model.knowledge:
            self._knowledge(root, knowledge)
        for service in model.services:
            self._service(root, service)
        for source in model.sources:
            self._source(root, source)
        return str(etree.tostring(root, pretty_print=True, encoding="unicode"))

    def _element(self, parent: Element, tag: str, item: Any) -> Element:
        element = _add(parent, tag, id=self._ids[item.name][1], name=item.name)
        self._texts(element, item)
        return element

    def _texts(self, element: Element, item: Any, *more: Element) -> None:
        """Label and description, and in extension elements all languages in which the texts of ``item`` are there."""
        if hasattr(item, "label") and item.label.texts:
            element.set("label", self._text(item.label))
        if hasattr(item, "description") and item.description.texts:
            _add(element, "description").text = self._text(item.description)
        named = {"label": "label", "description": "description", "question": "question", "answers": "allowedAnswers"}
        found = [(of, getattr(item, name)) for name, of in named.items() if hasattr(item, name)]
        own = [_own("text", text, of=of, lang=lang) for of, one in found for lang, text in one.texts.items() if lang]
        if own or more:
            _add(element, "extensionElements").extend([*own, *more])

    def _examples(self) -> list[Element]:
        return [_own("example", json.dumps(dict(test), ensure_ascii=False)) for test in self._model.tests]

    def _text(self, text: LocalizedText) -> str:
        return text.get(self._locale)

    def _variable(self, parent: Element, name: str, kind: str, tag: str = "variable") -> Element:
        return _add(parent, tag, name=name, **self._typed(kind))

    def _decision(self, root: Element, decision: m.Decision) -> None:
        element = self._element(root, "decision", decision)
        for tag, text in (("question", decision.question), ("allowedAnswers", decision.answers)):
            if text.texts:
                _add(element, tag).text = self._text(text)
        self._variable(element, decision.name, decision.type)
        self._requirements(element, decision.name, decision.requires)
        self._authorities(element, decision.authorities)
        if decision.value is not None:
            self._boxed(element, decision.value)

    def _knowledge(self, root: Element, item: m.Knowledge) -> None:
        element = self._element(root, "businessKnowledgeModel", item)
        self._variable(element, item.name, item.type)
        logic = _add(element, "encapsulatedLogic", kind=item.function.kind)
        self._function_parts(logic, item.function)
        self._requirements(element, item.name, item.requires, only=("knowledge", "service"))
        self._authorities(element, item.authorities)

    def _source(self, root: Element, item: m.KnowledgeSource) -> None:
        element = self._element(root, "knowledgeSource", item)
        if item.location:
            element.set("locationURI", item.location)
        self._authorities(element, item.authorities)
        if item.kind:
            _add(element, "type").text = item.kind
        if item.owner:
            _add(element, "owner", href=f"#{item.owner}")

    def _authorities(self, element: Element, names: Sequence[str]) -> None:
        tags = {"input": "requiredInput", "decision": "requiredDecision"}
        for name in names:
            group = self._ids.get(name, ("source", ""))[0]
            tag = tags.get(group, "requiredAuthority")
            _add(_add(element, "authorityRequirement"), tag, href=self._href(name))

    def _service(self, root: Element, item: m.Service) -> None:
        element = self._element(root, "decisionService", item)
        self._variable(element, item.name, item.type)
        groups = (
            ("outputDecision", item.outputs),
            ("encapsulatedDecision", item.encapsulated),
            ("inputDecision", item.input_decisions),
            ("inputData", item.inputs),
        )
        for tag, names in groups:
            for name in names:
                _add(element, tag, href=self._href(name))

    def _requirements(self, element: Element, own: str, names: Sequence[str], only: Sequence[str] = ()) -> None:
        groups = [(name, self._ids.get(name, ("decision", ""))[0]) for name in self._needed(own, names)]
        # The standard wants information before knowledge.
        for name, group in sorted(groups, key=lambda pair: pair[1] in ("knowledge", "service")):
            if only and group not in only:
                continue
            if group in ("knowledge", "service"):
                _add(_add(element, "knowledgeRequirement"), "requiredKnowledge", href=self._href(name))
            else:
                tag = "requiredInput" if group == "input" else "requiredDecision"
                _add(_add(element, "informationRequirement"), tag, href=self._href(name))

    def _needed(self, own: str, names: Sequence[str]) -> Sequence[str]:
        """In our JSON inputs and knowledge models are in scope without being listed; in DMN they must be."""
        if not self._model.implied:
            return names
        implied = [i.name for i in self._model.inputs] + [k.name for k in self._model.knowledge]
        return [*names, *(name for name in implied if name not in names and name != own)]

    def _href(self, name: str) -> str:
        if name in self._ids:
            return "#" + self._ids[name][1]
        prefix, _, inner = name.partition(".")
        namespace = next((i.namespace for i in self._model.imports if i.name == prefix), "")
        return f"{namespace}#{inner}"

    def _type(self, parent: Element, tag: str, kind: m.TypeDefinition) -> None:
        more = {"isCollection": "true"} if kind.is_list else {}
        element = _add(parent, tag, name=kind.name, **more)
        self._texts(element, kind)
        if kind.parameters is not None:
            result = {"outputTypeRef": self._type_name(kind.result)} if kind.result else {}
            function = _add(element, "functionItem", **result)
            for parameter in kind.parameters:
                self._variable(function, parameter.name, parameter.type, "parameters")
            return
        if kind.type:
            _add(element, "typeRef").text = self._type_name(kind.type)
        if kind.allowed:
            _text_in(element, "allowedValues", kind.allowed)
        if kind.constraint:
            _text_in(element, "typeConstraint", kind.constraint)
        for part in kind.fields:
            self._type(element, "itemComponent", part)

    def _type_name(self, kind: str) -> str:
        """FEEL's name of a type."""
        return kind if kind in self._own_types else _TYPES.get(kind, kind)

    def _typed(self, kind: str) -> dict[str, str]:
        return {"typeRef": self._type_name(kind)} if kind else {}

    # Boxed expressions

    def _boxed(self, parent: Element, value: m.Boxed) -> None:
        kind = {} if isinstance(value, m.Function) else self._typed(value.type)
        match value:
            case m.Literal():
                _add(_add(parent, "literalExpression", **kind), "text").text = value.text
            case m.Table():
                self._table(parent, value, kind)
            case m.Context():
                self._context(_add(parent, "context", **kind), value)
            case m.ListOf():
                self._all(_add(parent, "list", **kind), value.items)
            case m.Relation():
                self._relation(_add(parent, "relation", **kind), value)
            case m.Function():
                more = {"kind": value.kind} | self._typed(value.type)
                self._function_parts(_add(parent, "functionDefinition", **more), value)
            case m.Invocation():
                self._invocation(_add(parent, "invocation", **kind), value)
            case m.Conditional():
                element = _add(parent, "conditional", **kind)
                parts = (("if", value.condition), ("then", value.then), ("else", value.otherwise))
                self._parts(element, parts)
            case m.Filter():
                self._parts(_add(parent, "filter", **kind), (("in", value.items), ("match", value.match)))
            case m.Iteration():
                element = _add(parent, value.kind, iteratorVariable=value.variable, **kind)
                body = "return" if value.kind == "for" else "satisfies"
                self._parts(element, (("in", value.items), (body, value.body)))

    def _all(self, parent: Element, values: Sequence[m.Boxed]) -> None:
        for value in values:
            self._boxed(parent, value)

    def _parts(self, parent: Element, parts: Sequence[tuple[str, m.Boxed]]) -> None:
        for tag, value in parts:
            self._boxed(_add(parent, tag), value)

    def _context(self, parent: Element, value: m.Context) -> None:
        for entry in value.entries:
            element = _add(parent, "contextEntry")
            if entry.name:
                self._variable(element, entry.name, entry.type)
                self._boxed(element, entry.value)
            else:
                self._boxed(element, _with_type(entry.value, entry.type))

    def _relation(self, parent: Element, value: m.Relation) -> None:
        for column in value.columns:
            self._variable(parent, column.name, column.type, "column")
        for row in value.rows:
            self._all(_add(parent, "row"), row)

    def _function_parts(self, parent: Element, value: m.Function) -> None:
        for parameter in value.parameters:
            self._variable(parent, parameter.name, parameter.type, "formalParameter")
        if value.body is not None:
            self._boxed(parent, value.body)

    def _invocation(self, parent: Element, value: m.Invocation) -> None:
        self._boxed(parent, value.function)
        for binding in value.bindings:
            element = _add(parent, "binding")
            self._variable(element, binding.name, binding.type, "parameter")
            self._boxed(element, binding.value)

    def _table(self, parent: Element, table: m.Table, kind: Mapping[str, str]) -> None:
        more = {"aggregation": str(table.aggregator)} if table.aggregator else {}
        element = _add(parent, "decisionTable", hitPolicy=str(table.hit_policy), **more, **kind)
        for clause in table.inputs:
            column = _add(element, "input")
            if clause.name:
                column.set(_OWN_NAME, clause.name)
            self._texts(column, clause)
            _add(_add(column, "inputExpression", **self._typed(clause.type)), "text").text = clause.expression.text
            if clause.allowed:
                _text_in(column, "inputValues", clause.allowed)
        for output in table.outputs:
            self._output(element, output)
        for name in table.annotations:
            _add(element, "annotation", name=name)
        for rule in table.rules:
            self._rule(element, rule)

    def _output(self, parent: Element, clause: m.OutputClause) -> None:
        element = _add(parent, "output", **({"name": clause.name} if clause.name else {}), **self._typed(clause.type))
        self._texts(element, clause)
        if clause.allowed:
            _text_in(element, "outputValues", clause.allowed)
        if clause.default is not None:
            _text_in(element, "defaultOutputEntry", clause.default.text)

    def _rule(self, parent: Element, rule: m.TableRule) -> None:
        element = _add(parent, "rule")
        if rule.name:
            element.set(_OWN_NAME, rule.name)
        self._texts(element, rule)
        for cell in rule.when:
            _text_in(element, "inputEntry", cell.text)
        for cell in rule.then:
            _text_in(element, "outputEntry", cell.text)
        for note in rule.annotations:
            _text_in(element, "annotationEntry", note)


def _q(tag: str) -> str:
    return f"{{{NAMESPACE}}}{tag}"


def _add(parent: Element, tag: str, **attributes: str) -> Element:
    element = etree.SubElement(parent, _q(tag))
    for name, value in attributes.items():
        element.set(name, value)
    return element


def _own(tag: str, text: str, **attributes: str) -> Element:
    """One of our extension elements."""
    element = etree.Element(f"{{{OWN_NAMESPACE}}}{tag}", attributes)
    element.text = text
    return element


def _text_in(parent: Element, tag: str, text: str) -> None:
    _add(_add(parent, tag), "text").text = text


def _with_type(value: m.Boxed, kind: str) -> m.Boxed:
    from dataclasses import replace

    return replace(value, type=kind) if kind else value
