"""Elements of a record's page besides its fields: figures, buttons, the state of its processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import url_for

from builder.reports import DashboardReader
from builder.storage.runtime_tables import process_history, process_instance, process_live
from builder.storage.runtime_tables import task as task_table
from builder.web.catalogue import FormPlace
from builder.web.context import _, site
from builder.web.diagrams import draw
from builder.web.names import WorkNames
from builder.web.pages.dashboards import TileView, tile_view
from builder.web.tasks import process_definition
from builder.workspace import Work
from engines import feel
from engines.core import AccessDenied
from engines.form import FormSource, LayoutItem, Record, choice_condition
from engines.report.definitions import TileType

# Processes shown that have ended.
ENDED = 3


def holds(work: Work, form: str, id: UUID, text: str) -> bool:
    """Whether a condition of the form's layouts is true for a record that is there; an empty one always is."""
    if not text:
        return True
    source = work.records.source(form)
    condition = source.trusted().test(source.form.compiled.conditions[text])
    query = sa.select(source.selectable.c.id).where(source.selectable.c.id == id, condition)
    return work.connection.execute(query).first() is not None


# -- figures


def tile_block(work: Work, place: FormPlace, record: Record, item: LayoutItem) -> dict[str, Any] | None:
    """A tile of a dashboard over the rows that belong to the record; None for whom the dashboard is closed."""
    dashboard, name = str(item.config["dashboard"]), str(item.config["tile"])
    wanted = item.config.get("filter") or {}
    try:
        narrow = _Narrow(work, place, record, wanted)
        reader = DashboardReader(work, place.app, dashboard.rpartition(".")[2], narrow=narrow)
        tile = reader.tile(name)
        view = tile_view(reader, tile, reader.parameters({}), place.app.name, narrow.conditions())
    except AccessDenied:
        return None
    return {
        "type": "tile",
        "side": tile.tile.type is TileType.TILE,
        "label": site().text(item.label) or site().text(tile.tile.label),
        "view": view,
        "href": url_for("dashboards.page", app=place.app.name, dashboard=dashboard.rpartition(".")[2]),
    }


class _Narrow:
    """The condition by which a tile's rows belong to a record.

    ``wanted`` maps fields of the tile's form to FEEL over the record (``{"account": "id"}``), or is a FEEL condition
    over the tile's form that sees the record as ``record``.
    """

    def __init__(self, work: Work, place: FormPlace, record: Record, wanted: Mapping[str, str] | str) -> None:
        self._work = work
        self._place = place
        self._record = record
        self._wanted = wanted
        self._values = (
            {} if isinstance(wanted, str) else {n: _worth(work, place, record, text) for n, text in wanted.items()}
        )

    def __call__(self, rows: FormSource) -> sa.ColumnElement[bool]:
        """What a row must meet; ``AccessDenied`` where the reader may not see what it is told by."""
        if isinstance(self._wanted, str):
            record = feel.ContextType(dict(self._place.form.scope.variables))
            scope = rows.form.compiled.scope.extended({"record": record})
            return choice_condition(rows, feel.compile(self._wanted, scope), self._known(), limited=True)  # type: ignore[no-any-return]
        return sa.and_(sa.true(), *(self._equals(rows, name, value) for name, value in self._values.items()))

    def conditions(self) -> list[tuple[str, str]] | None:
        """The same for the list of the form's records, as its address has it; None where that cannot say it."""
        if isinstance(self._wanted, str) or any(value is None for value in self._values.values()):
            return None
        return [("f", f"{name}:is:{value}") for name, value in self._values.items()]

    def _equals(self, rows: FormSource, name: str, value: Any) -> sa.ColumnElement[bool]:
        column = rows.column(name)
        if column is None:
            raise AccessDenied("see", name)
        return column.element == value

    def _known(self) -> dict[str, Any]:
        return {"id": self._record.id, **self._record.values}


# -- buttons


def button_block(work: Work, place: FormPlace, record: Record, item: LayoutItem) -> dict[str, Any] | None:
    """A button that starts a process or sends a message about the record."""
    confirm = item.config.get("confirm")
    return {
        "type": "button",
        "label": site().text(item.label) or item.name,
        "href": url_for("records.press", app=place.app.name, form=place.local, id=record.id, button=item.name),
        "confirm": site().text(confirm) if confirm else "",
    }


