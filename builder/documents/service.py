"""The service of processes that makes a document of a record and puts it into one of its fields."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from builder.documents.filling import make
from builder.files import Upload, receive
from builder.runtime.process.services import ServiceCall
from builder.runtime.recipients import identity
from engines.core import SYSTEM, InputError, InputProblem
from engines.form import AttachmentType

if TYPE_CHECKING:
    from builder.workspace import Work, Workspace


def document(workspace: Workspace, given: ServiceCall) -> Any:
    """``{id, name}`` of the file. Input: ``document``, ``field`` (of attachments); ``id`` where it is not the subject.

    The app's own rights hold. Made again after a failure, it attaches nothing twice.
    """
    name, field = str(given.need("document")), str(given.need("field"))
    record = identity(given.input.get("id")) or (given.subject[1] if given.subject else None)
    with workspace.read(SYSTEM) as work:
        found = work.apps[given.app].documents.get(name)
        if found is None or record is None:
            raise InputError([InputProblem(pointer="/input/document", code="process.service_input_missing")])
        records = work.records_as(work.as_app(given.app), given.app)
        kind = records.world.form(found.form).compiled.fields[field].kind
        if not isinstance(kind, AttachmentType):
            raise InputError([InputProblem(pointer="/input/field", code="process.service_input_missing")])
        made = make(work, found, record, records)
        most = kind.largest(records.world.form(found.form).compiled.fields[field].definition)
    upload = Upload(
        stream=io.BytesIO(made.content), name=made.name, form=found.form, field=field, holder="system", max_size=most
    )
    stored = receive(workspace, SYSTEM, upload)

    def attach(work: Work) -> Any:
        around = work.service("around")
        root = around.processes.shell.hold(given.instance_id).root_id
        before = around.records(given.app).get(found.form, record)
        held = list((before[field] if before else None) or ())
        new = {"id": str(stored.id), "name": stored.name, "size": stored.size, "type": stored.type}
        with work.locks.within(root):
            values = {field: [*held, new]}
            source = {"kind": "process", "name": given.process, "node": given.node, "instance": str(given.instance_id)}
            around.write(given.app).update(found.form, record, values, source=source)
        work.result = {"id": str(stored.id), "name": stored.name}
        return work.result

    return workspace.run(attach, SYSTEM, command="process.document", key=given.key)
