"""``dougong rules explain`` and ``dougong rules backtest``: why and why not, and what a draft would have done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from builder.cli.surroundings import Surroundings, pass_surroundings
from builder.cli.values import context_now, decisions_of, shown, source_of, value_of
from engines import feel
from engines.core import SYSTEM, DefinitionError
from engines.rules import (
    Change,
    DecisionExplanation,
    Explanation,
    compile_decision,
    compile_rules,
    explain_condition,
    explain_decision,
    load_decision,
    load_rules,
)

if TYPE_CHECKING:
    from builder.definitions import CompiledApp
    from builder.runtime.around import Around
    from builder.runtime.rules.asking import Asker

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DECISIONS = (".decision.json", ".dmn")


@click.command("explain")
@click.argument("what")
@click.argument("values", nargs=-1, metavar="[NAME=FEEL]...")
@click.option("--app", default="", help="Ask a rule or decision of this app about a stored record.")
@click.option("--record", default="", help="The record: its id, or what it is called.")
@click.option("--at", default="", help="One of its changes, as an ISO instant; else the record as it is now.")
@pass_surroundings
def explain_command(
    surroundings: Surroundings, what: str, values: tuple[str, ...], app: str, record: str, at: str
) -> None:
    """Say why WHAT came out as it did, and for a "no" the smallest change that would flip it.

    WHAT is a condition (`explain 'amount > 100' amount=90`), a decision file (`explain size.decision.json amount=9`),
    or with --app and --record the name of a rule or decision (`explain late --app shop --record "Box 7"`).
    """
    given = {name: value_of(text) for name, _, text in (item.partition("=") for item in values)}
    if app:
        _of_record(surroundings, app, what, record, at)
    elif what.endswith(DECISIONS) and Path(what).exists():
        inputs = {name: feel.to_python(value) for name, value in given.items()}
        _tell_decision(explain_decision(decisions_of(Path(what)), inputs, context_now()))
    else:
        _tell(explain_condition(feel.compile(what, feel.Scope(open=True)), given, context_now()))


def _tell(found: Explanation) -> None:
    click.echo(shown(found.value))
    for term in found.term.terms or (found.term,):
        click.echo(f"  {shown(term.value):<6} {term.text}   {shown(dict(term.inputs))}")
    _tell_changes(found.changes, "would hold with")


def _tell_changes(changes: tuple[Change, ...], begin: str) -> None:
    if changes:
        said = (f"{change.path} = {shown(change.needed)} instead of {shown(change.found)}" for change in changes)
        click.echo(f"  {begin} {' and '.join(said)}")


def _tell_decision(found: DecisionExplanation) -> None:
    click.echo(shown(found.result.value))
    for table in found.tables:
        click.echo(f"  {table.decision}")
        for row in table.rows:
            mark = "*" if row.matched else " "
            cells = "  ".join(f"{c.column} {c.text} {'yes' if c.holds else 'no'} ({shown(c.value)})" for c in row.cells)
            click.echo(f"  {mark} row {row.index + 1} {row.name}  {cells}  -> {', '.join(row.then)}")
            _tell_changes(row.changes, "    matches with")
    if found.changes:
        _tell_changes(found.changes, f"would be {shown(found.instead)} with")


def _of_record(surroundings: Surroundings, app: str, name: str, record: str, at: str) -> None:
    from builder.runtime.install import install
    from builder.runtime.rules.running import ruleset_of

    with surroundings.workspace() as workspace:
        install(workspace)
        with workspace.read(SYSTEM) as work:
            around, found = work.service("around"), _app(work, app)
            rule = ruleset_of(around, found).rule(name)
            if rule is not None:
                _tell_rule(around, found, rule, record, at)
            elif name in found.decisions:
                _tell_asked(around, found, name, record, at)
            else:
                raise click.ClickException(f'"{app}" has neither a rule nor a decision called "{name}"')


def _tell_rule(around: Around, app: CompiledApp, rule: Any, record: str, at: str) -> None:
    tracer, change = _tracer(around, app, rule.form, record, at)
    traced = tracer.rule(rule, change)
    if traced is None:
        raise click.ClickException("the record is gone")
    click.echo(f"{rule.name}: {traced.explained.why}   release {traced.release}")
    if traced.silence is not None:
        done = "; has fired for it" if traced.is_done else ""
        click.echo(f"  silent since {traced.silence.last or 'it was created'}, due on {traced.silence.due}{done}")
    if traced.explained.explanation is not None:
        _tell(traced.explained.explanation)
    for firing in traced.firings:
        click.echo(f"  fired {firing.at.astimezone(around.work.zone):%Y-%m-%d %H:%M} by {firing.cause}")


def _tell_asked(around: Around, app: CompiledApp, name: str, record: str, at: str) -> None:
    asker = _asker(app, name)
    tracer, change = _tracer(around, app, asker.form, record, at)
    traced = tracer.decision(name, app.decisions[name], asker, change)
    if traced is None:
        raise click.ClickException("the record is gone")
    click.echo(f"{name}: release {traced.release}, given {shown(dict(traced.explained.inputs))}")
    _tell_decision(traced.explained)


def _tracer(around: Around, app: CompiledApp, form: str, record: str, at: str) -> tuple[Any, Any]:
    """The tracer of a record, and the change that is asked about."""
    from builder.runtime.rules.tracing import Tracer

    if not form:
        raise click.ClickException("the rule is about no record")
    tracer = Tracer(around, app, form, _record_id(around, app.name, form, record))
    if not at:
        return tracer, None
    instant = datetime.fromisoformat(at)
    instant = instant if instant.tzinfo else instant.replace(tzinfo=around.work.zone)
    change = next((one for one in tracer.changes() if one.at <= instant), None)
    if change is None:
        raise click.ClickException(f"the record was not there at {at}")
    return tracer, change


def _record_id(around: Around, app: str, form: str, record: str) -> UUID:
    from engines.form import ListQuery

    try:
        return UUID(record)
    except ValueError:
        page = around.records(app).page(around.form_name(app, form), ListQuery(search=record, limit=2))
    if len(page.records) != 1:
        raise click.ClickException(f'{len(page.records) or "no"} records of {form} are called "{record}": give the id')
    return page.records[0].id


def _app(work: Any, name: str) -> CompiledApp:
    if name not in work.apps:
        raise click.ClickException(f'there is no app "{name}"; there are: {", ".join(work.apps)}')
    found: CompiledApp = work.apps[name]
    return found


def _asker(app: CompiledApp, decision: str, form: str = "") -> Asker:
    from builder.runtime.rules.asking import askers

    found = askers(app, decision, form)
    if not found:
        raise click.ClickException(f'nothing asks "{decision}" about a record: say --form, and --with for each input')
    return found[0]


@click.command("backtest")
@click.argument("app")
@click.argument("file", type=FILE)
@click.option("--rule", "name", default="", help="Which rule of FILE; else its first.")
@click.option("--form", default="", help="For a decision: the records it is asked about, where several forms do.")
@click.option("--with", "bindings", multiple=True, metavar="INPUT=FEEL", help="For a decision: what an input is given.")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day.")
@click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day.")
@pass_surroundings
def backtest_command(
    surroundings: Surroundings,
    app: str,
    file: Path,
    name: str,
    form: str,
    bindings: tuple[str, ...],
    start: datetime,
    end: datetime,
) -> None:
    """Say what a draft rule or decision in FILE would have done, and how that differs from what is in force in APP."""
    from builder.runtime.install import install

    with surroundings.workspace() as workspace:
        install(workspace)
        with workspace.read(SYSTEM) as work:
            around, found = work.service("around"), _app(work, app)
            if file.name.endswith(DECISIONS):
                given = dict((key, text) for key, _, text in (item.partition("=") for item in bindings))
                lines = _decided(around, found, file, form, given, start.date(), end.date())
            else:
                lines = _fired(around, found, file, name, start.date(), end.date())
            for line in lines:
                click.echo(line)


def _fired(around: Around, app: CompiledApp, file: Path, name: str, start: date, end: date) -> Iterator[str]:
    from builder.runtime.rules.backtesting import backtest, titles
    from builder.runtime.rules.running import ruleset_of

    loaded = load_rules(source_of(file))
    if loaded.definition is None or not loaded.ok:
        raise DefinitionError(loaded.diagnostics)
    compiled = compile_rules(loaded.definition, app.definitions)
    draft = next((rule for rule in compiled.rules if name in ("", rule.name)), None)
    if draft is None:
        raise click.ClickException(f'there is no rule "{name}" in {file}')
    published = ruleset_of(around, app).rule(draft.name)
    found = backtest(around, app.name, draft, published, start, end)
    called = titles(around, app.name, draft.form, sorted({item.record for item in found.draft ^ found.published}))
    yield f"draft {len(found.draft)}, in force {len(found.published)}"
    for sign, firings in (("+", found.gained), ("-", found.lost)):
        yield from (f"{sign} {item.on}  {called.get(item.record, '')}  {item.record}" for item in firings)


def _decided(
    around: Around, app: CompiledApp, file: Path, form: str, given: Mapping[str, str], start: date, end: date
) -> Iterator[str]:
    from builder.runtime.rules.backtesting import titles
    from builder.runtime.rules.backtesting_decisions import backtest_decision, text_of

    loaded = load_decision(source_of(file))
    if loaded.definition is None or not loaded.ok:
        raise DefinitionError(loaded.diagnostics)
    draft = compile_decision(loaded.definition, app.definitions)
    name = draft.name
    if not (form and given):
        asker = _asker(app, name, form)
        form, given = asker.form, {**asker.inputs, **given}
    found = backtest_decision(around, app.name, form, given, draft, app.decisions.get(name), start, end)
    called = titles(around, app.name, form, sorted({item.record for item in found.differences}))
    yield f"{found.records} records of {form}, {len(found.differences)} differences"
    for item in found.differences:
        change = f"{text_of(item.published)} -> {text_of(item.draft)}"
        yield f"{item.on}  {called.get(item.record, '')}  {change}  {item.record}"
