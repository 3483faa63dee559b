"""A draft tried on the workspace's own data: why and why not for a record, and what it would have done in the past."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, render_template, request

from builder.web.context import reading, site
from builder.web.studio.drafting import DraftView, view
from builder.web.studio.proof import Subject, looked_back, subjects
from builder.web.studio.proof_record import found_records, traced

Frame = Callable[[DraftView, str], dict[str, Any]]
KINDS = ("rules", "decision")


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the page to the studio."""

    @blueprint.get("/<app>/proof/<key>")
    def proof(app: str, key: str) -> str:
        """A rule or decision of the draft on a record, and over a stretch of days against what is in force."""
        found = view(app)
        if key.partition(":")[0] not in KINDS:
            abort(404)
        found.data(key)
        offered, problem = subjects(found, key)
        asked = _chosen(offered)
        told: Mapping[str, Any] = {}
        if asked is not None:
            with reading() as work:
                told = {**traced(work, asked, _record()), **looked_back(work, asked, request.args)}
                if query := request.args.get("q", "").strip():
                    told |= {"records": found_records(work, asked, query)}
        return render_template(
            "studio/proof.html",
            **frame(found, "overview"),
            key=key,
            file=found.documents[key].file,
            subjects=offered,
            asked=asked,
            broken=problem,
            today=site().formats.now.date(),
            **told,
        )


def _chosen(offered: list[Subject]) -> Subject | None:
    wanted = request.args.get("of", "")
    return next((one for one in offered if one.name == wanted), offered[0] if offered else None)


def _record() -> UUID | None:
    try:
        return UUID(request.args.get("record", ""))
    except ValueError:
        return None
