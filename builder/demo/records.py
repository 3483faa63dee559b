"""The records of a demo: CSV files become records through the one way in, in short transactions, without events.

No events: three years of sample data must not send three years of mails and tasks.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.demo.definition import DemoDefinition, DemoFile
from builder.storage.identity_tables import department, membership, person
from builder.workspace import Work, Workspace
from engines.core import SYSTEM, InputError, InputProblem
from engines.core.clock import local_date
from engines.form import CompiledField, CompiledForm

_BATCH = 500
# Told what is being loaded, how many lines are done and how many there are.
Progress = Callable[[str, int, int], None]


@dataclass(slots=True, kw_only=True)
class _Known:
    """What keys stand for: people by login, departments by code, records by form and key."""

    people: Mapping[str, UUID]
    departments: Mapping[str, UUID]
    # Main department of each person: where records belong whose line names an owner only.
    homes: Mapping[UUID, UUID]
    records: dict[str, dict[str, UUID]] = field(default_factory=dict)
    # Days by which all dates are moved.
    shift: timedelta


def load_records(workspace: Workspace, app: str, demo: DemoDefinition, progress: Progress) -> int:
    """How many records were made; ``InputError`` where the form refuses one, after which that batch is not there."""
    with workspace.read(SYSTEM) as work:
        known = _Known(
            people={r.login: r.id for r in work.connection.execute(sa.select(person.c.login, person.c.id))},
            departments={r.code: r.id for r in work.connection.execute(sa.select(department.c.code, department.c.id))},
            homes={
                r.person: r.department for r in work.connection.execute(sa.select(membership).where(membership.c.main))
            },
            shift=local_date(workspace.clock) - demo.as_of,
        )
    return sum(_load_file(workspace, app, demo, file, known, progress) for file in demo.files)


def run_scores(workspace: Workspace, app: str, demo: DemoDefinition) -> None:
    """Runs the demo's score models in full."""
    for name in demo.scores:
        workspace.score_all(f"{app}.{name}", SYSTEM)


def _load_file(
    workspace: Workspace, app: str, demo: DemoDefinition, file: DemoFile, known: _Known, progress: Progress
) -> int:
    lines = _lines(demo, file.file)
    children = {name: _grouped(_lines(demo, path), parent) for name, (path, parent) in file.children.items()}
    done = 0
    for batch in _batches(lines):
        with workspace.work(SYSTEM, command="demo.records") as work:
            done += _load_batch(work, f"{app}.{file.form}", file, batch, children, known)
        progress(file.form, done, len(lines))
    return done


def _load_batch(
    work: Work,
    name: str,
    file: DemoFile,
    lines: Sequence[Mapping[str, str]],
    children: Mapping[str, Mapping[str, list[Mapping[str, str]]]],
    known: _Known,
) -> int:
    form = work.apps.form(name)
    convert = _Converter(work, form, known)
    rows = []
    for line in lines:
        row = convert.record(line)
        for table, groups in children.items():
            inner = form.fields[table].rows or {}
            parent = file.children[table][1]
            row[table] = [convert.row(inner, child, parent) for child in groups.get(line[file.key], ())]
        rows.append(row)
    result = work.records_as(SYSTEM, form.app).create_many(name, rows, all_or_nothing=True)
    refused = [problem for problems in result.problems.values() for problem in problems]
    if refused:
        raise InputError(refused)
    if file.key:
        ids = known.records.setdefault(name, {})
        ids.update((line[file.key], id) for line, id in zip(lines, result.ids, strict=True) if id is not None)
    return len(rows)


class _Converter:
    """Cells of a CSV file as values of a form's fields; ``InputError`` names a key that stands for nothing."""

    def __init__(self, work: Work, form: CompiledForm, known: _Known) -> None:
        self._zone = work.zone
        self._form = form
        self._known = known

    def record(self, line: Mapping[str, str]) -> dict[str, Any]:
        """The values of one line; empty cells are left to the form's defaults."""
        values: dict[str, Any] = {}
        for name, cell in line.items():
            if cell == "":
                continue
            if name == "owner":
                values[name] = self._find(self._known.people, name, cell)
            elif name == "department":
                values[name] = self._find(self._known.departments, name, cell)
            else:
                values[name] = self._value(self._form.fields[name], cell)
        home = self._known.homes.get(values["owner"]) if "owner" in values else None
        return {"department": home, **values} if home else values

    def row(self, fields: Mapping[str, CompiledField], line: Mapping[str, str], parent: str) -> dict[str, Any]:
        """The values of one row of a sub-table."""
        return {n: self._value(fields[n], cell) for n, cell in line.items() if n != parent and cell != ""}

    def _value(self, field: CompiledField, cell: str) -> Any:
        match field.kind.name:
            case "reference":
                return self._find(self._known.records.get(field.target, {}), field.name, cell)
            case "person":
                return self._find(self._known.people, field.name, cell)
            case "department":
                return self._find(self._known.departments, field.name, cell)
            case "date":
                return date.fromisoformat(cell) + self._known.shift
            case "datetime":
                return datetime.fromisoformat(cell).replace(tzinfo=self._zone) + self._known.shift
            case "boolean":
                return cell.lower() == "true"
        return cell

    def _find(self, known: Mapping[str, UUID], name: str, key: str) -> UUID:
        if key not in known:
            params = {"form": self._form.name, "field": name, "key": key}
            raise InputError([InputProblem(pointer=f"/{name}", code="demo.unknown_key", params=params)])
        return known[key]


def _lines(demo: DemoDefinition, name: str) -> list[Mapping[str, str]]:
    with (demo.folder / name).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _grouped(lines: Sequence[Mapping[str, str]], column: str) -> dict[str, list[Mapping[str, str]]]:
    groups: dict[str, list[Mapping[str, str]]] = {}
    for line in lines:
        groups.setdefault(line[column], []).append(line)
    return groups


def _batches(lines: Sequence[Mapping[str, str]]) -> Iterator[list[Mapping[str, str]]]:
    stream = iter(lines)
    while batch := list(islice(stream, _BATCH)):
        yield batch
