"""DMN 1.2–1.5 XML → our model (interchange format of DMN 1.5 §12 and its annex)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from lxml import etree

from engines.core import DefinitionSource, Diagnostic, LocalizedText
from engines.rules.decisions import model as m

_MAX_BYTES: Final = 20_000_000
_MAX_DEPTH: Final = 80
_FEEL: Final = re.compile(r"^(feel|FEEL)[:.]")
_BOXED: Final = frozenset(
    "literalExpression decisionTable context list relation functionDefinition invocation conditional filter for some "
    "every".split()
)
# What the standard has no place for: names of rows and columns, texts in several languages, examples.
OWN_NAMESPACE: Final = "urn:dougong:dmn:1"
_OWN_NAME: Final = f"{{{OWN_NAMESPACE}}}name"
Element = Any


class XmlModelError(Exception):
    """The text is no DMN model; ``diagnostic`` says why and where."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.render())


def read_xml(source: DefinitionSource, imported: Mapping[str, m.DecisionModel] | None = None) -> m.DecisionModel:
    """The decision model of a DMN file.

    ``imported``: the models it imports, by namespace; references into others are kept as written. Document types and
    external entities are refused. Raises ``XmlModelError`` (``rules.dmn_not_xml``, ``rules.dmn_no_definitions``).
    """
    root = _parse(source)
    if _depth(root) > _MAX_DEPTH:
        raise XmlModelError(
            Diagnostic(code="rules.too_deep", file=source.file, expected=f"at most {_MAX_DEPTH} levels")
        )
    return _Reader(source, imported or {}).model(root)


def namespace_of(source: DefinitionSource) -> str:
    """The namespace that a DMN file declares."""
    return str(_parse(source).get("namespace", ""))


def imports_of(source: DefinitionSource) -> list[str]:
    """The namespaces of the models that a DMN file imports."""
    return [str(e.get("namespace", "")) for e in _children(_parse(source), "import")]


def _depth(root: Element) -> int:
    """Levels of elements, counted without recursion."""
    levels, layer = 0, [root]
    while layer:
        levels += 1
        layer = [child for element in layer for child in element]
    return levels


def _parse(source: DefinitionSource) -> Element:
    data = source.text.encode("utf-8")
    if "<!DOCTYPE" in source.text:
        raise XmlModelError(Diagnostic(code="rules.dmn_doctype", file=source.file, line=1, column=1))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        if len(data) > _MAX_BYTES:
            raise XmlModelError(Diagnostic(code="rules.dmn_too_large", file=source.file))
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        found = Diagnostic(code="rules.dmn_not_xml", file=source.file, line=line, column=column, found=str(error.msg))
        raise XmlModelError(found) from error
    if _tag(root) != "definitions":
        raise XmlModelError(
            Diagnostic(code="rules.dmn_no_definitions", file=source.file, found=_tag(root), expected="definitions")
        )
    return root


