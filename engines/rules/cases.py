"""Test cases beside rules and decisions: tables of what is given and what must follow, run without a database.

``tier.cases.json`` or ``tier.cases.csv`` holds the cases of ``tier.rules`` or ``tier.decision.json``. In a CSV file the
columns after ``->`` say what is expected; a cell is a number, a date, true or false, text, or FEEL after ``=``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo

from engines import feel
from engines.core import DefinitionError, DefinitionSource, Diagnostic, DougongError, Severity, check_schema, load_json
from engines.core.kinds import Loaded
from engines.rules import actions as a
from engines.rules.compiled import CompiledRules
from engines.rules.events import EventKind, RuleData, RuleEvent
from engines.rules.firing import carry_out
from engines.rules.ruleset import RuleSet, run

SCHEMA: Final[Mapping[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://dougong.dev/schema/cases/1",
    "title": "Test cases",
    "description": "Cases of the rules or the decision of the same name: what is given, and what must follow.",
    "type": "object",
    "required": ["cases"],
    "additionalProperties": False,
    "properties": {
        "refuse": {"type": "boolean", "description": "Whether a failed case stops a publish; true where missing."},
        "cases": {
            "type": "array",
            "description": "The cases, each alone.",
            "items": {
                "type": "object",
                "required": ["name", "expect"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "description": "What the case shows."},
                    "event": {
                        "enum": ["created", "updated", "deleted", "due"],
                        "description": "What happens to the record; updated where `previous` is given, else created.",
                    },
                    "rule": {
                        "type": "string",
                        "description": "The rule that is due, or one about such records.",
                    },
                    "today": {"type": "string", "description": "The day on which it happens (ISO 8601)."},
                    "record": {"type": "object", "description": "The record, or the inputs of the decision."},
                    "previous": {"type": "object", "description": "The record before the change."},
                    "settings": {"type": "object", "description": "Settings of the app."},
                    "event_values": {"type": "object", "description": "What the event carries."},
                    "expect": {
                        "type": "object",
                        "description": "What must follow.",
                        "additionalProperties": False,
                        "properties": {
                            "fires": {"type": "array", "items": {"type": "string"}, "description": "Rules, in order."},
                            "actions": {"type": "array", "items": {"type": "string"}, "description": "What they do."},
                            "values": {"type": "object", "description": "Fields of the record afterwards."},
                            "value": {"description": "The output of the decision."},
                        },
                    },
                },
            },
        },
    },
}
_KINDS: Final = {"created": "RECORD_CREATED", "updated": "RECORD_UPDATED", "deleted": "RECORD_DELETED"}
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_WORDS: Final = {"true": True, "false": False, "是": True, "否": False, "null": None}
_RECORD: Final = UUID(int=1)
ZONE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case."""

    name: str
    event: str = ""
    rule: str = ""
    today: str = "2026-03-03"
    record: Mapping[str, Any] = field(default_factory=dict)
    previous: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    event_values: Mapping[str, Any] = field(default_factory=dict)
    # fires, actions, values, value: those that are not there are not looked at.
    expect: Mapping[str, Any] = field(default_factory=dict)
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """The cases of a file."""

    cases: tuple[Case, ...]
    source: DefinitionSource
    refuse: bool = True

    @property
    def subject(self) -> str:
        """Name of the rule file or decision that the cases are about."""
        return self.source.file.rpartition("/")[2].split(".cases.", 1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """How a case went."""

    case: Case
    # "" where everything is as expected.
    found: str = ""
    expected: str = ""

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.expected


def load_cases(source: DefinitionSource) -> Loaded[CaseFile]:
    """The cases of a JSON or CSV file."""
    if source.file.endswith(".csv"):
        return _from_csv(source)
    data, problems = load_json(source)
    if data is not None:
        problems += check_schema(data, SCHEMA, source)
    if data is None or problems:
        return Loaded(definition=None, diagnostics=tuple(problems))
    cases = [Case(**{**_plain(item), "line": source.place(f"/cases/{n}").line}) for n, item in enumerate(data["cases"])]
    return Loaded(
        definition=CaseFile(cases=tuple(cases), source=source, refuse=data.get("refuse", True)), diagnostics=()
    )


def _from_csv(source: DefinitionSource) -> Loaded[CaseFile]:
    rows = csv.DictReader(io.StringIO(source.text))
    cases, problems = [], []
    for row in rows:
        try:
            cases.append(_case(row, rows.line_num))
        except (DefinitionError, ValueError) as error:
            problems.append(
                Diagnostic(code="rules.bad_case", file=source.file, line=rows.line_num, column=1, found=str(error))
            )
    return Loaded(definition=CaseFile(cases=tuple(cases), source=source), diagnostics=tuple(problems))


def _case(row: Mapping[str, str | None], line: int) -> Case:
    parts: dict[str, Any] = {"line": line, "name": f"line {line}", "expect": {}}
    for header, text in row.items():
        name, cell = (header or "").strip(), (text or "").strip()
        if not name or not cell:
            continue
        if name.startswith("->"):
            _expected(parts["expect"], name[2:].strip(), cell)
        elif name in ("case", "name", "案例"):
            parts["name"] = cell
        elif name in ("event", "rule", "today"):
            parts[name] = cell
        else:
            head, _, rest = name.partition(".")
            group, path = (
                (head, rest) if head in ("previous", "settings", "event_values") and rest else ("record", name)
            )
            _put(parts.setdefault(group, {}), path.split("."), _cell(cell))
    return Case(**parts)


def _expected(expect: dict[str, Any], name: str, cell: str) -> None:
    if name in ("fires", "actions"):
        listed = [] if cell == "-" else [part.strip() for part in cell.split(";")]
        expect[name] = listed
    elif name == "value":
        expect["value"] = _cell(cell)
    else:
        _put(expect.setdefault("values", {}), name.split("."), _cell(cell))


def _put(target: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        target = target.setdefault(part, {})
    target[path[-1]] = value


def _cell(text: str) -> Any:
    if text.startswith(("=", '"')):
        return feel.to_python(feel.compile(text.removeprefix("=")).evaluate({}).value)
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    return date.fromisoformat(text) if _DATE.fullmatch(text) else text


def _plain(value: Any) -> Any:
    """JSON values as rules see them: numbers as decimals, ISO dates as dates."""
    match value:
        case bool() | None:
            return value
        case int() | float():
            return Decimal(str(value))
        case str():
            return date.fromisoformat(value) if _DATE.fullmatch(value) else value
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _entry(key, item) for key, item in value.items()}
    return value


def _entry(key: str, value: Any) -> Any:
    """An entry of an object; an ``id`` may be any word, so that cases need not write UUIDs."""
    if key == "id" and isinstance(value, str):
        return uuid5(NAMESPACE_OID, value)
    return value if key in ("name", "today", "rule") else _plain(value)


def run_cases(file: CaseFile, rules: CompiledRules | None, decisions: Mapping[str, Any]) -> Iterator[CaseResult]:
    """How each case goes; ``decisions``: the compiled decisions of the app by name, real ones are asked."""
    ruleset = RuleSet([rules]) if rules is not None else None
    for case in file.cases:
        try:
            yield _decided(case, decisions[file.subject]) if ruleset is None else _fired(case, ruleset, decisions)
        except DougongError as error:
            # An action that cannot be carried out on what the case gives: the others are run all the same.
            yield CaseResult(case=case, found=str(error), expected=_shown(case.expect))


def _decided(case: Case, decision: Any) -> CaseResult:
    value = decision.decide(dict(case.record), _context(case)).value
    expect = case.expect.get("value", case.expect.get("values"))
    if isinstance(expect, Mapping) and isinstance(value, Mapping):
        value = {name: value.get(name) for name in expect}
    return _compared(case, {"value": (value, expect)})


def _context(case: Case) -> feel.EvaluationContext:
    now = datetime.combine(date.fromisoformat(str(case.today)), time(12), ZONE).astimezone(UTC)
    return feel.EvaluationContext(now=now, zone=ZONE)


def _fired(case: Case, ruleset: RuleSet, decisions: Mapping[str, Any]) -> CaseResult:
    context = _context(case)
    assert context.now is not None  # noqa: S101
    due = case.event == "due"
    named = ruleset.rule(case.rule) if case.rule else None
    first = named or next(iter(ruleset.rules), None)
    form = first.form if first is not None else ""
    before = case.previous
    kind = case.event or ("updated" if before is not None else "created")
    event = RuleEvent(
        kind=EventKind.RULE_DUE if due else EventKind[_KINDS[kind]],
        at=context.now,
        record=a.RecordRef(form=form, id=_RECORD) if form else None,
        name=case.rule if due else "",
        changed=frozenset(name for name, value in case.record.items() if (before or {}).get(name) != value),
        payload=case.event_values,
    )
    record = {"id": _RECORD, **(before or {}), **case.record}
    data = RuleData(record=record, previous=before, context=context, variables={"settings": dict(case.settings)})
    fired, done, values = [], [], dict(record)

    def execute(action: a.Action) -> Any:
        done.append(words_of(action))
        if isinstance(action, a.SetFields) and action.record.id == _RECORD:
            values.update(action.values)
        if isinstance(action, a.CreateRecord):
            return {"id": UUID(int=2), **action.values}
        if isinstance(action, a.Decide) and action.decision in decisions:
            return decisions[action.decision].decide(action.inputs, context).value
        return [] if isinstance(action, a.FindRecords) else None

    for firing in run(ruleset, event, data).firings:
        fired.append(firing.rule)
        carry_out(firing, execute)
    wanted = case.expect.get("values") or {}
    pairs = {"fires": (fired, case.expect.get("fires")), "actions": (done, case.expect.get("actions"))}
    return _compared(case, {**pairs, "values": ({n: values.get(n) for n in wanted}, wanted or None)})


def _compared(case: Case, pairs: Mapping[str, tuple[Any, Any]]) -> CaseResult:
    wrong = {name: pair for name, pair in pairs.items() if pair[1] is not None and pair[0] != pair[1]}
    if not wrong:
        return CaseResult(case=case)
    found, expected = ("; ".join(f"{n}: {_shown(pair[i])}" for n, pair in wrong.items()) for i in (0, 1))
    return CaseResult(case=case, found=found, expected=expected)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(item)}" for name, item in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "-"
    return "null" if value is None else str(value)


