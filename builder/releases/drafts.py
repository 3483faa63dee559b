"""The draft of an app: an ordered list of property edits with author and base value, over the release in force."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from builder.definitions import (
    MISSING,
    AppSource,
    Conflict,
    Document,
    Edit,
    Op,
    apply_edits,
    documents_of,
    source_from,
    split_path,
    value_at,
)
from builder.definitions.documents import flat_json
from builder.definitions.edits import require_path
from builder.identity import require_builder
from builder.storage.release_tables import draft as draft_table
from builder.storage.release_tables import draft_edit
from builder.workspace import Work
from builder.workspace.release_store import active_release, content_of
from engines.core import InputError, InputProblem, StateConflict, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftEdit:
    """One edit as it stands in a draft."""

    position: int
    edit: Edit
    author: UUID | None
    at: datetime
    # Id of the command that made it: what one action of a designer did is undone as one.
    command: str = ""


class Draft:
    """The open draft of an app as one transaction sees it. Made by ``open_draft``."""

    def __init__(self, work: Work, row: sa.Row[Any]) -> None:
        self._connection = work.connection
        self._principal = work.principal
        self._instant = work.instant
        self._command = str(work.command_id)
        # The files with all edits in force, and where these met other changes; read once, kept up with each edit.
        self._now: tuple[dict[str, Document], list[Conflict]] | None = None
        self.id: UUID = row.id
        self.app: str = row.app
        # Release it was begun on; it shows and is published over the one in force.
        self.base_release: int | None = row.base_release
        # Raised by every edit: hand it back with the next one, and two editors notice each other.
        self.version: int = row.version
        self.created_by: UUID | None = row.created_by

    @property
    def edits(self) -> list[DraftEdit]:
        """The edits in force, in order."""
        return self._read(undone=False)

    @property
    def undone(self) -> list[DraftEdit]:
        """The edits that ``redo`` would bring back, the next one first."""
        return self._read(undone=True)

    def documents(self) -> dict[str, Document]:
        """The app's files with the draft's edits in them, by key."""
        return self._folded()[0]

    def source(self) -> AppSource:
        """The app as it would be published, ready to be checked."""
        return source_from(self._folded()[0])

    def conflicts(self) -> list[Conflict]:
        """Where a release put in force since the draft was begun changed the same places."""
        return self._folded()[1]

    def value(self, path: str) -> Any:
        """The value at ``path`` in the draft, or MISSING."""
        return value_at(self.documents(), path)

    def edit(
        self, path: str, value: Any, *, after: str | None = None, file: str = "", version: int | None = None
    ) -> Edit:
        """Gives the property at ``path`` a value; a named child that is not there yet is inserted behind ``after``.

        ``file``: path of the file, for a whole new definition. ``version``: of the draft that the editor saw.
        """
        base = self.value(path)
        inserted = base is MISSING and self._is_child(path, value)
        op = Op.INSERT if inserted else Op.SET
        _, parts = split_path(path)
        if base is MISSING and not parts and not file:
            raise InputError([InputProblem(pointer="/file", code="release.file_needed", params={"path": path})])
        return self._add(Edit(op=op, path=path, value=value, base=base, after=after, file=file), version)

    def remove(self, path: str, *, version: int | None = None) -> Edit:
        """Takes away what stands at ``path``."""
        return self._add(Edit(op=Op.REMOVE, path=path, base=self.value(path)), version)

    def move(self, path: str, *, after: str | None, version: int | None = None) -> Edit:
        """Puts a named child behind its sibling ``after`` ("" is the first place, None the last)."""
        return self._add(Edit(op=Op.MOVE, path=path, after=after), version)

    def undo(self) -> Edit | None:
        """The edit taken back, or None where there is none."""
        edits = self.edits
        return self._mark(edits[-1], undone=True) if edits else None

    def redo(self) -> Edit | None:
        """The edit brought back, or None where nothing was undone since the last edit."""
        undone = self.undone
        return self._mark(undone[0], undone=False) if undone else None

    def undo_step(self) -> list[Edit]:
        """All edits of the command that edited last, taken back; empty where there is none."""
        edits = self.edits
        last = edits[-1].command if edits else ""
        step = [item for item in edits if item.command == last and last] or edits[-1:]
        return [self._mark(item, undone=True) for item in reversed(step)]

    def redo_step(self) -> list[Edit]:
        """All edits of the command that was taken back last, brought back; empty where there is none."""
        undone = self.undone
        first = undone[0].command if undone else ""
        step = [item for item in undone if item.command == first and first] or undone[:1]
        return [self._mark(item, undone=False) for item in step]

    def last_edit_of(self, path: str) -> DraftEdit | None:
        """The last edit of ``path``, of something in it or of what it is in; None where there is none."""
        around = (item for item in reversed(self.edits) if _touches(item.edit.path, path))
        return next(around, None)

    def discard(self) -> None:
        """Closes the draft; its edits stay readable in the database, and a new one begins empty."""
        self.close("discarded")

    def close(self, state: str) -> None:
        """Ends the draft as "published" or "discarded"."""
        self._connection.execute(sa.update(draft_table).where(draft_table.c.id == self.id).values(state=state))

    def _folded(self) -> tuple[dict[str, Document], list[Conflict]]:
        if self._now is None:
            found = active_release(self._connection, self.app)
            documents = documents_of(content_of(self._connection, found)) if found else {}
            self._now = apply_edits(documents, [item.edit for item in self.edits])
        return self._now

    def _is_child(self, path: str, value: Any) -> bool:
        """Whether ``path`` names a child of an array, by the value's own name."""
        _, parts = split_path(path)
        if not parts or not isinstance(value, dict):
            return False
        parent = value_at(self.documents(), path.rpartition("/")[0])
        return isinstance(parent, list) or (parent is MISSING and value.get("name") == parts[-1])

    def _add(self, edit: Edit, version: int | None) -> Edit:
        require_path(edit.path)
        before, known = self._folded()
        documents, conflicts = apply_edits(before, [edit])
        if any(conflict.kind == "gone" for conflict in conflicts):
            raise InputError([InputProblem(pointer="/path", code="release.no_such_place", params={"path": edit.path})])
        self._raise_version(version)
        self._connection.execute(sa.delete(draft_edit).where(draft_edit.c.draft == self.id, draft_edit.c.undone))
        position = sa.select(sa.func.coalesce(sa.func.max(draft_edit.c.position), 0)).where(
            draft_edit.c.draft == self.id
        )
        self._connection.execute(
            sa.insert(draft_edit).values(
                draft=self.id,
                position=self._connection.execute(position).scalar_one() + 1,
                path=edit.path,
                edit=flat_json({**edit.to_json(), "command": self._command}),
                at=self._instant,
                author=self._principal.id,
            )
        )
        self._now = documents, [*known, *conflicts]
        return edit

    def _mark(self, item: DraftEdit, *, undone: bool) -> Edit:
        self._raise_version(None)
        here = (draft_edit.c.draft == self.id, draft_edit.c.position == item.position)
        self._connection.execute(sa.update(draft_edit).where(*here).values(undone=undone))
        self._now = None
        return item.edit

    def _raise_version(self, seen: int | None) -> None:
        """Raises the version; ``StateConflict`` says who edited since ``seen``."""
        wanted = self.version if seen is None else seen
        statement = (
            sa.update(draft_table)
            .where(draft_table.c.id == self.id, draft_table.c.version == wanted, draft_table.c.state == "open")
            .values(version=draft_table.c.version + 1)
        )
        if self._connection.execute(statement).rowcount != 1:
            last = self.edits[-1:]
            params = {"author": str(last[0].author), "at": last[0].at.isoformat()} if last else {}
            raise StateConflict("release.draft_changed", app=self.app, **params)
        self.version = wanted + 1

    def _read(self, *, undone: bool) -> list[DraftEdit]:
        query = (
            sa.select(draft_edit)
            .where(draft_edit.c.draft == self.id, draft_edit.c.undone.is_(undone))
            .order_by(draft_edit.c.position)
        )
        return [_edit_of(row) for row in self._connection.execute(query)]


