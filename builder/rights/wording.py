"""The row condition of a permission in words: "records where the owner is they themselves"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.messages import messages
from engines.feel import nodes as n
from engines.feel.printer import to_feel
from engines.form import CompiledForm, CompiledPermission

Forms = Callable[[str], CompiledForm | None]


def rows_in_words(form: CompiledForm, entry: CompiledPermission, forms: Forms, locale: str) -> str:
    """Which records an entry is about; what has no words of its own is quoted as FEEL."""
    words = _Words(form, forms, locale)
    if entry.share and entry.rows is None:
        return words.say(f"rights.only_shared_{entry.share}")
    parts = [words.say(f"rights.shared_{entry.share}")] if entry.share else []
    if entry.rows is not None:
        parts.append(words.clause(entry.rows.tree))
    if not parts:
        return words.say("rights.all")
    return words.say("rights.where", clause=words.say("rights.and").join(parts))


@dataclass(frozen=True, slots=True)
class _Words:
    form: CompiledForm
    forms: Forms
    locale: str

    def say(self, code: str, **params: Any) -> str:
        return messages().text(code, self.locale, params)

    def clause(self, node: n.Node) -> str:
        """A condition as a clause."""
        match node:
            case n.Group():
                return self.clause(node.inner)
            case n.And():
                return self.say("rights.and").join(self._inner(term) for term in node.terms)
            case n.Or():
                return self.say("rights.or").join(self._inner(term) for term in node.terms)
            case n.Comparison():
                return self._comparison(node)
            case n.Call(function=n.Name(name="list contains"), arguments=(where, what)):
                return self._membership(where, what)
            case n.Call(function=n.Name(name="not"), arguments=(inner,)):
                return self.say("rights.not", clause=self.clause(inner))
            case n.Name():
                return self.say("rights.true", field=self._label(node) or node.name)
        return self._quoted(node)

    def _inner(self, node: n.Node) -> str:
        text = self.clause(node)
        bare = node.inner if isinstance(node, n.Group) else node
        return self.say("rights.group", clause=text) if isinstance(bare, n.And | n.Or) else text

    def _comparison(self, node: n.Comparison) -> str:
        field, value = self._label(node.left), self._value(node.left, node.right)
        if not field or not value:
            return self._quoted(node)
        return self.say(f"rights.compare.{_OPERATORS[node.operator]}", field=field, value=value)

    def _membership(self, where: n.Node, what: n.Node) -> str:
        match where, what:
            case n.Name(name="my_departments"), _ if self._label(what):
                return self.say("rights.in_departments", field=self._label(what))
            case n.Name(name="my_roles"), n.Literal():
                return self.say("rights.has_role", role=what.value)
            case _, n.Name(name="me") if self._label(where):
                return self.say("rights.names_me", field=self._label(where))
        return self._quoted(n.Call(n.Span(0, 0), n.Name(n.Span(0, 0), "list contains"), (where, what), ()))

    def _quoted(self, node: n.Node) -> str:
        return self.say("rights.feel", text=to_feel(node))

    def _label(self, node: n.Node) -> str:
        """What a field, or a path through references, is called; empty for anything else."""
        path = _path(node)
        found: list[str] = []
        form: CompiledForm | None = self.form
        for name in path:
            field = form.fields.get(name) if form else None
            if field is not None:
                found.append(field.definition.label.get(self.locale) or name)
                form = self.forms(field.target) if field.target else None
            elif name in _SYSTEM and form is not None:
                found.append(self.say(f"rights.field.{name}"))
                form = None
            elif name not in ("id", "name"):
                return ""
        return " › ".join(found)

    def _value(self, left: n.Node, node: n.Node) -> str:
        match node:
            case n.Name(name="me"):
                return self.say("rights.me")
            case n.Name(name="my_department"):
                return self.say("rights.my_department")
            case n.Literal(value=None):
                return self.say("rights.nothing")
            case n.Literal(value=bool()):
                return self.say("rights.yes" if node.value else "rights.no")
            case n.Literal(value=str()):
                return self._option(_path(left), node.value)
            case n.Literal():
                return node.text
        label = self._label(node)
        return label or (to_feel(node) if isinstance(node, n.Path | n.Call | n.Negation) else "")

    def _option(self, path: tuple[str, ...], name: str) -> str:
        form: CompiledForm | None = self.form
        for step in path[:-1]:
            field = form.fields.get(step) if form else None
            form = self.forms(field.target) if field and field.target else None
        field = form.fields.get(path[-1]) if form and path else None
        options = field.definition.options if field else ()
        label = next((o.label.get(self.locale) for o in options if o.name == name), "")
        return label or f"“{name}”"


_SYSTEM = ("owner", "department", "created_by", "updated_by", "created_at", "updated_at")
_OPERATORS: Mapping[str, str] = {
    "=": "is",
    "!=": "is_not",
    "<": "below",
    "<=": "at_most",
    ">": "above",
    ">=": "at_least",
}


def _path(node: n.Node) -> tuple[str, ...]:
    match node:
        case n.Name():
            return (node.name,)
        case n.Path():
            start = _path(node.source)
            return (*start, node.name) if start else ()
    return ()
