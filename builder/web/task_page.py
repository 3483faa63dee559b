"""What the page of one task shows: its record as the step lays it out, what has changed, its head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import url_for

from builder.storage.runtime_tables import process_instance
from builder.web.approvals import changes_since_start
from builder.web.catalogue import place_of
from builder.web.context import site
from builder.web.entry import role_choices
from builder.web.forms import Display, FormView, form_view, layout_for, picker_source
from builder.web.history import ChangeShown
from builder.web.names import WorkNames
from builder.web.tasks import task_row
from builder.workspace import Work
from engines.core import InputProblem
from engines.form import LayoutDefinition, Record


class TaskPage:
    """What the page of one task shows."""

    def __init__(self, work: Work, id: UUID) -> None:
        self.work = work
        self.row = task_row(work, id)
        self.names = WorkNames(work)
        self.process = process_name(work, self.row)
        self.place = place_of(self.row.subject_form) if self._has_subject else None
        self.record = self._read_record()
        if self.record and self.place:
            self.names.learn(self.place.form, [self.record])

    @property
    def _has_subject(self) -> bool:
        return self.row.subject_id is not None

    def _read_record(self) -> Record | None:
        if self.place is None:
            return None
        found: Record | None = self.work.records.get(self.place.name, self.row.subject_id)
        if found is not None or self.layout is None or not self.work.service("around").is_shown(self.row):
            return found
        # Whoever has the task may not see the record itself: the step shows what its layout names, and no more.
        found = self.work.service("around").records(self.place.app.name).get(self.place.name, self.row.subject_id)
        shown = set(self.layout.field_names())
        return replace(found, values={n: v for n, v in found.values.items() if n in shown}) if found else None

    @cached_property
    def layout(self) -> LayoutDefinition | None:
        """The layout that the step states, as the instance's own release has it; else the form's review layout."""
        if self.place is None:
            return None
        return self.work.service("around").step_layout(self.row) or layout_for(self.place.form, "review")

    def access(self) -> dict[str, str]:
        """Which fields (and columns, "lines.price") the step opens: those it names as "write"; the others are read."""
        assert self.place is not None  # noqa: S101 - asked for with a record only
        opened = {item["name"]: item.get("access", "write") for item in self.row.details.get("fields") or ()}
        names = self.place.form.rights_names()
        return {name: opened.get(name, opened.get(name.partition(".")[0], "read")) for name in names}

    def _file_link(self, id: str, **query: Any) -> str:
        """Files are read through the task: whoever has it may not see the record otherwise."""
        return url_for("inbox.file", id=self.row.id, file=id, **query)

    def changes(self) -> list[ChangeShown]:
        """What has changed since the approval began."""
        if self.place is None or self.record is None or self.layout is None:
            return []
        display = Display(site().formats, self.names, self.place.app.name, files=self._file_link)
        shown = set(self.layout.field_names()) & self.record.values.keys()
        return changes_since_start(self.work, self.row.instance_id, self.place, self.record, shown, display)

    def view(self, typed: Mapping[str, Any], problems: Sequence[InputProblem]) -> FormView:
        """The step's form."""
        if self.place is None or self.record is None or self.layout is None:
            return FormView(blocks=())
        needed = frozenset(item["name"] for item in self.row.details.get("fields") or () if item.get("required"))
        hidden = {name: "hidden" for name in self.place.form.fields if name not in self.record.values}
        return form_view(
            self.place.form,
            self.layout,
            self.record.values,
            Display(site().formats, self.names, self.place.app.name, files=self._file_link),
            access={**self.access(), **hidden},
            problems=problems,
            typed=typed,
            required=needed,
            source=picker_source(self.place.app.name, self.place.local, self.row.subject_id),
            uploads=lambda path: url_for("inbox.upload", id=self.row.id, field=path),
            roles=role_choices(self.place),
        )


def process_name(work: Work, row: sa.Row[Any]) -> str:
    """The process that a task belongs to; empty for one that a rule made."""
    if row.instance_id is None:
        return ""
    query = sa.select(process_instance.c.process).where(process_instance.c.id == row.instance_id)
    return str(work.connection.execute(query).scalar_one())