class _Reader:
    def __init__(self, source: DefinitionSource, imported: Mapping[str, m.DecisionModel]) -> None:
        self._source = source
        self._imported = imported
        self._names: dict[str, str] = {}
        self._namespace = ""
        self._prefixes: dict[str, str] = {}

    def model(self, root: Element) -> m.DecisionModel:
        self._namespace = str(root.get("namespace", ""))
        self._names = {str(e.get("id")): _name(e) for e in root if isinstance(e.tag, str) and e.get("id")}
        imports = tuple(
            m.Import(name=str(e.get("name", "")), namespace=str(e.get("namespace", "")))
            for e in _children(root, "import")
            if "DMN" in str(e.get("importType", "DMN"))
        )
        self._prefixes = {item.namespace: item.name for item in imports}
        return m.DecisionModel(
            name=_name(root),
            label=_label(root),
            description=_description(root),
            namespace=self._namespace,
            imports=imports,
            types=tuple(self._type(e) for e in _children(root, "itemDefinition")),
            inputs=tuple(self._input(e) for e in _children(root, "inputData")),
            decisions=tuple(self._decision(e) for e in _children(root, "decision")),
            knowledge=tuple(self._knowledge(e) for e in _children(root, "businessKnowledgeModel")),
            services=tuple(self._service(e) for e in _children(root, "decisionService")),
            sources=tuple(self._source_of(e) for e in _children(root, "knowledgeSource")),
            tests=tuple(json.loads(e.text or "{}") for e in _own(root, "example")),
            source=self._source,
        )

    # Graph

    def _input(self, element: Element) -> m.Input:
        return m.Input(**_described(element), type=_variable_type(element))

    def _decision(self, element: Element) -> m.Decision:
        return m.Decision(
            **_described(element),
            question=_localized(element, "question", _text(element, "question")),
            answers=_localized(element, "allowedAnswers", _text(element, "allowedAnswers")),
            requires=self._requires(element),
            authorities=self._authorities(element),
            **_typed(_variable_type(element), self._boxed_child(element)),
        )

    def _knowledge(self, element: Element) -> m.Knowledge:
        logic = next(_children(element, "encapsulatedLogic"), None)
        function = self._function(logic) if logic is not None else m.Function(parameters=(), body=None)
        return m.Knowledge(
            **_described(element),
            requires=self._requires(element),
            authorities=self._authorities(element),
            function=function,
            type=_variable_type(element),
        )

    def _source_of(self, element: Element) -> m.KnowledgeSource:
        owner = next(_children(element, "owner"), None)
        return m.KnowledgeSource(
            **_described(element),
            kind=_text(element, "type"),
            owner="" if owner is None else self._target(owner),
            location=str(element.get("locationURI", "")),
            authorities=self._authorities(element),
        )

    def _service(self, element: Element) -> m.Service:
        return m.Service(
            **_described(element),
            outputs=self._references(element, "outputDecision"),
            encapsulated=self._references(element, "encapsulatedDecision"),
            input_decisions=self._references(element, "inputDecision"),
            inputs=self._references(element, "inputData"),
            type=_variable_type(element),
        )

    def _requires(self, element: Element) -> tuple[str, ...]:
        wanted = ("requiredInput", "requiredDecision", "requiredKnowledge")
        groups = [group for group in element if _tag(group) in ("informationRequirement", "knowledgeRequirement")]
        return tuple(self._target(r) for group in groups for name in wanted for r in _children(group, name))

    def _authorities(self, element: Element) -> tuple[str, ...]:
        wanted = ("requiredAuthority", "requiredInput", "requiredDecision")
        groups = _children(element, "authorityRequirement")
        return tuple(self._target(r) for group in groups for name in wanted for r in _children(group, name))

    def _references(self, element: Element, tag: str) -> tuple[str, ...]:
        return tuple(self._target(child) for child in _children(element, tag))

    def _target(self, element: Element) -> str:
        namespace, _, identity = str(element.get("href", "")).partition("#")
        if namespace in ("", self._namespace):
            return self._names.get(identity, identity)
        prefix = self._prefixes.get(namespace, namespace)
        name = _name_in(self._imported.get(namespace), identity)
        return f"{prefix}.{name}" if prefix else name

    # Types

    def _type(self, element: Element) -> m.TypeDefinition:
        function = next(_children(element, "functionItem"), None)
        return m.TypeDefinition(
            name=_name(element),
            description=_description(element),
            type=_type_ref(_text(element, "typeRef")),
            is_list=element.get("isCollection") in ("true", "1"),
            allowed=_nested_text(element, "allowedValues"),
            constraint=_nested_text(element, "typeConstraint"),
            fields=tuple(self._type(child) for child in _children(element, "itemComponent")),
            parameters=None if function is None else tuple(_parameter(p) for p in _children(function, "parameters")),
            result="" if function is None else _type_ref(str(function.get("outputTypeRef", ""))),
        )

    # Boxed expressions

    def _boxed_child(self, element: Element) -> m.Boxed | None:
        found = next((child for child in element if _tag(child) in _BOXED), None)
        return None if found is None else self._boxed(found)

    def _part(self, element: Element, tag: str) -> m.Boxed:
        part = next(_children(element, tag), None)
        return _NULL if part is None else self._boxed_child(part) or _NULL

    def _boxed(self, element: Element) -> m.Boxed:
        at, kind = str(element.get("id", "")), _type_ref(str(element.get("typeRef", "")))
        match _tag(element):
            case "literalExpression":
                return m.Literal(text=_text(element, "text"), at=at, type=kind)
            case "decisionTable":
                return self._table(element, at, kind)
            case "context":
                return m.Context(
                    entries=tuple(self._entry(e) for e in _children(element, "contextEntry")), at=at, type=kind
                )
            case "list":
                return m.ListOf(items=tuple(self._boxed(e) for e in element if _tag(e) in _BOXED), at=at, type=kind)
            case "relation":
                return self._relation(element, at, kind)
            case "functionDefinition":
                return self._function(element)
            case "invocation":
                return self._invocation(element, at, kind)
            case "conditional":
                condition, then, otherwise = (self._part(element, tag) for tag in ("if", "then", "else"))
                return m.Conditional(condition=condition, then=then, otherwise=otherwise, at=at, type=kind)
            case "filter":
                return m.Filter(items=self._part(element, "in"), match=self._part(element, "match"), at=at, type=kind)
            case _:
                return self._iteration(element, at, kind)

    def _entry(self, element: Element) -> m.Entry:
        variable = next(_children(element, "variable"), None)
        value = self._boxed_child(element) or _NULL
        if variable is None:
            return m.Entry(**_typed("", value))
        return m.Entry(name=_name(variable), **_typed(_type_ref(str(variable.get("typeRef", ""))), value))

    def _relation(self, element: Element, at: str, kind: str) -> m.Relation:
        rows = tuple(tuple(self._boxed(e) for e in row if _tag(e) in _BOXED) for row in _children(element, "row"))
        columns = tuple(_parameter(column) for column in _children(element, "column"))
        return m.Relation(columns=columns, rows=rows, at=at, type=kind)

    def _function(self, element: Element) -> m.Function:
        return m.Function(
            parameters=tuple(_parameter(p) for p in _children(element, "formalParameter")),
            body=self._boxed_child(element),
            kind=str(element.get("kind", "FEEL")),
            at=str(element.get("id", "")),
            type=_type_ref(str(element.get("typeRef", ""))),
        )

    def _invocation(self, element: Element, at: str, kind: str) -> m.Invocation:
        bindings = tuple(
            m.Entry(
                name=_name(parameter),
                **_typed(_type_ref(str(parameter.get("typeRef", ""))), self._boxed_child(b) or _NULL),
            )
            for b in _children(element, "binding")
            for parameter in _children(b, "parameter")
        )
        return m.Invocation(function=self._boxed_child(element) or _NULL, bindings=bindings, at=at, type=kind)

    def _iteration(self, element: Element, at: str, kind: str) -> m.Iteration:
        tag = _tag(element)
        return m.Iteration(
            kind=tag,
            variable=str(element.get("iteratorVariable", "")),
            items=self._part(element, "in"),
            body=self._part(element, "return" if tag == "for" else "satisfies"),
            at=at,
            type=kind,
        )

    def _table(self, element: Element, at: str, kind: str) -> m.Table:
        return m.Table(
            hit_policy=m.HitPolicy(str(element.get("hitPolicy", "UNIQUE"))),
            aggregator=m.Aggregator(str(element.get("aggregation", ""))),
            inputs=tuple(_input_clause(e) for e in _children(element, "input")),
            outputs=tuple(_output_clause(e) for e in _children(element, "output")),
            rules=tuple(_rule(e) for e in _children(element, "rule")),
            annotations=tuple(str(e.get("name", "")) for e in _children(element, "annotation")),
            at=at,
            type=kind,
        )


