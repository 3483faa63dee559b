"""Making many records at once, with the checks of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from engines.core import AccessDenied, InputProblem, new_id
from engines.form.compiled import CompiledField
from engines.form.pipeline import FormInput, run
from engines.form.records.attachments import attach_files, check_files
from engines.form.records.loading import load_contexts, parse_reference, row_contexts, rows_sent
from engines.form.records.prepared import chunks
from engines.form.records.references import choosable, unknown_in_list
from engines.form.records.source import source_of
from engines.form.records.stamps import new_system_values
from engines.form.records.world import World
from engines.form.records.writing import insert_children, taken
from engines.form.storage.bulk import insert_rows
from engines.form.storage.columns import SYSTEM_COLUMNS
from engines.form.storage.sort_keys import sort_key
from engines.form.storage.tables import StoredForm

Problems = dict[int, tuple[InputProblem, ...]]
Number = Callable[[StoredForm, Sequence[dict[str, Any]]], None]


def create_batch(
    world: World,
    form: StoredForm,
    rows: Sequence[Mapping[str, Any]],
    operation: str,
    number: Number,
    all_or_nothing: bool,
) -> tuple[list[dict[str, Any]], list[UUID | None], Problems]:
    """The records made (with system values), an id or None per row, and what is wrong with the others."""
    checked, problems = _checked(world, form, rows, operation)
    _refuse_references(world, form, checked, problems)
    _refuse_taken(world, form, checked, problems)
    for row, values in checked.items() if form.file_fields else ():
        _note(problems, row, check_files(world, form, None, values, None))
    good = {} if all_or_nothing and problems else {row: v for row, v in checked.items() if row not in problems}
    number(form, list(good.values()))
    made = [{**v, **new_system_values(world, new_id(), v)} for v in good.values()]
    for record in made if form.file_fields else ():
        attach_files(world, form, record["id"], record, None)
    _insert(world, form, made)
    _check_rights(world, form, made, operation)
    ids: list[UUID | None] = [None] * len(rows)
    for row, record in zip(good, made, strict=True):
        ids[row] = record["id"]
    return made, ids, problems


def _checked(
    world: World, form: StoredForm, rows: Sequence[Mapping[str, Any]], operation: str
) -> tuple[dict[int, dict[str, Any]], Problems]:
    rights = world.rights(form)
    writable = rights.writable_with(operation)
    contexts = _contexts(world, form, rows)
    checked: dict[int, dict[str, Any]] = {}
    problems: Problems = {}
    for place, values in enumerate(rows):
        given = FormInput(
            values=values,
            principal=world.principal,
            context=world.context,
            references={
                name: known if "." in name else known.get(parse_reference(values.get(name)))
                for name, known in contexts.items()
            },
            around=world.around,
            writable=writable,
        )
        result = run(form.compiled, given)
        if result.ok:
            checked[place] = dict(result.values)
        else:
            problems[place] = result.problems
    return checked, problems


def _contexts(world: World, form: StoredForm, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[UUID | None, Any]]:
    """What the form's expressions read of the records referred to, each loaded once."""
    found: dict[str, dict[UUID | None, Any]] = {}
    for name, paths in form.compiled.reads.items():
        if "." in name:
            sent = [row for values in rows for row in rows_sent(values, name)]
            found[name] = {key: known for key, known in row_contexts(world, form, name, paths, sent).items()}
            continue
        field = form.compiled.fields.get(name)
        target = world.forms.get(field.target) if field else None
        if target is not None:
            ids = {key for row in rows if (key := parse_reference(row.get(name))) is not None}
            loaded = load_contexts(world, target, sorted(ids), paths)
            found[name] = {key: record for key, record in loaded.items()}
    return found


