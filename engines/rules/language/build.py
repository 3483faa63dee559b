"""The parser's tree → our tree, with comments handed to the statements they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from lark import Token, Tree

from engines.core import Diagnostic, Place
from engines.rules.language import tree as t
from engines.rules.language.comments import Comments
from engines.rules.language.scanner import Comment

_SCHEDULE: Final = {
    "EVERY_HOUR": "hour",
    "EVERY_DAY": "day",
    "EVERY_WEEK": "week",
    "EVERY_MONTH": "month",
    "EVERY_QUARTER": "quarter",
    "EVERY_HALF_YEAR": "half_year",
    "EVERY_YEAR": "year",
    "CRON": "cron",
}
_REPEAT: Final = {"EVERY_YEAR": "yearly", "EVERY_LUNAR_YEAR": "lunar"}
_BLOCKS: Final = frozenset({"block", "otherwise"})

Parsed: TypeAlias = Tree[Token]


class Builder:
    """Builds the tree of one file; collects problems that the grammar cannot see.

    Codes: ``rules.repeated_clause``, ``rules.expected_field``, ``rules.expected_form``.
    """

    def __init__(self, file: str, comments: Sequence[Comment], tokens: Sequence[Token]) -> None:
        self._file = file
        self._comments = Comments(comments, tokens)
        self.problems: list[Diagnostic] = []

    def file(self, rules: Sequence[Parsed], language: str) -> t.RuleFile:
        """The whole file."""
        built = tuple(self._rule(rule) for rule in rules)
        return t.RuleFile(rules=built, closing=self._comments.rest(), language=language)

    # Rules

    def _rule(self, node: Parsed) -> t.Rule:
        parts = {child.data: child for child in _trees(node)}
        properties = self._clauses([c for c in _trees(node) if c.data in _PROPERTIES])
        then, otherwise = self._blocks(node)
        header = [c for c in node.children if isinstance(c, Token) or c.data in {"label", *_PROPERTIES}]
        condition = parts.get("condition")
        above_condition = self._comments.of(condition) if condition else ((), "")
        triggers = tuple(self._trigger(c) for c in _trees(node) if c.data in _TRIGGERS)
        above, beside = self._comments.of_parts(header)
        return t.Rule(
            name=_name(_tokens(node, "NAME")[0]),
            label=str(parts["label"].children[0]) if "label" in parts else "",
            triggers=triggers,
            condition=self._expr(condition.children[1]) if condition else None,
            above_condition=_lines(above_condition),
            then=then,
            otherwise=otherwise,
            place=self._place(node),
            above=above,
            beside=beside,
            **properties,
        )

    def _blocks(self, node: Parsed) -> tuple[t.Block, t.Block | None]:
        """The main block of a statement and its "otherwise", each with the comments before the word that ends it."""
        children = list(node.children)
        at = next(i for i, c in enumerate(children) if isinstance(c, Tree) and c.data == "block")
        main, following = children[at], children[at + 1]
        opener = children[at - 1]
        assert isinstance(main, Tree)  # noqa: S101
        if isinstance(following, Tree):
            keyword, second = following.children
            assert isinstance(second, Tree) and isinstance(keyword, Token)  # noqa: S101, PT018
            return self._block(main, opener, keyword), self._block(second, keyword, children[at + 2])
        return self._block(main, opener, following), None

    def _block(self, node: Parsed, opener: Any, closer: Any) -> t.Block:
        extra = (*self._comments.above(opener), *self._comments.beside(opener))
        actions = [self._action(child) for child in _trees(node)]
        closing = self._comments.above(closer)
        if isinstance(closer, Token) and closer.type == "END":
            closing = (*closing, *self._comments.beside(closer))
        if extra and actions:
            actions[0] = _with_above(actions[0], extra)
        elif extra:
            closing = (*extra, *closing)
        return t.Block(actions=tuple(actions), closing=closing)

    # Triggers

    def _trigger(self, node: Parsed) -> t.Trigger:
        method = getattr(self, "_" + node.data)
        above, beside = self._comments.of(node)
        built: t.Trigger = method(node, {"place": self._place(node), "above": above, "beside": beside})
        return built

    def _on_event(self, node: Parsed, base: dict[str, Any]) -> t.Trigger:
        happening, *rest = _trees(node)
        if rest:
            base["delay"] = self._delay(rest[0])
        names = _tokens(happening, "NAME")
        kind, _, what = happening.data.partition("_")
        if kind in ("process", "task") and what in ("started", "completed", "cancelled", "created", "claimed"):
            outcome = self._optional(happening, "outcome")
            if kind == "task":
                return t.TaskEvent(task=_name(names[0]), what=what, outcome=outcome, **base)
            return t.ProcessEvent(process=_name(names[0]), what=what, **base)
        if kind in ("message", "signal"):
            return t.Arrival(what=kind, name=_name(names[0]), **base)
        if kind == "record":
            return t.RecordEvent(form=self._form(names[0]), what=what, **base)
        return self._field_event(happening, names[0], base)

    def _field_event(self, node: Parsed, name: Token, base: dict[str, Any]) -> t.Trigger:
        form, field = self._form_field(name)
        if node.data == "field_changed":
            before, after = self._optional(node, "from_"), self._optional(node, "to_")
            return t.FieldChanged(form=form, field=field, before=before, after=after, **base)
        limit = self._expr(_tokens(node, "EXPRESSION")[0])
        return t.FieldCrosses(form=form, field=field, how=str(node.data), limit=limit, **base)

    def _on_absence(self, node: Parsed, base: dict[str, Any]) -> t.Trigger:
        form, relation = _tokens(node, "NAME")
        dated = next((c for c in _trees(node) if c.data == "dated"), None)
        return t.Absence(
            form=self._form(form),
            relation=_name(relation),
            where=self._optional(node, "where"),
            dated_by=_name(_tokens(dated, "NAME")[0]) if dated else "",
            lasting=self._duration(_child(node, "duration")),
            **base,
        )

    def _on_date(self, node: Parsed, base: dict[str, Any]) -> t.Trigger:
        form, field = self._form_field(_tokens(node, "NAME")[0])
        distance = next(c for c in _trees(node) if c.data in ("before", "past", "today"))
        lasting = self._duration(_child(distance, "duration")) if distance.data != "today" else None
        repeat = next((c for c in _trees(node) if c.data == "repeat"), None)
        return t.DateReached(
            form=form,
            field=field,
            side=str(distance.data),
            distance=lasting,
            repeat=_REPEAT[_first(repeat).type] if repeat else "once",
            at=self._at(node),
            where=self._optional(node, "where"),
            **base,
        )

    def _on_schedule(self, node: Parsed, base: dict[str, Any]) -> t.Trigger:
        rhythm = _child(node, "rhythm")
        cron = _unquote(str(rhythm.children[1])) if len(rhythm.children) > 1 else ""
        clauses = self._clauses([c for c in _trees(node) if c.data != "rhythm"])
        days = [clauses.pop(k) for k in ("working_days_only", "next_working_day") if k in clauses]
        return t.Schedule(
            rhythm=_SCHEDULE[_first(rhythm).type], cron=cron, working_days=days[0] if days else "any", **clauses, **base
        )

    def _delay(self, node: Parsed) -> t.Delay:
        clauses = self._clauses([c for c in _trees(node) if c.data == "calendar"])
        return t.Delay(
            duration=self._duration(_child(node, "duration")), unless=self._optional(node, "unless"), **clauses
        )

    def _duration(self, node: Parsed) -> t.Duration:
        amount, unit = node.children
        assert isinstance(unit, Tree)  # noqa: S101
        return t.Duration(amount=self._expr(amount), unit=_first(unit).type.lower())

    def _at(self, node: Parsed) -> str:
        at = next((c for c in _trees(node) if c.data == "at"), None)
        return str(at.children[1]) if at else ""

    # Actions

    def _action(self, node: Parsed) -> t.Action:
        above, beside = self._comments.of_parts([c for c in node.children if not _is_block(c)])
        base: dict[str, Any] = {"place": self._place(node), "above": above, "beside": beside}
        clauses = self._clauses([c for c in _trees(node) if c.data in _CLAUSES])
        name = [_name(token) for token in _tokens(node, "NAME")]
        expr = [self._expr(token) for token in _tokens(node, "EXPRESSION")]
        base |= clauses
        match node.data:
            case "set":
                return t.Set(assignments=self._assignments(_child(node, "assignments")), **base)
            case "create":
                base["assignments"] = base.pop("values", ())
                return t.Create(form=name[0], **base)
            case "update":
                return t.Update(record=expr[0], assignments=base.pop("values"), **base)
            case "delete":
                return t.Delete(record=expr[0], **base)
            case "add_tag" | "remove_tag":
                base["record"] = base.pop("target", None)
                return t.Tag(add=node.data == "add_tag", tag=expr[0], **base)
            case "add_to_pool" | "remove_from_pool":
                return t.Pool(add=node.data == "add_to_pool", pool=name[0], **base)
            case "assign":
                to = self._person(next(c for c in _trees(node) if c.data in _PEOPLE))
                return t.Assign(record=expr[0] if expr else None, to=to, **base)
            case "assign_task":
                return t.GiveTask(title=expr[0], people=self._people(node), **base)
            case "notify":
                return t.Notify(people=self._people(node), **base)
            case "ask":
                return t.Ask(people=self._people(node), answer=name[0], **base)
            case "start_process":
                return t.StartProcess(process=name[0], **base)
            case "send_message" | "send_signal":
                return t.Send(what=node.data.partition("_")[2], message=name[0], **base)
            case "decide":
                return t.Decide(decision=name[0], **base)
            case "recompute":
                return t.Recompute(model=name[0], **base)
            case "refuse":
                return t.Refuse(**base)
            case "confirm":
                return t.Confirm(**base)
            case "write_timeline":
                return t.WriteTimeline(saying=expr[0], **base)
            case "stop":
                return t.Stop(**base)
            case "choose":
                then, otherwise = self._blocks(node)
                return t.Choose(condition=expr[0], then=then, otherwise=otherwise, **base)
            case _:
                return self._for_each(node, name[0], base)

    def _for_each(self, node: Parsed, name: str, base: dict[str, Any]) -> t.ForEach:
        source = next(c for c in _trees(node) if c.data in ("from_list", "from_form"))
        do, _ = self._blocks(node)
        return t.ForEach(
            name=name,
            items=self._expr(source.children[1]) if source.data == "from_list" else None,
            form=_name(_first(source, 1)) if source.data == "from_form" else "",
            where=self._optional(node, "where"),
            do=do,
            **base,
        )

    def _people(self, node: Parsed) -> tuple[t.Person, ...]:
        return tuple(self._person(child) for child in _trees(_child(node, "people")))

    def _person(self, node: Parsed) -> t.Person:
        token = _first(node, 1)
        if node.data == "role":
            return t.Person(by="role", role=_name(token))
        return t.Person(by=str(node.data), value=self._expr(token))

    def _assignments(self, node: Parsed) -> tuple[t.Assignment, ...]:
        return tuple(t.Assignment(name=_name(_first(c)), value=self._expr(c.children[2])) for c in _trees(node))

    # Clauses

    def _clauses(self, nodes: Sequence[Parsed]) -> dict[str, Any]:
        """The clauses as keyword arguments; one that stands twice is reported."""
        values: dict[str, Any] = {}
        for node in nodes:
            key, value = self._clause(node)
            if key in values:
                self._report("rules.repeated_clause", _first(node), hint="keep one of them")
            values[key] = value
        return values

    def _clause(self, node: Parsed) -> tuple[str, Any]:
        rest = node.children[1:]
        match node.data:
            case "with_":
                return "values", self._assignments(_child(node, "assignments"))
            case "as_":
                return "name", _name(rest[0])
            case "on_":
                return "record", self._expr(rest[0])
            case "to_" | "from_":
                return "target", self._expr(rest[0])
            case "on_field":
                return "field", _name(rest[0])
            case "saying" | "level" | "due":
                return str(node.data), self._expr(rest[0])
            case "task_priority":
                return "priority", self._expr(rest[0])
            case "via" | "including":
                return str(node.data), tuple(_name(token) for token in _tokens(node, "NAME"))
            case "using_template":
                return "template", _name(rest[0])
            case "from_template":
                return "template", self._expr(rest[0])
            case "where":
                return "where", self._expr(rest[0])
            case "replying_with":
                return "reply", _name(rest[0])
            case "calendar":
                return "calendar", _name(rest[0])
            case "at":
                return "at", str(rest[0])
            case "in_zone":
                return "zone", _unquote(str(rest[0]))
            case "population":
                return "form", self._form(rest[0])
            case "on_day" | "priority":
                return str(node.data), int(rest[0])
            case "working_days_only":
                return str(node.data), "only"
            case "next_working_day":
                return str(node.data), "next"
            case "cool_down":
                return "cool_down", self._duration(_child(node, "duration"))
            case "valid_from" | "valid_until":
                return str(node.data), str(rest[0])
            case "owned_by" | "reason":
                return str(node.data), _unquote(str(rest[0]))
            case "every_time":
                return "becoming", False
            case _:
                return str(node.data), True

    def _optional(self, node: Parsed, part: str) -> t.Expr | None:
        found = next((c for c in _trees(node) if c.data == part), None)
        return self._expr(found.children[1]) if found else None

    # Names and places

    def _form(self, token: Any) -> str:
        name = _name(token)
        if "." in name:
            self._report("rules.expected_form", token, expected="the name of a form, without a dot")
        return name

    def _form_field(self, token: Token) -> tuple[str, str]:
        form, dot, field = _name(token).partition(".")
        if not dot or "." in field:
            self._report("rules.expected_field", token, expected="form.field, for example order.status")
        return form, field

    def _report(self, code: str, token: Token, *, expected: str = "", hint: str = "") -> None:
        place = _place(self._file, token)
        self.problems.append(Diagnostic(code=code, found=str(token), expected=expected, hint=hint).at(place))

    def _expr(self, token: Any) -> t.Expr:
        return t.Expr(str(token), _place(self._file, token))

    def _place(self, node: Parsed) -> Place:
        return _place(self._file, next(_leaves(node)))


_PROPERTIES: Final = frozenset(
    "priority becoming every_time cool_down valid_from valid_until owned_by reason stop_after switched_off".split()
)
_TRIGGERS: Final = frozenset("on_event on_absence on_date on_schedule".split())
_PEOPLE: Final = frozenset("role person manager_of department_head_of address".split())
_CLAUSES: Final = frozenset(
    "with_ as_ on_ to_ from_ on_field saying via using_template level due task_priority replying_with"
    " from_template including".split()
)


def _place(file: str, token: Token) -> Place:
    return Place(file=file, line=token.line or 0, column=token.column or 0, length=len(token.split("\n")[0]))


def _name(token: Any) -> str:
    return str(token).strip("`")


def _unquote(text: str) -> str:
    """The content of a quoted text; a context of languages stays as written."""
    if not text.startswith('"'):
        return text
    return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def _trees(node: Parsed) -> list[Parsed]:
    return [child for child in node.children if isinstance(child, Tree)]


def _tokens(node: Parsed, kind: str) -> list[Token]:
    return [child for child in node.children if isinstance(child, Token) and child.type == kind]


def _child(node: Parsed, data: str) -> Parsed:
    return next(child for child in _trees(node) if child.data == data)


def _first(node: Parsed, index: int = 0) -> Token:
    token = node.children[index]
    assert isinstance(token, Token)  # noqa: S101
    return token


def _leaves(node: Parsed | Token) -> Iterator[Token]:
    if isinstance(node, Token):
        yield node
        return
    for child in node.children:
        yield from _leaves(child)


def _is_block(child: Any) -> bool:
    """Parts whose comments belong to the statements inside: blocks, and the words that part and close them."""
    return child.data in _BLOCKS if isinstance(child, Tree) else child.type in ("OTHERWISE", "END")


def _lines(comments: tuple[tuple[str, ...], str]) -> tuple[str, ...]:
    above, beside = comments
    return (*above, *([beside] if beside else ()))


def _with_above(action: t.Action, lines: tuple[str, ...]) -> t.Action:
    from dataclasses import replace

    return replace(action, above=(*lines, *action.above))
