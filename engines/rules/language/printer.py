"""Tree → text, in English or Chinese keywords; comments kept, one layout."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from engines.core import DefinitionError, DefinitionSource
from engines.rules.language import tree as t
from engines.rules.language.extent import end_of_expression
from engines.rules.language.keywords import phrase
from engines.rules.language.parse import parse

_PLAIN_NAME: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*\Z")
# Names that would be read as a keyword right after "when".
_AFTER_WHEN: Final = frozenset({"process", "task", "message", "signal", "流程", "任务", "消息", "信号"})
_RHYTHMS: Final = {
    "hour": "EVERY_HOUR",
    "day": "EVERY_DAY",
    "week": "EVERY_WEEK",
    "month": "EVERY_MONTH",
    "quarter": "EVERY_QUARTER",
    "half_year": "EVERY_HALF_YEAR",
    "year": "EVERY_YEAR",
}
_REPEATS: Final = {"yearly": "EVERY_YEAR", "lunar": "EVERY_LUNAR_YEAR"}
_INDENT: Final = "  "


def print_rules(tree: t.RuleFile, language: str | None = None) -> str:
    """The text of a tree in ``language``: "en", "zh", or the file's own. ``parse`` reads it back as the same tree."""
    printer = _Printer(language or tree.language)
    blocks = ["\n".join(printer.rule(rule)) for rule in tree.rules]
    if tree.closing:
        blocks.append("\n".join(_comment(line) for line in tree.closing))
    return "\n\n".join(blocks) + ("\n" if blocks else "")


def format_rules(source: DefinitionSource, language: str | None = None) -> str:
    """The text laid out anew, in ``language`` where one is given; ``DefinitionError`` where it cannot be read."""
    parsed = parse(source)
    if parsed.diagnostics:
        raise DefinitionError(parsed.diagnostics)
    return print_rules(parsed.tree, language)


def print_triggers(rule: t.Rule, language: str) -> list[str]:
    """What a rule waits for, one line for each of its triggers."""
    return [_Printer(language)._trigger(trigger) for trigger in rule.triggers]


