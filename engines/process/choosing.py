"""What whoever starts a process chooses: who does those steps that leave it to the initiator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from engines.core import InputError, InputProblem, LocalizedText
from engines.core.source import pointer_of
from engines.process import assigning
from engines.process.context import StepContext
from engines.process.graph import CompiledProcess
from engines.process.run import Run
from engines.process.state import InstanceState

# An element without scope: expressions see what the context gives, and no more.
_NOWHERE = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One step whose people the initiator chooses."""

    node: str
    label: LocalizedText
    # Who may be chosen; None is everybody.
    candidates: tuple[UUID, ...] | None
    # Whether one person is chosen, or several who decide together.
    several: bool

    def allows(self, person: UUID) -> bool:
        """Whether ``person`` may be chosen."""
        return self.candidates is None or person in self.candidates


def choices_to_make(
    graph: CompiledProcess, context: StepContext, *, initiator: UUID | None, variables: Mapping[str, Any] | None = None
) -> list[Choice]:
    """The choices that ``initiator`` has, in file order: among those whom each step's assignment finds at this moment.

    A step whose candidates nobody can know yet, or for which there is only one, leaves no choice.
    """
    wanted = [node for node in graph.nodes.values() if node.definition.user_task]
    wanted = [node for node in wanted if node.definition.user_task.assignment.initiator_chooses]  # type: ignore[union-attr]
    if not wanted:
        return []
    values = {**context.values, **_defaults(graph, context), **(variables or {})}
    run = Run(graph, InstanceState(initiator=initiator), replace(context, values=values))
    found = []
    for node in wanted:
        task = node.definition.user_task
        assert task is not None  # noqa: S101 - filtered above
        anybody = assigning.chooses_anybody(task.assignment)
        meant = assigning.resolve(run, _NOWHERE, node, "assignment", task.assignment)
        candidates = None if anybody else assigning.everybody(run, meant)
        if candidates is None or len(candidates) > 1:
            several = task.approval.mode != "one"
            found.append(Choice(node=node.name, label=node.definition.label, candidates=candidates, several=several))
    return found


def _defaults(graph: CompiledProcess, context: StepContext) -> dict[str, Any]:
    given = [(name, expression) for name, expression in graph.defaults if expression is not None]
    return {name: expression.value(context.values, context.feel()) for name, expression in given}


def check_choices(choices: Sequence[Choice], made: Mapping[str, Sequence[UUID]]) -> None:
    """Refuses with an ``InputError`` a choice that was not made, names somebody else, or too many."""
    problems = [found for choice in choices if (found := _problem(choice, made.get(choice.node, ())))]
    unknown = set(made) - {choice.node for choice in choices}
    problems += [_told(name, "process.no_choice") for name in sorted(unknown) if made[name]]
    if problems:
        raise InputError(problems)


def _problem(choice: Choice, people: Sequence[UUID]) -> InputProblem | None:
    if not people:
        return _told(choice.node, "process.choice_missing")
    if len(set(people)) > 1 and not choice.several:
        return _told(choice.node, "process.one_choice")
    return None if all(map(choice.allows, people)) else _told(choice.node, "process.not_a_candidate")


def _told(node: str, code: str) -> InputProblem:
    return InputProblem(pointer=pointer_of("choices", node), code=code)