def _typed(kind: str, value: m.Boxed | None) -> dict[str, Any]:
    """A value and the type of what holds it; a type that only the expression states is taken for the holder's."""
    if value is None or isinstance(value, m.Function):
        return {"type": kind, "value": value}
    return {"type": kind or value.type, "value": replace(value, type="")}


_NULL: Final = m.Literal(text="")


def _input_clause(element: Element) -> m.InputClause:
    expression = next(_children(element, "inputExpression"), None)
    text = "" if expression is None else _text(expression, "text")
    return m.InputClause(
        name=str(element.get(_OWN_NAME, "")),
        label=_label(element),
        expression=m.Literal(text=text, at=str(element.get("id", ""))),
        type="" if expression is None else _type_ref(str(expression.get("typeRef", ""))),
        allowed=_nested_text(element, "inputValues"),
    )


def _output_clause(element: Element) -> m.OutputClause:
    default = next(_children(element, "defaultOutputEntry"), None)
    return m.OutputClause(
        name=str(element.get("name", "")),
        label=_label(element),
        type=_type_ref(str(element.get("typeRef", ""))),
        allowed=_nested_text(element, "outputValues"),
        default=None if default is None else m.Literal(text=_text(default, "text"), at=str(default.get("id", ""))),
    )


def _rule(element: Element) -> m.TableRule:
    return m.TableRule(
        name=str(element.get(_OWN_NAME, element.get("id", ""))),
        label=_label(element),
        when=tuple(_cell(e) for e in _children(element, "inputEntry")),
        then=tuple(_cell(e) for e in _children(element, "outputEntry")),
        annotations=tuple(_text(e, "text") for e in _children(element, "annotationEntry")),
    )