def _refuse_references(
    world: World, form: StoredForm, checked: Mapping[int, dict[str, Any]], problems: Problems
) -> None:
    """Rows that point to records which may not be chosen; each record is looked up once for all rows."""
    for name, field in form.compiled.fields.items():
        for row, values in checked.items() if field.list_target else ():
            if unknown_in_list(world, field, values.get(name), None):
                _note(problems, row, [InputProblem(pointer=f"/{name}", code="form.unknown_record")])
    for field, table in _references(form):
        if field.choice_filter is not None:
            _refuse_each(world, form, field, table, checked, problems)
            continue
        wanted = {key for values in checked.values() for _, key in _keys(values, field, table)}
        good = choosable(world, field, wanted, {}) if wanted else set()
        for row, values in checked.items() if good != wanted else ():
            bad = [pointer for pointer, key in _keys(values, field, table) if key not in good]
            _note(problems, row, [InputProblem(pointer=pointer, code="form.unknown_record") for pointer in bad])


def _refuse_each(
    world: World,
    form: StoredForm,
    field: CompiledField,
    table: str,
    checked: Mapping[int, dict[str, Any]],
    problems: Problems,
) -> None:
    """With a filter that looks at the choosing record, each record asks for itself."""
    for row, values in checked.items():
        keys = list(_keys(values, field, table))
        record = {"parent": values} if table else values
        good = choosable(world, field, {key for _, key in keys}, record) if keys else set()
        bad = [pointer for pointer, key in keys if key not in good]
        _note(problems, row, [InputProblem(pointer=pointer, code="form.unknown_record") for pointer in bad])


def _references(form: StoredForm) -> Iterator[tuple[CompiledField, str]]:
    for field in form.compiled.fields.values():
        if field.target:
            yield field, ""
        for column in (field.rows or {}).values():
            if column.target:
                yield column, field.name


def _keys(values: Mapping[str, Any], field: CompiledField, table: str) -> Iterator[tuple[str, UUID]]:
    if not table:
        if values.get(field.name) is not None:
            yield f"/{field.name}", values[field.name]
        return
    for place, row in enumerate(values[table]):
        if row.get(field.name) is not None:
            yield f"/{table}/{place}/{field.name}", row[field.name]


def _refuse_taken(world: World, form: StoredForm, checked: Mapping[int, dict[str, Any]], problems: Problems) -> None:
    """Rows whose unique values are in the database, or in an earlier row of the batch."""
    for name, column in form.rows.columns.items():
        if not form.compiled.fields[name].definition.unique:
            continue
        wanted = [values[name] for values in checked.values() if values.get(name) is not None]
        seen: set[Any] = set()
        for part in chunks(wanted):
            query = select(column).where(column.in_(part), form.table.c.deleted_at.is_(None))
            seen |= set(world.connection.execute(query).scalars())
        for row, values in checked.items():
            value = values.get(name)
            if value is not None and value in seen:
                _note(problems, row, [InputProblem(pointer=f"/{name}", code="form.not_unique")])
            seen.add(value)


def _note(problems: Problems, row: int, found: Sequence[InputProblem]) -> None:
    if found:
        problems[row] = (*problems.get(row, ()), *found)


def _insert(world: World, form: StoredForm, made: Sequence[dict[str, Any]]) -> None:
    fields = list(form.rows.columns)
    keys = list(form.rows.sort_keys.items())
    columns = [*SYSTEM_COLUMNS, *(form.rows.columns[name].name for name in fields), *(key.name for _, key in keys)]
    rows = [
        [
            *(record[name] for name in SYSTEM_COLUMNS),
            *(record.get(name) for name in fields),
            *(sort_key(record.get(name)) for name, _ in keys),
        ]
        for record in made
    ]
    try:
        insert_rows(world.connection, form.table, columns, rows)
        for name, children in form.children.items():
            insert_children(world, children, [(record["id"], 1, record[name]) for record in made])
    except IntegrityError as error:
        raise taken(form, error) from error


def _check_rights(world: World, form: StoredForm, made: Sequence[Mapping[str, Any]], operation: str) -> None:
    """New records must meet the rows of a permission, as when one is made; else none is."""
    rights = world.rights(form)
    if rights.unlimited or any(not entry.limited for entry in rights.granting(operation)):
        return
    source = source_of(world, form)
    allowed = 0
    for part in chunks([record["id"] for record in made]):
        query = select(func.count()).where(source.selectable.c.id.in_(part), source.allowed(operation))
        allowed += world.connection.execute(query.select_from(source.selectable)).scalar_one()
    if allowed != len(made):
        raise AccessDenied(operation, form.name)
