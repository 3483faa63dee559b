"""Who asks a decision about records of which form, and with what: rules and score models of the app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engines import feel
from engines.core import DefinitionError
from engines.rules import record_scope
from engines.rules.language import tree as t

if TYPE_CHECKING:
    from builder.definitions import CompiledApp
    from engines.rules import CompiledDecisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Somebody who asks a decision about the records of a form."""

    form: str
    # "rule" or "scores" with its name; "fields" where the form just has fields of the inputs' names.
    kind: str
    name: str
    # The decision's inputs as FEEL over the record.
    inputs: Mapping[str, str]


def askers(app: CompiledApp, decision: str, form: str = "") -> list[Asker]:
    """Those who ask a decision (about ``form``, where one is given), each form and set of inputs once."""
    compiled = app.decisions.get(decision)
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Asker] = {}
    for asker in (*_of_rules(app, decision), *_of_scores(app, decision), *_of_fields(app, compiled)):
        if form in ("", asker.form):
            found.setdefault((asker.form, tuple(sorted(asker.inputs.items()))), asker)
    return list(found.values())


def compiled_inputs(app: CompiledApp, form: str, inputs: Mapping[str, str]) -> dict[str, feel.Expression]:
    """Inputs of a decision compiled over the records of a form; ``DefinitionError`` with all that is wrong."""
    scope = record_scope(app.definitions, form)
    found, problems = {}, []
    for name, text in inputs.items():
        try:
            found[name] = feel.compile(text, scope)
        except DefinitionError as error:
            problems += error.diagnostics
    if problems:
        raise DefinitionError(problems)
    return found


def _of_rules(app: CompiledApp, decision: str) -> Iterator[Asker]:
    for file in app.rulesets.values():
        for rule in file.rules:
            blocks = [rule.tree.then, *([rule.tree.otherwise] if rule.tree.otherwise else [])]
            for action in (action for block in blocks for action in _decides(block)):
                inputs = {item.name: item.value.text for item in action.values}
                if action.decision == decision and rule.form and _compiles(app, rule.form, inputs):
                    yield Asker(form=rule.form, kind="rule", name=rule.name, inputs=inputs)


def _decides(block: t.Block) -> Iterator[t.Decide]:
    """The decisions that a block asks about the rule's own record."""
    for action in block.actions:
        if isinstance(action, t.Decide):
            yield action
        elif isinstance(action, t.Choose):
            yield from _decides(action.then)
            if action.otherwise is not None:
                yield from _decides(action.otherwise)


def _of_scores(app: CompiledApp, decision: str) -> Iterator[Asker]:
    for model in app.definitions.all("scores").values():
        # What a measure came to stands in the field that it is written to.
        written = {write.value: write.field for write in model.writes}
        for call in model.decisions:
            if call.decision == decision:
                inputs = {name: written.get(text, text) for name, text in call.inputs.items()}
                if _compiles(app, model.form, inputs):
                    yield Asker(form=model.form, kind="scores", name=model.name, inputs=inputs)


def _of_fields(app: CompiledApp, compiled: CompiledDecisions | Any) -> Iterator[Asker]:
    names = [item.name for item in compiled.model.inputs] if compiled is not None else []
    for form, shape in app.forms.items():
        if names and all(name in shape.fields for name in names):
            yield Asker(form=form, kind="fields", name="", inputs={name: name for name in names})


def _compiles(app: CompiledApp, form: str, inputs: Mapping[str, str]) -> bool:
    try:
        compiled_inputs(app, form, inputs)
    except DefinitionError:
        return False
    return True
