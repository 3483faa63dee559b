"""Who gets a user task: from an assignment's words to people and roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engines.process.definition import AssignmentDefinition
from engines.process.graph import Node
from engines.process.run import Run

NO_ASSIGNMENT = AssignmentDefinition()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """People and roles that an assignment means."""

    people: tuple[UUID, ...] = ()
    roles: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.people or self.roles)


def resolve(run: Run, element: int, node: Node, part: str, assignment: AssignmentDefinition) -> Found:
    """Whom ``assignment`` means at a token; absent people are replaced by their substitutes."""
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
        for item in _as_list(run.context.decisions.decide(assignment.decision, run.values(element))):
            if isinstance(item, str) and not _is_id(item):
                roles.append(run.context.qualified(item))
            else:
                people += persons(item)
    found = Found(people=tuple(dict.fromkeys(_present(run, people))), roles=tuple(dict.fromkeys(roles)))
    return _without_empty_roles(run, found)


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
        substitute = directory.substitute_of(person, run.context.now) if directory else None
        yield substitute or person


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


def distributed(run: Run, assignment: AssignmentDefinition, people: tuple[UUID, ...]) -> UUID | None:
    """The one of several candidates who gets the task, where the step distributes its work."""
    if not people or not assignment.distribute:
        return None
    if assignment.distribute == "least_busy" and run.context.workload is not None:
        loads = run.context.workload.open_tasks(people)
        return min(people, key=lambda person: (loads.get(person, 0), people.index(person)))
    return people[run.serial % len(people)]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
