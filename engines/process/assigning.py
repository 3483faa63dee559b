"""Who gets a user task: from an assignment's words to people and roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from engines.process.definition import AssignmentDefinition
from engines.process.graph import Node
from engines.process.run import Run

NO_ASSIGNMENT = AssignmentDefinition()
# Levels above the initiator that are asked when nobody else is found.
_HIGHEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """People and roles that an assignment means."""

    people: tuple[UUID, ...] = ()
    roles: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.people or self.roles)


def resolve(run: Run, element: int, node: Node, part: str, assignment: AssignmentDefinition) -> Found:
    """Whom ``assignment`` means at a token: substitutes for the absent, nobody for who has left."""
    if assignment == NO_ASSIGNMENT:
        return Found()
    people: list[UUID] = []
    roles = [run.context.qualified(role) for role in assignment.roles]
    for key in ("person", "candidates", "field"):
        if getattr(assignment, key):
            people += persons(run.evaluate(node.people[f"{part}.{key}"], element))
    people += _by_organisation(run, element, node, part, assignment)
    if assignment.initiator and run.initiator:
        people.append(run.initiator)
    passed = run.passed.get(assignment.performer_of) if assignment.performer_of else None
    if passed and passed.by:
        people.append(passed.by)
    if assignment.decision and run.context.decisions:
        # A variable that is called like the decision would be taken for its result.
        inputs = {name: value for name, value in run.values(element).items() if name != assignment.decision}
        for item in _as_list(run.context.decisions.decide(assignment.decision, inputs)):
            if isinstance(item, str) and not _is_id(item):
                roles.append(run.context.qualified(item))
            else:
                people += persons(item)
    found = Found(people=tuple(dict.fromkeys(_present(run, people))), roles=tuple(dict.fromkeys(roles)))
    found = _without_empty_roles(run, found)
    return _chosen(run, node, assignment, found) if assignment.initiator_chooses else found


def _chosen(run: Run, node: Node, assignment: AssignmentDefinition, found: Found) -> Found:
    """Those of the candidates whom the initiator has chosen; all of them where none was, or none is one any more."""
    chosen = tuple(dict.fromkeys(_present(run, run.choices.get(node.name, ()))))
    if not chosen or chooses_anybody(assignment):
        return found if not chosen else Found(people=chosen)
    candidates = everybody(run, found)
    still = tuple(person for person in chosen if person in candidates)
    return Found(people=still) if still else found


def chooses_anybody(assignment: AssignmentDefinition) -> bool:
    """Whether the initiator chooses among all people: nothing else narrows who it may be."""
    return assignment == replace(
        NO_ASSIGNMENT, initiator_chooses=True, nobody=assignment.nobody, distribute=assignment.distribute
    )


def for_nobody(run: Run, rule: str) -> Found:
    """Who is asked where an assignment finds nobody: as ``nobody`` says; empty where that finds nobody either."""
    if rule == "escalate":
        superior = _superior(run)
        if superior is not None:
            return Found(people=(superior,))
    if rule in ("admin", "escalate"):
        return _without_empty_roles(run, Found(roles=run.context.admins))
    if rule.startswith("role:"):
        return _without_empty_roles(run, Found(roles=(run.context.qualified(rule.removeprefix("role:")),)))
    return Found()


def _superior(run: Run) -> UUID | None:
    """The next one above the initiator, by the reporting line or the departments, who is there to act."""
    directory, initiator = run.context.directory, run.initiator
    if directory is None or initiator is None:
        return None
    department = directory.department_of(initiator)
    line = (directory.manager_of(initiator, level) for level in range(1, _HIGHEST + 1))
    above = [*line, directory.head_of(department) if department else None]
    present = _present(run, (person for person in above if person is not None))
    return next((person for person in present if person != initiator), None)


def _by_organisation(run: Run, element: int, node: Node, part: str, assignment: AssignmentDefinition) -> Iterable[UUID]:
    directory = run.context.directory
    if directory is None:
        return
    if assignment.manager_of:
        for person in persons(run.evaluate(node.people[f"{part}.manager_of"], element)):
            manager = directory.manager_of(person, assignment.level)
            if manager:
                yield manager
    if assignment.department_head:
        for department in persons(run.evaluate(node.people[f"{part}.department_head"], element)):
            head = directory.head_of(department)
            if head:
                yield head
    if assignment.department:
        for department in persons(run.evaluate(node.people[f"{part}.department"], element)):
            yield from directory.members_of(department)


def _without_empty_roles(run: Run, found: Found) -> Found:
    """Without the roles that nobody holds, where the directory is there to be asked."""
    directory = run.context.directory
    if directory is None or not found.roles:
        return found
    return Found(people=found.people, roles=tuple(r for r in found.roles if directory.people_with_role(r)))


def _present(run: Run, people: Iterable[UUID]) -> Iterable[UUID]:
    directory = run.context.directory
    for person in people:
        working = directory.stand_in(person, run.context.now) if directory else person
        if working is not None:
            yield working


def persons(value: Any) -> list[UUID]:
    """People (or departments) that a FEEL value names: ids, contexts with an ``id``, or lists of these."""
    if value is None:
        return []
    if isinstance(value, UUID):
        return [value]
    if isinstance(value, Mapping):
        return persons(value.get("id"))
    if isinstance(value, (list, tuple)):
        return [person for item in value for person in persons(item)]
    return [UUID(value)] if isinstance(value, str) and _is_id(value) else []


def everybody(run: Run, found: Found) -> tuple[UUID, ...]:
    """The people meant, those who hold the roles included."""
    directory = run.context.directory
    held = [p for role in found.roles for p in (directory.people_with_role(role) if directory else ())]
    return tuple(dict.fromkeys([*found.people, *_present(run, held)]))


def distributed(run: Run, node: Node, assignment: AssignmentDefinition, people: tuple[UUID, ...]) -> UUID | None:
    """The one of several candidates who gets the task, where the step distributes its work."""
    if not people or not assignment.distribute:
        return None
    if run.context.workload is None:
        return people[run.serial % len(people)]
    if assignment.distribute == "least_busy":
        loads = run.context.workload.open_tasks(people)
        return min(people, key=lambda person: (loads.get(person, 0), people.index(person)))
    given = run.context.workload.last_given(run.graph.name, node.name, people)
    return min(people, key=lambda person: (given[person].timestamp() if person in given else 0, people.index(person)))


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