def _cell(element: Element) -> m.Literal:
    return m.Literal(text=_text(element, "text"), at=str(element.get("id", "")))


def _parameter(element: Element) -> m.Parameter:
    return m.Parameter(name=_name(element), type=_type_ref(str(element.get("typeRef", ""))))


def _variable_type(element: Element) -> str:
    variable = next(_children(element, "variable"), None)
    return "" if variable is None else _type_ref(str(variable.get("typeRef", "")))


def _type_ref(text: str) -> str:
    return _FEEL.sub("", text.strip())


def _name(element: Element) -> str:
    return re.sub(r"\s+", " ", str(element.get("name", ""))).strip()


def _described(element: Element) -> dict[str, Any]:
    """What every element of the graph has."""
    texts = {"label": _label(element), "description": _description(element)}
    return {"name": _name(element), **texts, "id": str(element.get("id", ""))}


def _label(element: Element) -> LocalizedText:
    return _localized(element, "label", str(element.get("label", "")))


def _description(element: Element) -> LocalizedText:
    return _localized(element, "description", _text(element, "description"))


def _localized(element: Element, of: str, plain: str) -> LocalizedText:
    """A text in all languages in which our extension elements have it, else as the standard's element says it."""
    texts = {str(e.get("lang", "")): str(e.text or "") for e in _own(element, "text") if e.get("of") == of}
    return LocalizedText(texts or ({"": plain} if plain else {}))


def _own(element: Element, tag: str) -> Iterator[Element]:
    """Our extension elements of an element."""
    for group in _children(element, "extensionElements"):
        yield from (child for child in group if child.tag == f"{{{OWN_NAMESPACE}}}{tag}")


def _tag(element: Element) -> str:
    return str(etree.QName(element).localname) if isinstance(element.tag, str) else ""


def _children(element: Element, tag: str) -> Iterator[Element]:
    return (child for child in element if _tag(child) == tag)


def _text(element: Element, tag: str) -> str:
    child = next(_children(element, tag), None)
    return "" if child is None or child.text is None else str(child.text)


def _nested_text(element: Element, tag: str) -> str:
    child = next(_children(element, tag), None)
    return "" if child is None else _text(child, "text")


def _name_in(model: m.DecisionModel | None, identity: str) -> str:
    if model is None:
        return identity
    elements: Sequence[Any] = (*model.inputs, *model.decisions, *model.knowledge, *model.services)
    return next((str(e.name) for e in elements if e.id == identity), identity)
