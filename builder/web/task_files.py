"""Files beside a decision or a comment on a task: their inputs, taking them in, and showing them in the timeline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Response, abort, request, url_for

from builder.files import FileInfo, Upload, holder_of, receive
from builder.runtime.process.evidence import ATTACHMENT, FORM, MOST, SIGNATURE, evidence_of
from builder.web.context import _, site
from builder.web.files import upload_answer
from builder.web.forms import Cell
from builder.workspace import Work
from engines.core import LocalizedText
from engines.form import FieldDefinition

# Largest file beside a decision, in bytes; the workspace's own limit may be lower.
LARGEST = 50_000_000


def files_cell(task_id: UUID, suffix: str = "") -> Cell:
    """The input for attachments."""
    label = _("Attachments")
    return Cell(
        definition=FieldDefinition(name="attachment", type="attachments", label=LocalizedText.of(label)),
        name="_attachment",
        label=label,
        widget="files",
        source=url_for("inbox.evidence", id=task_id, kind=ATTACHMENT),
        parts={"files": [], "most": MOST, "largest": LARGEST, "accept": "", "pictures": False},
        id_suffix=suffix,
    )


def signature_cell(row: sa.Row[Any], problem: str = "") -> Cell | None:
    """The input for a signature, where the step has one."""
    wanted = row.details.get("signature")
    if not wanted:
        return None
    label = _("Signature")
    return Cell(
        definition=FieldDefinition(name="signature", type="signature", label=LocalizedText.of(label)),
        name="_signature",
        label=label,
        widget="signature",
        required=wanted == "required",
        problems=(problem,) if problem else (),
        source=url_for("inbox.evidence", id=row.id, kind=SIGNATURE),
        parts={"files": []},
    )


def files_named(values: Sequence[str]) -> tuple[UUID, ...]:
    """Ids of files as their inputs send them; what is none is passed over."""
    return tuple(dict.fromkeys(id for text in values if (id := _id_of(text)) is not None))


def _id_of(text: str) -> UUID | None:
    try:
        data = json.loads(text) if text else None
        return UUID(str(data["id"])) if isinstance(data, dict) and "id" in data else None
    except ValueError:
        return None


def take(kind: str) -> Response:
    """Takes the file that the request carries, for a decision or comment that is still to be made."""
    sent = request.files.get("file")
    if sent is None or not sent.filename or kind not in (ATTACHMENT, SIGNATURE):
        abort(400)
    principal = site().principal
    upload = Upload(
        stream=sent.stream,
        name=sent.filename,
        form=FORM,
        field=kind,
        holder=holder_of(principal),
        max_size=LARGEST,
        kinds=("image/*",) if kind == SIGNATURE else (),
        picture=kind == SIGNATURE,
    )
    return upload_answer(lambda: receive(site().workspace, principal, upload))


def shown_files(work: Work, row: sa.Row[Any]) -> dict[tuple[datetime, UUID | None], list[dict[str, Any]]]:
    """Files by when and by whom they were put there: the line of the timeline that they belong to."""
    found: dict[tuple[datetime, UUID | None], list[dict[str, Any]]] = {}
    for info, by, at in evidence_of(work, row.instance_id, row.id):
        found.setdefault((at, by), []).append(_shown(row.id, info))  # type: ignore[arg-type]
    return found


def _shown(task_id: UUID, info: FileInfo) -> dict[str, Any]:
    small = url_for("inbox.file", id=task_id, file=info.id, small=1) if info.thumbnail else ""
    return {
        "name": info.name,
        "href": url_for("inbox.file", id=task_id, file=info.id),
        "picture": small,
        "signature": info.field == SIGNATURE,
    }
