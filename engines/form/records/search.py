"""Full-text search: Chinese as overlapping pairs of characters, other texts as words, names by pinyin initials.

Every token carries its field, so that a search never finds what the searcher may not read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zlib import crc32

from sqlalchemy import ColumnElement, Connection, Text, and_, bindparam, func, literal, null, or_, select, text

from engines.feel.storage import Identifier
from engines.form.definition import ACCESS_LEVELS
from engines.form.records.prepared import chunks
from engines.form.records.record import Count
from engines.form.records.source import FormSource, source_of
from engines.form.records.world import World
from engines.form.storage.sort_keys import initials
from engines.form.storage.tables import StoredForm

_RUNS = re.compile(r"([\u3400-\u9fff\U00020000-\U0003ffff]+)|([^\W_]+)")
_MOST_TOKENS = 20_000
_MOST_WORDS = 16
_READ = ACCESS_LEVELS["read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A record that a search found."""

    form: str
    id: UUID
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRecord:
    """A record that a search found, with what was searched in it."""

    id: UUID
    title: str
    # Searched field to its text, of those that may be read.
    texts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchGroup:
    """What a search found in one form."""

    form: str
    hits: tuple[FoundRecord, ...]
    count: Count


def search_words(value: str) -> list[str]:
    """The words of a search as they are looked for in a text: runs of Chinese, and words in lower case."""
    return list(dict.fromkeys(run or word for run, word in _RUNS.findall(value.lower())))[:_MOST_WORDS]


def tokens(value: str) -> Iterator[str]:
    """The tokens of a stored text: pairs of Chinese characters and the last one alone, words in lower case."""
    for run, word in _RUNS.findall(value.lower()):
        if run:
            yield from (run[place : place + 2] for place in range(len(run)))
        else:
            yield word[:64]


def query_tokens(value: str) -> list[tuple[str, bool]]:
    """The tokens that a search asks for, and whether each may be the beginning of a longer one."""
    found: list[tuple[str, bool]] = []
    for run, word in _RUNS.findall(value.lower()):
        if len(run) > 1:
            found += [(run[place : place + 2], False) for place in range(len(run) - 1)]
        else:
            found.append(((run or word)[:64], True))
    return list(dict.fromkeys(found))[:_MOST_WORDS]


def ensure_search(connection: Connection, form: StoredForm) -> None:
    """Creates the search tables of a form that are missing."""
    if not form.searched:
        return
    name = form.table.name
    if connection.dialect.name == "sqlite":
        connection.execute(
            text(f'CREATE TABLE IF NOT EXISTS "n_{name}" (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE)')
        )
        options = "tokenize=\"unicode61 remove_diacritics 0 tokenchars '_'\", detail=none, columnsize=0"
        connection.execute(text(f'CREATE VIRTUAL TABLE IF NOT EXISTS "x_{name}" USING fts5(body, {options})'))
        return
    connection.execute(text(f'CREATE TABLE IF NOT EXISTS "x_{name}" (id UUID PRIMARY KEY, body TSVECTOR NOT NULL)'))
    connection.execute(text(f'CREATE INDEX IF NOT EXISTS "i_x_{name}" ON "x_{name}" USING GIN (body)'))


def _mark(form: StoredForm, field: str) -> str:
    """The prefix of a field's tokens: of its physical name, which never changes."""
    return f"{crc32(form.rows.columns[field].name.encode()):08x}_"


def _body(form: StoredForm, fields: Collection[str], record: Mapping[str, Any]) -> list[str]:
    found: dict[str, None] = {}
    for name in fields:
        value = record.get(name)
        if value is None:
            continue
        words = " ".join(value) if isinstance(value, list) else str(value)
        mark = _mark(form, name)
        found |= dict.fromkeys(mark + token for token in tokens(words))
        if short := initials(words):
            found[mark + short] = None
    return list(found)[:_MOST_TOKENS]


def index_records(
    world: World, form: StoredForm, records: Sequence[Mapping[str, Any]], fields: Collection[str] = ()
) -> None:
    """Brings the search index of records up to date; deleted ones leave it by the rights' condition, not here."""
    fields = fields or list(form.searched)
    if not fields or not records:
        return
    bodies = [(record["id"], _body(form, fields, record)) for record in records]
    if world.connection.dialect.name == "sqlite":
        _index_sqlite(world.connection, form.table.name, bodies)
    else:
        rows = [{"id": key, "body": body} for key, body in bodies]
        insert = f'INSERT INTO "x_{form.table.name}" VALUES (:id, array_to_tsvector(CAST(:body AS text[])))'  # noqa: S608
        world.connection.execute(text(f"{insert} ON CONFLICT (id) DO UPDATE SET body = excluded.body"), rows)


def _index_sqlite(connection: Connection, name: str, bodies: Sequence[tuple[UUID, list[str]]]) -> None:
    cursor = connection.connection.cursor()
    try:
        keys = [(key.bytes,) for key, _ in bodies]
        cursor.executemany(f'INSERT OR IGNORE INTO "n_{name}" (id) VALUES (?)', keys)  # noqa: S608
        insert = f'INSERT OR REPLACE INTO "x_{name}" (rowid, body) SELECT n, ? FROM "n_{name}" WHERE id = ?'  # noqa: S608
        cursor.executemany(insert, [(" ".join(body), key.bytes) for key, body in bodies])
    finally:
        cursor.close()