_WORDS_OF: Final[Mapping[type, tuple[str, str]]] = {
    a.CreateRecord: ("create", "form"),
    a.StartProcess: ("start process", "process"),
    a.SendMessage: ("send message", "message"),
    a.SendSignal: ("send signal", "signal"),
    a.Decide: ("decide", "decision"),
    a.Score: ("recompute", "model"),
    a.AddToPool: ("add to pool", "pool"),
    a.RemoveFromPool: ("remove from pool", "pool"),
    a.FindRecords: ("find", "form"),
    a.Notify: ("notify", "template"),
    a.AskAnswer: ("ask", "answer"),
    a.DeleteRecord: ("delete", ""),
    a.Assign: ("assign", ""),
    a.CreateTask: ("assign task", ""),
    a.Refuse: ("refuse", "field"),
    a.Confirm: ("ask for confirmation", "field"),
    a.WriteTimeline: ("write to timeline", ""),
}


def words_of(action: a.Action) -> str:
    """An action as cases name it: the keyword with its object, such as "start process review"."""
    match action:
        case a.SetFields():
            return "set " + ", ".join(sorted(action.values))
        case a.Tag() | a.Untag():
            return ("add tag " if isinstance(action, a.Tag) else "remove tag ") + ", ".join(action.tags)
    verb, about = _WORDS_OF[type(action)]
    return f"{verb} {getattr(action, about)}".strip() if about else verb


def failures(file: CaseFile, results: Iterator[CaseResult]) -> Iterator[Diagnostic]:
    """The cases that failed, as problems of their file: errors unless the file says that they refuse nothing."""
    for result in results:
        if not result.passed:
            yield Diagnostic(
                code="rules.case_failed",
                severity=Severity.ERROR if file.refuse else Severity.WARNING,
                file=file.source.file,
                line=result.case.line,
                column=1,
                found=result.found,
                expected=result.expected,
                hint=result.case.name,
            )