def open_draft(work: Work, app: str) -> Draft:
    """The open draft of ``app``, begun now where there is none; for those who may build the app."""
    require_builder(work.principal, app, "release.draft")
    found = find_draft(work, app)
    if found is not None:
        return found
    base = active_release(work.connection, app)
    if base is None:
        raise StateConflict("release.no_such_app", app=app)
    work.connection.execute(
        sa.insert(draft_table).values(
            id=new_id(), app=app, base_release=base.number, created_at=work.instant, created_by=work.principal.id
        )
    )
    return open_draft(work, app)


def find_draft(work: Work, app: str) -> Draft | None:
    """The open draft of ``app``, or None; works in a ``read`` too."""
    require_builder(work.principal, app, "release.draft")
    query = sa.select(draft_table).where(draft_table.c.app == app, draft_table.c.state == "open")
    row = work.connection.execute(query).one_or_none()
    return Draft(work, row) if row is not None else None


def _edit_of(row: sa.Row[Any]) -> DraftEdit:
    data = json.loads(row.edit, parse_float=Decimal)
    return DraftEdit(
        position=row.position,
        edit=Edit.from_json(data),
        author=row.author,
        at=row.at,
        command=data.get("command", ""),
    )


def _touches(one: str, other: str) -> bool:
    """Whether two paths are the same, or one is within the other."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
