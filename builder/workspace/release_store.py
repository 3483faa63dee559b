"""Releases as rows: their contents by hash, which one is in force, and what was put in force when."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.definitions import AppSource, Edit, content_hash, layer_of, layer_text, source_of
from builder.definitions.fingerprint import engine_fingerprint
from builder.storage.release_tables import activation, app, blob, release
from builder.storage.workspace_tables import workspace
from engines.core import StateConflict


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of one app; never changes."""

    app: str
    number: int
    # SHA-256 of the package's, the layer's and the folded content's hashes.
    hash: str
    package_hash: str
    layer_hash: str
    content_hash: str
    version: str
    note: str
    plan: Any
    published_at: datetime
    published_by: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """One change of what is in force."""

    generation: int
    app: str
    release: int
    # "publish" or "rollback"
    kind: str
    at: datetime
    by: UUID | None


def active_releases(connection: Connection) -> dict[str, Release]:
    """The releases in force by app: the workspace's active set."""
    query = sa.select(release).join(app, sa.and_(app.c.name == release.c.app, app.c.active_release == release.c.number))
    return {row.app: _release(row) for row in connection.execute(query.order_by(release.c.app))}


def active_release(connection: Connection, name: str) -> Release | None:
    """The release of an app that is in force, or None where the app is not installed."""
    query = sa.select(release).join(app, sa.and_(app.c.name == release.c.app, app.c.active_release == release.c.number))
    row = connection.execute(query.where(app.c.name == name)).one_or_none()
    return _release(row) if row is not None else None


