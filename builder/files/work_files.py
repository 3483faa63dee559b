"""The files of a unit of work: what its records may hold, bound to them in its transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import sqlalchemy as sa

from builder.files.naming import current_field, current_form, current_path, former_paths
from builder.files.registry import ATTACHED, DOOMED, STAGED, FileInfo, file_infos
from builder.storage.file_tables import file as table
from engines.core import InputError, InputProblem, Principal, PrincipalKind
from engines.core.ports import StoredFile
from engines.form import Record

if TYPE_CHECKING:
    from builder.workspace.work import Work


def holder_of(principal: Principal) -> str:
    """Who holds what this principal uploads: a person, a visitor by their cookie, or the system; "" for nobody."""
    match principal.kind:
        case PrincipalKind.PERSON:
            return f"person:{principal.id}"
        case PrincipalKind.PUBLIC:
            visitor = principal.attributes.get("visitor")
            return f"visitor:{visitor}" if visitor else ""
        case PrincipalKind.SYSTEM:
            return "system"
    return ""


class WorkFiles:
    """What one principal may do with files inside a unit of work; the ``Files`` port of its records."""

    def __init__(self, work: Work, principal: Principal) -> None:
        self._work = work
        self._principal = principal
        # Who sits before it all counts as well: a rule or a step writes what its person has uploaded.
        self._holders = {holder_of(principal), holder_of(work.principal)} - {""}
        self._records: dict[tuple[str, UUID], Record | None] = {}

    def find(self, form: str, record: UUID | None, ids: Collection[UUID]) -> Mapping[UUID, StoredFile]:
        """Those of ``ids`` that may be put into a record of ``form``."""
        found = file_infos(self._work.connection, table.c.id.in_(list(ids)))
        return {info.id: info.stored for info in found if self._may_use(info, form)}

    def may_read(self, info: FileInfo) -> bool:
        """Whether the principal may have the bytes: waiting files are their holder's, others go with their record."""
        if self._principal.kind is PrincipalKind.SYSTEM:
            return True
        if info.state == STAGED:
            return info.holder in self._holders
        return self._reads_field(info)

    def attach(self, form: str, record: UUID, field: str, ids: Sequence[UUID]) -> Mapping[UUID, StoredFile]:
        """Binds found files to a field of a record, in this transaction; files of other places are copied."""
        query_lock = self._work.connection.dialect.name == "postgresql"
        if query_lock:
            # Nobody takes one away while it is being copied or bound.
            rows = sa.select(table.c.id).where(table.c.id.in_(list(ids))).order_by(table.c.id)
            self._work.connection.execute(rows.with_for_update())
        found = {info.id: info for info in file_infos(self._work.connection, table.c.id.in_(list(ids)))}
        return {id: self._bind(found.get(id), form, record, field).stored for id in ids}

    def erase(self, form: str, record: UUID, fields: Collection[str]) -> None:
        """Takes away what the fields hold or ever held: the rows now, the bytes once this is committed."""
        compiled = self._work.apps.form(form)
        paths = {name for field in fields for name in former_paths(compiled, field)}
        mine = sa.and_(table.c.record_id == record, table.c.field.in_(paths))
        self._work.connection.execute(sa.update(table).where(mine).values(state=DOOMED))
        self._work.after_commit(lambda: _sweep_doomed(self._work))

    # -- inside

    def _may_use(self, info: FileInfo, form: str) -> bool:
        if self._principal.kind is PrincipalKind.SYSTEM:
            return True
        if info.state == STAGED:
            return info.form == form and info.holder in self._holders
        return self._reads_field(info)

    def _reads_field(self, info: FileInfo) -> bool:
        """Whether the record and the field that hold a file may be read."""
        form = current_form(self._work.apps, info.form)
        field = current_field(form, info.field) if form else ""
        if form is None or not field or info.record_id is None:
            return False
        record = self._record(form.name, info.record_id)
        if record is None or field not in record.values or field in record.masked:
            return False
        return "." not in info.field or self._reads_column(form.name, info.record_id, current_path(form, info.field))

    def _reads_column(self, form: str, id: UUID, path: str) -> bool:
        records = self._work.records_as(self._principal, form.partition(".")[0])
        return records.access(form, id).get(path, "hidden") in ("read", "write")

    def _record(self, form: str, id: UUID) -> Record | None:
        if (form, id) not in self._records:
            records = self._work.records_as(self._principal, form.partition(".")[0])
            self._records[form, id] = records.get(form, id)
        return self._records[form, id]

    def _bind(self, info: FileInfo | None, form: str, record: UUID, field: str) -> FileInfo:
        if info is None:
            raise _gone()
        if info.state == ATTACHED and (info.record_id, info.field) == (record, field):
            return info
        place = {
            "state": ATTACHED,
            "form": form,
            "field": field,
            "record_id": record,
            "attached_at": self._work.instant,
        }
        if info.state == STAGED:
            waiting = sa.update(table).where(table.c.id == info.id, table.c.state == STAGED)
            if self._work.connection.execute(waiting.values(place)).rowcount != 1:
                raise _gone()
            return info
        return self._copy(info, place)

    def _copy(self, info: FileInfo, place: Mapping[str, object]) -> FileInfo:
        """Another file of the same bytes, with rights of its own."""
        kept = {name: getattr(info, name) for name in ("blob", "name", "type", "size", "sha256", "thumbnail")}
        row = {**kept, "holder": "system", **place, "id": uuid4()}
        stamp = {"created_at": self._work.instant, "created_by": self._principal.id}
        self._work.connection.execute(sa.insert(table).values(**row, **stamp))
        return file_infos(self._work.connection, table.c.id == row["id"])[0]


def _gone() -> InputError:
    """Somebody else used or took away the file a moment ago."""
    return InputError([InputProblem(pointer="", code="form.unknown_file", params={"name": ""})])


def _sweep_doomed(work: Work) -> None:
    from builder.files.sweeping import sweep_doomed

    sweep_doomed(work.workspace)
