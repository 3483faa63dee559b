"""Actions of the tree → steps of a program, checked against the app's definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from engines import feel
from engines.core import DefinitionError, Place
from engines.rules import actions as a
from engines.rules.language import tree as t
from engines.rules.program import (
    Frame,
    Step,
    bind,
    choose,
    each,
    items_of,
    overlay,
    record_getter,
    records_of,
    sequence,
    stop,
    yielding,
)
from engines.rules.scoping import Scoping, form_of

_ANY_CONTEXT: Final = feel.ContextType({}, open=True)
_Made = tuple[Step, Mapping[str, feel.FeelType]]


class ActionCompiler:
    """Compiles the actions of one rule."""

    def __init__(self, scoping: Scoping, rule: str, form: str) -> None:
        self._scoping = scoping
        self._rule = rule
        self._form = form
        # Place of the action being compiled, for parts that have none of their own.
        self._place = Place()
        # Everything that the actions read.
        self.reads: set[tuple[str, ...]] = set()

    def block(self, block: t.Block, scope: feel.Scope) -> Step:
        """All actions in order; names given by one are known to those after it."""
        steps: list[Step] = []
        for action in block.actions:
            step, names = self._action(action, scope)
            steps.append(step)
            scope = scope.extended(names) if names else scope
        return sequence(steps)

    def _action(self, action: t.Action, scope: feel.Scope) -> _Made:
        self._place = action.place
        made: Step | _Made = getattr(self, "_" + action.KIND)(action, scope)
        return made if isinstance(made, tuple) else (made, {})

    # Records

    def _set(self, action: t.Set, scope: feel.Scope) -> Step:
        """Fields of the record itself, and ``reference.field`` of those it refers to, one action per record."""
        groups: dict[str, list[t.Assignment]] = {}
        for item in action.assignments:
            path, _, name = item.name.rpartition(".")
            groups.setdefault(path, []).append(t.Assignment(name=name, value=item.value))
        steps = []
        for path, items in groups.items():
            record = self._record(t.Expr(path, action.place) if path not in ("", "record") else None, scope, action)
            values = self._values(items, scope, self._target_form(path, scope), action)
            steps.append(yielding(_setting(record, values), overlay))
        return sequence(steps)

    def _target_form(self, path: str, scope: feel.Scope) -> str:
        if path in ("", "record"):
            return self._form
        try:
            return form_of(feel.compile(path, scope, strict=False).type)
        except DefinitionError:
            return ""

    def _update(self, action: t.Update, scope: feel.Scope) -> Step:
        expression = self._expression(action.record, scope)
        record = self._record(action.record, scope, action)
        values = self._values(action.assignments, scope, form_of(expression.type), action)
        return yielding(_setting(record, values), overlay)

    def _create(self, action: t.Create, scope: feel.Scope) -> _Made:
        kind = self._scoping.record_type(action.form, action.place)
        values = self._values(action.assignments, scope, action.form, action)
        template = self._record(action.template, scope, action) if action.template else None
        if action.template is not None:
            self._check_template(action, scope)

        def create(frame: Frame) -> a.Action:
            return a.CreateRecord(
                form=action.form,
                values=values(frame),
                template=template(frame) if template else None,
                including=action.including,
            )

        return yielding(create, _bound(action.name)), _named(action.name, kind)

    def _check_template(self, action: t.Create, scope: feel.Scope) -> None:
        """The relations to be included must be those of both forms."""
        source = form_of(self._expression(action.template, scope).type) if action.template else ""
        for relation in action.including if source else ():
            for form in (source, action.form):
                kind = self._scoping.field(form, relation, action.place)
                if not kind.is_any and not isinstance(kind, feel.ListType):
                    self._scoping.report("rules.not_a_relation", action.place, found=relation, expected=f"of {form}")

    def _delete(self, action: t.Delete, scope: feel.Scope) -> Step:
        record = self._record(action.record, scope, action)
        return yielding(lambda f: a.DeleteRecord(record=record(f)))

    def _tag(self, action: t.Tag, scope: feel.Scope) -> Step:
        record, tag = self._record(action.record, scope, action), self._expression(action.tag, scope)
        make = a.Tag if action.add else a.Untag

        def tags(frame: Frame) -> a.Action | None:
            value = frame.value(tag)
            found = tuple(value) if isinstance(value, list) else () if value is None else (str(value),)
            return make(record=record(frame), tags=found) if found else None

        return yielding(tags)

    def _pool(self, action: t.Pool, scope: feel.Scope) -> Step:
        record = self._record(action.record, scope, action)
        make = a.AddToPool if action.add else a.RemoveFromPool
        return yielding(lambda f: make(record=record(f), pool=action.pool))

    def _assign(self, action: t.Assign, scope: feel.Scope) -> Step:
        record, person = self._record(action.record, scope, action), self._people((action.to,), scope)

        def assign(frame: Frame) -> a.Action | None:
            found = person(frame)
            return a.Assign(record=record(frame), to=found[0]) if found else None

        return yielding(assign)

    # People

    def _task_for(self, action: t.GiveTask, scope: feel.Scope) -> _Made:
        title, people = self._expression(action.title, scope), self._people(action.people, scope)
        due, priority, saying = (self._maybe(e, scope) for e in (action.due, action.priority, action.saying))
        record, values = self._about(action.record, scope, action), self._values(action.values, scope)

        def task(frame: Frame) -> a.Action:
            return a.CreateTask(
                title=frame.value(title) or "",
                recipients=people(frame),
                due=due(frame),
                priority=priority(frame) or "",
                record=record(frame),
                text=saying(frame) or "",
                values=values(frame),
                name=self._rule,
            )

        return yielding(task, _bound(action.name)), _named(action.name, _ANY_CONTEXT)

    def _notify(self, action: t.Notify, scope: feel.Scope) -> Step:
        self._template(action.template, action)
        self._channels(action)
        people, values = self._people(action.people, scope), self._values(action.values, scope, keep_records=True)
        saying, level = self._maybe(action.saying, scope), self._maybe(action.level, scope)
        record = self._about(action.record, scope, action)

        def notify(frame: Frame) -> a.Action | None:
            found = people(frame)
            if not found:
                return None
            return a.Notify(
                recipients=found,
                channels=action.via,
                template=action.template,
                text=saying(frame) or "",
                level=level(frame) or "",
                record=record(frame),
                values=values(frame),
            )

        return yielding(notify)

    def _ask(self, action: t.Ask, scope: feel.Scope) -> Step:
        self._template(action.template, action)
        self._channels(action)
        self._scoping.offered("answer", action.answer, action.place)
        people, values = self._people(action.people, scope), self._values(action.values, scope, keep_records=True)
        saying, record = self._maybe(action.saying, scope), self._about(action.record, scope, action)

        def ask(frame: Frame) -> a.Action | None:
            found = people(frame)
            if not found:
                return None
            return a.AskAnswer(
                recipients=found,
                answer=action.answer,
                channels=action.via,
                template=action.template,
                text=saying(frame) or "",
                record=record(frame),
                reply_message=action.reply,
                values=values(frame),
            )

        return yielding(ask)

    def _template(self, name: str, action: t.Action) -> None:
        if name:
            self._scoping.known("template", name, action.place)

    def _channels(self, action: t.Notify | t.Ask) -> None:
        for channel in action.via:
            self._scoping.offered("channel", channel, action.place)
            if channel == "webhook":
                self._scoping.known("setting", "webhook_url", action.place)

    def _people(self, people: Sequence[t.Person], scope: feel.Scope) -> Callable[[Frame], tuple[a.Recipient, ...]]:
        getters = [self._person(person, scope) for person in people]
        return lambda frame: tuple(one for getter in getters for one in getter(frame))

    def _person(self, person: t.Person, scope: feel.Scope) -> Callable[[Frame], Sequence[a.Recipient]]:
        if person.value is None:
            self._scoping.known("role", person.role, self._place)
            recipient = a.Recipient(by="role", role=person.role)
            return lambda frame: (recipient,)
        expression = self._expression(person.value, scope)

        def find(frame: Frame) -> Sequence[a.Recipient]:
            value = frame.feel_value(expression)
            found = value if isinstance(value, list) else [value]
            return [one for item in found if (one := _recipient(person.by, item)) is not None]

        return find

    # Processes, decisions, scores

    def _start_process(self, action: t.StartProcess, scope: feel.Scope) -> _Made:
        self._scoping.known("process", action.process, action.place)
        record, values = self._about(action.record, scope, action), self._values(action.values, scope)
        step = yielding(
            lambda f: a.StartProcess(process=action.process, record=record(f), variables=values(f)),
            _bound(action.name),
        )
        return step, _named(action.name, _ANY_CONTEXT)

    def _send(self, action: t.Send, scope: feel.Scope) -> Step:
        values = self._values(action.values, scope)
        if action.what == "signal":
            return yielding(lambda f: a.SendSignal(signal=action.message, values=values(f)))
        record = self._about(action.record, scope, action)
        return yielding(lambda f: a.SendMessage(message=action.message, record=record(f), values=values(f)))

    def _decide(self, action: t.Decide, scope: feel.Scope) -> _Made:
        self._scoping.known("decision", action.decision, action.place)
        values = self._values(action.values, scope, keep_records=True)
        step = yielding(lambda f: a.Decide(decision=action.decision, inputs=values(f)), _bound(action.name))
        return step, _named(action.name, feel.ANY)

    def _recompute(self, action: t.Recompute, scope: feel.Scope) -> Step:
        self._scoping.known("scores", action.model, action.place)
        record = self._record(action.record, scope, action)
        return yielding(lambda f: a.Score(model=action.model, record=record(f)), overlay)

    # The command itself

    def _refuse(self, action: t.Refuse, scope: feel.Scope) -> Step:
        saying = self._expression(action.saying, scope)
        self._known_field(action.field, action)
        return yielding(lambda f: a.Refuse(text=f.value(saying) or "", field=action.field))

    def _confirm(self, action: t.Confirm, scope: feel.Scope) -> Step:
        saying = self._expression(action.saying, scope)
        self._known_field(action.field, action)
        return yielding(lambda f: a.Confirm(text=f.value(saying) or "", field=action.field))

    def _known_field(self, name: str, action: t.Action) -> None:
        if name and self._form:
            self._scoping.field(self._form, name, action.place)

    def _timeline(self, action: t.WriteTimeline, scope: feel.Scope) -> Step:
        saying, record = self._expression(action.saying, scope), self._record(action.record, scope, action)
        return yielding(lambda f: a.WriteTimeline(record=record(f), text=f.value(saying) or ""))

    def _stop(self, action: t.Stop, scope: feel.Scope) -> Step:
        return stop

    # Blocks

    def _choose(self, action: t.Choose, scope: feel.Scope) -> Step:
        condition = self._expression(action.condition, scope, feel.BOOLEAN)
        otherwise = action.otherwise or t.Block()
        return choose(condition, self.block(action.then, scope), self.block(otherwise, scope))

    def _for_each(self, action: t.ForEach, scope: feel.Scope) -> Step:
        if action.items is not None:
            items = self._expression(action.items, scope)
            element = items.type.element if isinstance(items.type, feel.ListType) else items.type
            inner = scope.extended({action.name: element})
            where = self._expression(action.where, inner, feel.BOOLEAN) if action.where else None
            body, read = self._body(action, inner)
            read |= {path[1:] for path in (where.reads if where else ()) if path[0] == action.name}
            self.reads |= {(*list_, *path) for list_ in items.reads for path in read}
            return each(action.name, items_of(items), where, body)
        kind = self._scoping.record_type(action.form, action.place)
        inner = scope.extended({action.name: kind})
        where = self._expression(action.where, inner, feel.BOOLEAN) if action.where else None
        if action.where is not None:
            self._scoping.in_sql(where, kind, action.name, action.where.place)
        body, read = self._body(action, inner)
        source = records_of(action.form, action.name, where, frozenset(path for path in read if path))
        return each(action.name, source, None, body)

    def _body(self, action: t.ForEach, scope: feel.Scope) -> tuple[Step, set[tuple[str, ...]]]:
        """The actions of a loop, and the paths that they read of each item."""
        before, self.reads = self.reads, set()
        body = self.block(action.do, scope)
        inside, self.reads = self.reads, before | self.reads
        return body, {path[1:] for path in inside if path[0] == action.name}

    # Parts

    def _expression(
        self, expression: t.Expr, scope: feel.Scope, expect: feel.FeelType | None = None
    ) -> feel.Expression:
        compiled = self._scoping.compile(expression, scope, expect)
        if compiled is None:
            return feel.compile("null")
        self.reads |= compiled.reads
        return compiled

    def _maybe(self, expression: t.Expr | None, scope: feel.Scope) -> Callable[[Frame], Any]:
        if expression is None:
            return lambda frame: None
        compiled = self._expression(expression, scope)
        return lambda frame: frame.value(compiled)

    def _values(
        self,
        assignments: Sequence[t.Assignment],
        scope: feel.Scope,
        form: str = "",
        action: t.Action | None = None,
        *,
        keep_records: bool = False,
    ) -> Callable[[Frame], dict[str, Any]]:
        """Names and values. Records become their ids, unless they are kept as mappings for templates and decisions."""
        if form and action is not None:
            for item in assignments:
                self._scoping.field(form, item.name, action.place)
        compiled = [(item.name, self._expression(item.value, scope)) for item in assignments]
        plain: Callable[[Any], Any] = _as_it_is if keep_records else _plain
        return lambda frame: {name: plain(frame.value(expression)) for name, expression in compiled}

    def _record(self, expression: t.Expr | None, scope: feel.Scope, action: t.Action) -> Callable[[Frame], a.RecordRef]:
        """The record that an action needs."""
        if expression is None or expression.text == "record":
            if not self._form and self._scoping.definitions is not None:
                self._scoping.report("rules.no_record", action.place, hint='say which record with "on …"')
            return record_getter(self._rule, None, self._form)
        compiled = self._expression(expression, scope)
        form = form_of(compiled.type)
        if not form and self._scoping.definitions is not None:
            found = f"{expression.text} ({compiled.type})"
            self._scoping.report("rules.not_a_record", expression.place, found=found, expected="a record")
        return record_getter(self._rule, compiled, form)

    def _about(
        self, expression: t.Expr | None, scope: feel.Scope, action: t.Action
    ) -> Callable[[Frame], a.RecordRef | None]:
        """The record that an action is about, where there is one."""
        if expression is None:
            return lambda frame: frame.record
        return self._record(expression, scope, action)


def _setting(
    record: Callable[[Frame], a.RecordRef], values: Callable[[Frame], dict[str, Any]]
) -> Callable[[Frame], a.Action | None]:
    return lambda frame: a.SetFields(record=record(frame), values=values(frame))


def _recipient(by: str, value: Any) -> a.Recipient | None:
    """Who is meant by a value: a person or department as context or id, an address as text; None for null."""
    if by == "address":
        return a.Recipient(by=by, address=value) if isinstance(value, str) and value else None
    identity = value.get("id") if isinstance(value, Mapping) else value
    return a.Recipient(by=by, id=identity) if isinstance(identity, UUID) else None


def _plain(value: Any) -> Any:
    """A record as its id, also within a list."""
    if isinstance(value, Mapping) and isinstance(value.get("id"), UUID):
        return value["id"]
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _as_it_is(value: Any) -> Any:
    return value


def _bound(name: str) -> Callable[[Frame, a.Action, Any], None] | None:
    return bind(name) if name else None


def _named(name: str, kind: feel.FeelType) -> Mapping[str, feel.FeelType]:
    return {name: kind} if name else {}