def process_of(place: FormPlace, item: LayoutItem) -> str:
    """The qualified name of the process that a button starts; empty where it starts none."""
    process = str(item.config.get("process", ""))
    return process if "." in process or not process else f"{place.app.name}.{process}"


def press(
    work: Work, place: FormPlace, record: Record, item: LayoutItem, choices: Mapping[str, Sequence[UUID]]
) -> None:
    """Does what a button says: sets fields with the person's own rights, so that rules follow; starts its process
    about the record, for the people chosen; sends its message to processes that wait about it, and to rules.
    """
    subject = (place.name, record.id)
    if wanted := item.config.get("set"):
        work.records.update(place.name, record.id, {name: _worth(work, place, record, t) for name, t in wanted.items()})
    if process := process_of(place, item):
        work.processes.start(process, subject=subject, choices=choices)
    if action := str(item.config.get("action", "")):
        work.processes.message(place.app.name, action, subject=subject)


def _worth(work: Work, place: FormPlace, record: Record, text: str) -> Any:
    """The value of an expression over a record that is there."""
    source = work.records.source(place.name)
    element = source.sql(feel.compile(text, place.form.scope))
    query = sa.select(element).where(source.selectable.c.id == record.id, source.visible_rows())
    return work.connection.execute(query).scalar()


# -- processes


def process_block(work: Work, place: FormPlace, record: Record, item: LayoutItem, names: WorkNames) -> dict[str, Any]:
    """The processes about the record: those running with where they stand, and the last ones that ended."""
    table = process_instance
    mine = [table.c.subject_form == place.name, table.c.subject_id == record.id, table.c.parent_id.is_(None)]
    if wanted := str(item.config.get("process", "")):
        app, _dot, name = wanted.rpartition(".")
        mine += [table.c.process == name, table.c.app == (app or place.app.name)]
    query = sa.select(table).where(*mine).order_by(table.c.ended_at.is_not(None), table.c.started_at.desc())
    rows = work.connection.execute(query.limit(20)).all()
    running = [row for row in rows if row.ended_at is None]
    shown = [*running, *[row for row in rows if row.ended_at is not None][:ENDED]]
    return {
        "type": "process",
        "label": site().text(item.label) or _("Processes"),
        "instances": [_instance(work, row, names) for row in shown],
    }


def _instance(work: Work, row: sa.Row[Any], names: WorkNames) -> dict[str, Any]:
    definition = process_definition(row.app, row.process)
    live = sa.select(process_live.c.node).where(
        process_live.c.instance_id == row.id, process_live.c.kind.in_(("tokens", "tasks"))
    )
    past = sa.select(process_history.c.node).where(
        process_history.c.instance_id == row.id, process_history.c.kind == "completed"
    )
    active = {node for node in work.connection.execute(live).scalars() if node} if row.ended_at is None else set()
    passed = {node for node in work.connection.execute(past).scalars() if node} - active
    title = site().text(definition.label) if definition else row.process
    drawn = draw(definition, active=active, passed=passed, title=title) if definition and active else ""
    return {
        "label": title,
        "state": _state(row),
        "tone": "c-blue" if row.ended_at is None else "c-green" if row.status == "completed" else "c-gray",
        "started": row.started_at,
        "ended": row.ended_at,
        "who": names.person(row.started_by) if row.started_by else "",
        "waiting": _waiting(work, row, names),
        "drawing": drawn,
    }


def _state(row: sa.Row[Any]) -> str:
    if row.ended_at is not None:
        return _("ended") if row.status == "completed" else _("cancelled")
    return _("suspended") if row.suspended else _("running")


def _waiting(work: Work, row: sa.Row[Any], names: WorkNames) -> list[dict[str, Any]]:
    """The open tasks of an instance; those that concern the reader lead to their page."""
    table = task_table
    query = sa.select(table).where(table.c.instance_id == row.id, table.c.status == "open").order_by(table.c.id)
    around = work.service("around")
    return [
        {
            "title": site().text(task.title) or task.node,
            "who": (names.person(task.assignee) if task.assignee else "") or _("nobody yet"),
            "href": url_for("inbox.task", id=task.id) if around.concerns(task) else "",
        }
        for task in work.connection.execute(query)
    ]


__all__ = ["TileView", "button_block", "holds", "press", "process_block", "tile_block"]