def matching(source: FormSource, words: str, *, every: bool = True) -> ColumnElement[bool] | None:
    """The condition that a record holds all of ``words`` (or any of them) in fields that may be read.

    None where nothing can match.
    """
    wanted = query_tokens(words)
    conditions = []
    for fields, rows in _searchable(source):
        found = _holding(source, fields, wanted, every) if fields and wanted else None
        if found is not None:
            conditions.append(found if rows is None else and_(rows, found))
    return or_(*conditions) if conditions else None


def _searchable(source: FormSource) -> Iterator[tuple[list[str], ColumnElement[bool] | None]]:
    """The searched fields that may be read in all records that are seen, then the more of them that some let read."""
    rights, searched = source.rights, source.form.searched
    always = [name for name in searched if rights is None or rights.always(name, "read")]
    yield always, None
    for entry in rights.granting("see") if rights is not None and len(always) < len(searched) else ():
        fields = [n for n in searched if n in always or ACCESS_LEVELS[entry.definition.access_to(n)] >= _READ]
        if len(fields) > len(always):
            yield fields, source.condition(entry)


def _holding(
    source: FormSource, fields: Sequence[str], wanted: Sequence[tuple[str, bool]], every: bool
) -> ColumnElement[bool]:
    """The condition that ``fields`` together hold the wanted tokens."""
    form = source.form
    marks = [_mark(form, name) for name in fields]
    name, sqlite = form.table.name, source.world.connection.dialect.name == "sqlite"
    if sqlite:
        query = (" AND " if every else " OR ").join(
            "(" + " OR ".join(f'"{m}{w}"{"*" * part}' for m in marks) + ")" for w, part in wanted
        )
        joined = f'"x_{name}" AS x JOIN "n_{name}" AS n ON n.n = x.rowid'
        found = text(f'SELECT n.id FROM {joined} WHERE x."x_{name}" MATCH :words')  # noqa: S608
    else:
        query = (" & " if every else " | ").join(
            "(" + " | ".join(f"'{m}{w}'{':*' * part}" for m in marks) + ")" for w, part in wanted
        )
        found = text(f'SELECT id FROM "x_{name}" WHERE body @@ CAST(:words AS tsquery)')  # noqa: S608
    bound = found.bindparams(bindparam("words", query, Text(), unique=True)).columns(id=Identifier())
    return source.selectable.c.id.in_(select(bound.subquery().c.id))


def search_all(world: World, words: str, names: Iterable[str] | None, limit: int) -> list[SearchHit]:
    """Records of several forms, newest first within each; rights are part of each query, before its limit."""
    found: list[SearchHit] = []
    for form in [world.form(name) for name in names] if names is not None else list(world.forms.values()):
        if not world.rights(form).may("see") or len(found) >= limit:
            continue
        source = source_of(world, form)
        condition = matching(source, words)
        if condition is None:
            continue
        title = source.column(form.compiled.title) if form.compiled.title else None
        columns = [source.selectable.c.id, *([title.element] if title else [])]
        query = select(*columns).where(condition, source.visible_rows()).order_by(source.selectable.c.id.desc())
        for row in world.connection.execute(query.limit(limit - len(found))):
            found.append(
                SearchHit(form=form.name, id=row[0], title=str(row[1]) if title and row[1] is not None else "")
            )
    return found


def search_groups(world: World, words: str, names: Iterable[str], limit: int, cap: int = 1000) -> list[SearchGroup]:
    """What a search finds, form by form, newest first; rights are part of each query, before its limit and count."""
    found = []
    for form in (world.form(name) for name in names):
        group = _group(world, form, words, limit, cap) if world.rights(form).may("see") else None
        if group is not None:
            found.append(group)
    return found


def _group(world: World, form: StoredForm, words: str, limit: int, cap: int) -> SearchGroup | None:
    source = source_of(world, form)
    condition = matching(source, words)
    if condition is None:
        return None
    name = form.compiled.title
    title = source.column(name) if name else None
    fields = [field for field in form.searched if source.rights is None or source.rights.always(field, "read")]
    texts = {field: column.element for field in fields if (column := source.column(field)) is not None}
    visible = (condition, source.visible_rows())
    key = source.selectable.c.id
    query = select(key, title.element if title else null(), *texts.values()).where(*visible)
    rows = world.connection.execute(query.order_by(key.desc()).limit(limit)).all()
    if not rows:
        return None
    inner = select(literal(1)).select_from(source.selectable).where(*visible).limit(cap + 1).subquery()
    count = world.connection.execute(select(func.count()).select_from(inner)).scalar_one()
    hits = tuple(
        FoundRecord(
            id=row[0],
            title="" if row[1] is None else str(row[1]),
            texts={field: value for field, value in zip(texts, row[2:], strict=True) if value is not None},
        )
        for row in rows
    )
    return SearchGroup(form=form.name, hits=hits, count=Count(value=min(count, cap), capped=count > cap))


def reindex(world: World, form: StoredForm, after: UUID | None = None, limit: int = 1000) -> UUID | None:
    """Indexes the next ``limit`` records anew, for a publish that changes what is searched; gives where to go on."""
    fields = form.searched
    table = form.table.c
    columns = [table[form.rows.columns[name].name] for name in fields]
    query = select(table.id, *columns).order_by(table.id).limit(limit)
    rows = world.connection.execute(query if after is None else query.where(table.id > after)).all()
    for part in chunks(rows):
        index_records(world, form, [{"id": row[0], **dict(zip(fields, row[1:], strict=True))} for row in part])
    return rows[-1][0] if len(rows) == limit else None