class _Printer:
    def __init__(self, language: str) -> None:
        self._language = language

    def _k(self, terminal: str) -> str:
        return phrase(terminal, self._language)

    def _line(self, *parts: str) -> str:
        return " ".join(part for part in parts if part)

    def rule(self, rule: t.Rule) -> Iterator[str]:
        head = self._line(self._k("RULE"), _name(rule.name), rule.label)
        yield from _commented(rule, head, "")
        for line in self._properties(rule):
            yield _INDENT + line
        for trigger in rule.triggers:
            yield from _commented(trigger, self._trigger(trigger), _INDENT)
        if rule.condition:
            yield from (_INDENT + _comment(line) for line in rule.above_condition)
            yield _INDENT + self._line(self._k("IF"), _expr(rule.condition))
        yield _INDENT + self._k("THEN")
        yield from self._blocks(rule.then, rule.otherwise, _INDENT)
        yield self._k("END")

    def _properties(self, rule: t.Rule) -> Iterator[str]:
        k = self._k
        if rule.priority:
            yield f"{k('PRIORITY')} {rule.priority}"
        if rule.becoming:
            yield k("BECOMING")
        if rule.cool_down:
            yield self._line(k("COOL_DOWN"), self._duration(rule.cool_down))
        if rule.valid_from:
            yield self._line(k("VALID_FROM"), rule.valid_from)
        if rule.valid_until:
            yield self._line(k("VALID_UNTIL"), rule.valid_until)
        if rule.owned_by:
            yield self._line(k("OWNED_BY"), _quote(rule.owned_by))
        if rule.reason:
            yield self._line(k("REASON"), _quote(rule.reason))
        if rule.stop_after:
            yield k("STOP_AFTER")
        if rule.switched_off:
            yield k("SWITCHED_OFF")

    # Triggers

    def _trigger(self, trigger: t.Trigger) -> str:
        if isinstance(trigger, t.Schedule):
            return self._schedule(trigger)
        text = self._line(self._k("WHEN"), self._happening(trigger))
        delay = getattr(trigger, "delay", None)
        return self._line(text, self._delay(delay)) if delay else text

    def _happening(self, trigger: t.Trigger) -> str:
        k = self._k
        match trigger:
            case t.RecordEvent():
                return self._line(_after_when(trigger.form), k("IS_" + trigger.what.upper()))
            case t.FieldChanged():
                field = _after_when(f"{trigger.form}.{trigger.field}")
                return self._line(
                    field, k("CHANGES"), self._part("FROM", trigger.before), self._part("TO", trigger.after)
                )
            case t.FieldCrosses():
                field = _after_when(f"{trigger.form}.{trigger.field}")
                return self._line(field, k(trigger.how.upper()), _expr(trigger.limit))
            case t.ProcessEvent():
                return self._line(k("PROCESS"), _name(trigger.process), k("IS_" + trigger.what.upper()))
            case t.TaskEvent():
                outcome = self._part("WITH_OUTCOME", trigger.outcome)
                return self._line(k("TASK"), _name(trigger.task), k("IS_" + trigger.what.upper()), outcome)
            case t.Arrival():
                return self._line(k(trigger.what.upper()), _name(trigger.name), k("ARRIVES"))
            case t.Absence():
                return self._absence(trigger)
            case t.DateReached():
                return self._date(trigger)
            case t.Schedule():
                return ""

    def _absence(self, trigger: t.Absence) -> str:
        return self._line(
            _after_when(trigger.form),
            self._k("HAS_NO"),
            _name(trigger.relation),
            self._part("WHERE", trigger.where),
            self._named("DATED_BY", trigger.dated_by),
            self._k("FOR"),
            self._duration(trigger.lasting),
        )

    def _date(self, trigger: t.DateReached) -> str:
        word = {"before": "IS_IN", "past": "IS_PAST_BY", "today": "IS_TODAY"}[trigger.side]
        return self._line(
            _after_when(f"{trigger.form}.{trigger.field}"),
            self._k(word),
            self._duration(trigger.distance) if trigger.distance else "",
            self._k(_REPEATS[trigger.repeat]) if trigger.repeat in _REPEATS else "",
            self._named("AT", trigger.at),
            self._part("WHERE", trigger.where),
        )

    def _schedule(self, trigger: t.Schedule) -> str:
        k = self._k
        rhythm = f"{k('CRON')} {_quote(trigger.cron)}" if trigger.rhythm == "cron" else k(_RHYTHMS[trigger.rhythm])
        working = {"any": "", "only": k("WORKING_DAYS_ONLY"), "next": k("NEXT_WORKING_DAY")}[trigger.working_days]
        return self._line(
            rhythm,
            f"{k('ON_DAY')} {trigger.on_day}" if trigger.on_day != 1 else "",
            self._named("AT", trigger.at),
            f"{k('IN_ZONE')} {_quote(trigger.zone)}" if trigger.zone else "",
            self._named("BY_CALENDAR", trigger.calendar),
            working,
            self._named("FOR_EACH", trigger.form),
            self._part("WHERE", trigger.where),
        )

    def _delay(self, delay: t.Delay) -> str:
        return self._line(
            self._k("AFTER"),
            self._duration(delay.duration),
            self._named("BY_CALENDAR", delay.calendar),
            self._part("UNLESS", delay.unless),
        )

    def _duration(self, duration: t.Duration) -> str:
        return self._line(_expr(duration.amount), self._k(duration.unit.upper()))

    # Actions

    def _blocks(self, main: t.Block, otherwise: t.Block | None, indent: str) -> Iterator[str]:
        yield from self._block(main, indent + _INDENT)
        if otherwise is not None:
            yield indent + self._k("OTHERWISE")
            yield from self._block(otherwise, indent + _INDENT)

    def _block(self, block: t.Block, indent: str) -> Iterator[str]:
        for action in block.actions:
            yield from self._action(action, indent)
        yield from (indent + _comment(line) for line in block.closing)

    def _action(self, action: t.Action, indent: str) -> Iterator[str]:
        if isinstance(action, t.Choose):
            head = self._line(self._k("IF"), _expr(action.condition), self._k("THEN"))
            yield from _commented(action, head, indent)
            yield from self._blocks(action.then, action.otherwise, indent)
            yield indent + self._k("END")
        elif isinstance(action, t.ForEach):
            yield from _commented(action, self._loop(action), indent)
            yield from self._blocks(action.do, None, indent)
            yield indent + self._k("END")
        else:
            parts: Callable[[Any], Sequence[str]] = getattr(self, "_" + action.KIND)
            yield from _commented(action, self._line(*parts(action)), indent)

    def _loop(self, action: t.ForEach) -> str:
        source = self._named("OF", action.form) if action.form else self._part("IN", action.items)
        return self._line(
            self._k("FOR_EACH"), _name(action.name), source, self._part("WHERE", action.where), self._k("DO")
        )

    def _set(self, action: t.Set) -> Sequence[str]:
        return self._k("SET"), self._assignments(action.assignments)

    def _create(self, action: t.Create) -> Sequence[str]:
        return (
            self._k("CREATE"),
            _name(action.form),
            self._part("FROM_TEMPLATE", action.template),
            self._names("INCLUDING", action.including),
            self._with(action.assignments),
            self._named("AS", action.name),
        )

    def _update(self, action: t.Update) -> Sequence[str]:
        return self._part("UPDATE", action.record), self._with(action.assignments)

    def _delete(self, action: t.Delete) -> Sequence[str]:
        return (self._part("DELETE", action.record),)

    def _tag(self, action: t.Tag) -> Sequence[str]:
        verb, side = ("ADD_TAG", "TO") if action.add else ("REMOVE_TAG", "FROM")
        return self._part(verb, action.tag), self._part(side, action.record)

    def _pool(self, action: t.Pool) -> Sequence[str]:
        verb = "ADD_TO_POOL" if action.add else "REMOVE_FROM_POOL"
        return self._k(verb), _name(action.pool), self._part("ON", action.record)

    def _assign(self, action: t.Assign) -> Sequence[str]:
        record = _expr(action.record) if action.record else ""
        return self._k("ASSIGN"), record, self._k("TO"), self._person(action.to)

    def _task_for(self, action: t.GiveTask) -> Sequence[str]:
        return (
            self._part("ASSIGN_TASK", action.title),
            self._k("TO"),
            self._people(action.people),
            self._part("DUE", action.due),
            self._part("PRIORITY", action.priority),
            self._part("ON", action.record),
            self._part("SAYING", action.saying),
            self._with(action.values),
            self._named("AS", action.name),
        )

    def _notify(self, action: t.Notify) -> Sequence[str]:
        return (
            self._k("NOTIFY"),
            self._people(action.people),
            self._names("VIA", action.via),
            self._named("USING_TEMPLATE", action.template),
            self._part("SAYING", action.saying),
            self._part("LEVEL", action.level),
            self._part("ON", action.record),
            self._with(action.values),
        )

    def _ask(self, action: t.Ask) -> Sequence[str]:
        return (
            self._k("ASK"),
            self._people(action.people),
            self._named("FOR_ANSWER", action.answer),
            self._names("VIA", action.via),
            self._named("USING_TEMPLATE", action.template),
            self._part("SAYING", action.saying),
            self._part("ON", action.record),
            self._named("REPLYING_WITH", action.reply),
            self._with(action.values),
        )

    def _start_process(self, action: t.StartProcess) -> Sequence[str]:
        return (
            self._named("START_PROCESS", action.process),
            self._part("ON", action.record),
            self._with(action.values),
            self._named("AS", action.name),
        )

    def _send(self, action: t.Send) -> Sequence[str]:
        return (
            self._named("SEND_" + action.what.upper(), action.message),
            self._part("ON", action.record),
            self._with(action.values),
        )

    def _decide(self, action: t.Decide) -> Sequence[str]:
        return self._named("DECIDE", action.decision), self._with(action.values), self._named("AS", action.name)

    def _recompute(self, action: t.Recompute) -> Sequence[str]:
        return self._named("RECOMPUTE", action.model), self._part("ON", action.record)

    def _refuse(self, action: t.Refuse) -> Sequence[str]:
        return self._k("REFUSE"), self._part("SAYING", action.saying), self._named("ON", action.field)

    def _confirm(self, action: t.Confirm) -> Sequence[str]:
        return self._k("CONFIRM"), self._part("SAYING", action.saying), self._named("ON", action.field)

    def _timeline(self, action: t.WriteTimeline) -> Sequence[str]:
        return self._part("WRITE_TIMELINE", action.saying), self._part("ON", action.record)

    def _stop(self, action: t.Stop) -> Sequence[str]:
        return (self._k("STOP"),)

    # Clauses

    def _part(self, terminal: str, expression: t.Expr | None) -> str:
        return f"{self._k(terminal)} {_expr(expression)}" if expression else ""

    def _named(self, terminal: str, name: str) -> str:
        return f"{self._k(terminal)} {name if terminal == 'AT' else _name(name)}" if name else ""

    def _names(self, terminal: str, names: tuple[str, ...]) -> str:
        return f"{self._k(terminal)} {', '.join(map(_name, names))}" if names else ""

    def _with(self, assignments: tuple[t.Assignment, ...]) -> str:
        return f"{self._k('WITH')} {self._assignments(assignments)}" if assignments else ""

    def _assignments(self, assignments: tuple[t.Assignment, ...]) -> str:
        return ", ".join(f"{_name(a.name)}: {_expr(a.value)}" for a in assignments)

    def _people(self, people: tuple[t.Person, ...]) -> str:
        return ", ".join(self._person(person) for person in people)

    def _person(self, person: t.Person) -> str:
        return self._named("ROLE", person.role) if person.by == "role" else self._part(person.by.upper(), person.value)


def _commented(node: t.Node, text: str, indent: str) -> Iterator[str]:
    yield from (indent + _comment(line) for line in node.above)
    yield indent + text + (f"  {_comment(node.beside)}" if node.beside else "")


def _comment(line: str) -> str:
    return f"// {line}".rstrip()


def _expr(expression: t.Expr) -> str:
    """The expression as written; in brackets where it would otherwise not be read back whole."""
    text = expression.text
    return text if end_of_expression(text, 0, frozenset()) == len(text) else f"({text})"


def _name(name: str) -> str:
    return name if _PLAIN_NAME.match(name) else f"`{name}`"


def _after_when(name: str) -> str:
    return f"`{name}`" if name in _AFTER_WHEN else _name(name)


def _quote(text: str) -> str:
    if text.startswith("{"):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