def get_release(connection: Connection, name: str, number: int) -> Release:
    """A release by number; ``StateConflict`` where there is none."""
    query = sa.select(release).where(release.c.app == name, release.c.number == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise StateConflict("release.unknown", app=name, release=number)
    return _release(row)


def releases_of(connection: Connection, name: str) -> list[Release]:
    """All releases of an app, newest first."""
    rows = connection.execute(sa.select(release).where(release.c.app == name).order_by(release.c.number.desc()))
    return [_release(row) for row in rows]


def activations_of(connection: Connection, name: str) -> list[Activation]:
    """What was put in force when, newest first."""
    query = sa.select(activation).where(activation.c.app == name).order_by(activation.c.generation.desc())
    return [
        Activation(generation=r.generation, app=r.app, release=r.release, kind=r.kind, at=r.at, by=r.by)
        for r in connection.execute(query)
    ]


def content_of(connection: Connection, found: Release, *, checked: bool = False) -> AppSource:
    """The definitions of a release: the package with its layer folded in.

    ``checked``: they need no check, because this engine has made it or because they ran before.
    """
    source = source_of(_files(connection, found.content_hash))
    return source.as_checked() if checked else source


def is_checked(connection: Connection, found: Release, others: Mapping[str, Release]) -> bool:
    """Whether this very engine has checked the release's content beside those of the other apps, without an error."""
    hash = content_hash({"": _statement(found, others)})
    return connection.execute(sa.select(blob.c.hash).where(blob.c.hash == hash)).first() is not None


def note_checked(connection: Connection, found: Release, others: Mapping[str, Release]) -> None:
    """Keeps that the check of ``found`` beside ``others`` found no error."""
    _put_blobs(connection, [_statement(found, others)])


def _statement(found: Release, others: Mapping[str, Release]) -> str:
    """A sentence that is true for ever, stored by its own hash like everything a release consists of."""
    beside = {name: other.content_hash for name, other in others.items() if name != found.app}
    said = {"checked": found.content_hash, "beside": beside, "engine": engine_fingerprint()}
    return json.dumps(said, sort_keys=True)


def package_of(connection: Connection, found: Release) -> AppSource:
    """The untouched package of a release."""
    return source_of(_files(connection, found.package_hash))


def layer_in(connection: Connection, found: Release) -> list[Edit]:
    """What the customer changed in that package."""
    return layer_of(_blobs(connection, [found.layer_hash])[found.layer_hash])


def add_release(
    connection: Connection,
    *,
    package: AppSource,
    layer: list[Edit],
    content: AppSource,
    name: str,
    version: str,
    plan: Any,
    note: str,
    at: datetime,
    by: UUID | None,
) -> Release:
    """The new release of app ``name``, stored but not in force yet."""
    if connection.execute(sa.select(app.c.name).where(app.c.name == name)).first() is None:
        connection.execute(sa.insert(app).values(name=name, installed_at=at))
    newest = sa.select(sa.func.max(release.c.number)).where(release.c.app == name)
    hashes = {
        "package_hash": _put_files(connection, package.texts()),
        "layer_hash": _put_blobs(connection, [layer_text(layer)])[0],
        "content_hash": _put_files(connection, content.texts()),
    }
    row = Release(
        app=name,
        number=(connection.execute(newest).scalar_one() or 0) + 1,
        hash=content_hash(hashes),
        version=version,
        note=note,
        plan=plan,
        published_at=at,
        published_by=by,
        **hashes,
    )
    columns = ("app", "number", "hash", "version", "note", "plan", "published_at", "published_by", *hashes)
    connection.execute(sa.insert(release).values({column: getattr(row, column) for column in columns}))
    return row


def put_in_force(connection: Connection, found: Release, *, kind: str, at: datetime, by: UUID | None) -> int:
    """The new number of the workspace's set of releases, with ``found`` in it."""
    connection.execute(sa.update(app).where(app.c.name == found.app).values(active_release=found.number))
    generation = raise_generation(connection)
    connection.execute(
        sa.insert(activation).values(
            generation=generation, app=found.app, release=found.number, kind=kind, at=at, by=by
        )
    )
    return generation


def raise_generation(connection: Connection) -> int:
    """The next number of the set: tells every process to read the catalogue again."""
    connection.execute(sa.update(workspace).values(generation=workspace.c.generation + 1))
    number: int = connection.execute(sa.select(workspace.c.generation)).scalar_one()
    return number


def _release(row: sa.Row[Any]) -> Release:
    columns = ("app", "number", "hash", "package_hash", "layer_hash", "content_hash", "version", "note", "plan")
    values = {column: getattr(row, column) for column in columns}
    return Release(published_at=row.published_at, published_by=row.published_by, **values)


def _files(connection: Connection, manifest: str) -> dict[str, str]:
    """Path to text of the files that a manifest lists."""
    entries: Mapping[str, str] = json.loads(_blobs(connection, [manifest])[manifest])
    texts = _blobs(connection, set(entries.values()))
    return {path: texts[hash] for path, hash in entries.items()}


def _put_files(connection: Connection, texts: Mapping[str, str]) -> str:
    """The hash of the manifest of ``texts``, all of them stored."""
    hashes = _put_blobs(connection, texts.values())
    manifest = json.dumps(dict(zip(texts, hashes, strict=True)), ensure_ascii=False, sort_keys=True)
    return _put_blobs(connection, [manifest])[0]


def _put_blobs(connection: Connection, texts: Collection[str]) -> list[str]:
    """The hashes of ``texts`` in order; what is there already is not written again."""
    by_hash = {content_hash({"": text}): text for text in texts}
    known = set(connection.execute(sa.select(blob.c.hash).where(blob.c.hash.in_(list(by_hash)))).scalars())
    new = [{"hash": hash, "content": text.encode()} for hash, text in by_hash.items() if hash not in known]
    if new:
        connection.execute(sa.insert(blob), new)
    order = {text: hash for hash, text in by_hash.items()}
    return [order[text] for text in texts]


def _blobs(connection: Connection, hashes: Iterable[str]) -> dict[str, str]:
    rows = connection.execute(sa.select(blob).where(blob.c.hash.in_(list(hashes))))
    return {row.hash: row.content.decode() for row in rows}
