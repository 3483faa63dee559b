"""Why a value is what it is: the rule, decision row, score or person that set it, what it saw, under which release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from builder.runtime import loading
from builder.storage.runtime_tables import process_instance, rule_firing, task, value_origin
from builder.storage.values import decode
from engines.core import AccessDenied
from engines.core.principal import SYSTEM

if TYPE_CHECKING:
    from builder.runtime.around import Around


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What explains one value."""

    field: str
    value: Any
    # rule, score, process, task, formula, person or default
    kind: str
    # Name of the rule, model, process or step; empty for people.
    name: str = ""
    at: datetime | None = None
    # Person who acted, or who set the command off.
    actor: UUID | None = None
    release: int = 0
    # rule: {event, reason, decisions: see Decided.explanation}; score: {measures, cut_points, cause, decisions};
    # formula: {text, inputs}; process: {node, instance, rule: the one that started it, decisions: what that rule asked,
    # tasks: [{title, node, by, outcome, comment, at}]}
    detail: Mapping[str, Any] = field(default_factory=dict)
    # The rule's own firing, where one is kept: {inputs, actions, cause}
    firing: Mapping[str, Any] | None = None


class Why:
    """``work.why(form, id, field)``."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._work = around.work

    def __call__(self, form: str, record_id: UUID, field: str) -> Reason:
        """What set a field; ``AccessDenied`` where the record or the field may not be seen."""
        record = self._work.records.get(form, record_id)
        if record is None or (field not in record.values and field not in record.system()) or field in record.masked:
            raise AccessDenied("why", f"{form}.{field}")
        value = record[field]
        compiled = self._work.records.of(form).world.form(form).compiled.fields.get(field)
        if compiled is not None and compiled.formula is not None:
            return self._formula(form, record_id, field, value, compiled)
        return self._written(form, record_id, field, value)

    def _formula(self, form: str, record_id: UUID, field: str, value: Any, compiled: Any) -> Reason:
        reads = {path for path in compiled.formula.reads if path}
        app = form.split(".", 1)[0]
        # As the system, like the formula itself; whoever shows it leaves out what the person may not see.
        found = loading.load(self._work.records_as(SYSTEM, app), form, record_id, reads) or {}
        inputs = {".".join(path): _at(found, path) for path in sorted(reads)}
        return Reason(
            field=field,
            value=value,
            kind="formula",
            release=self._around.app(app).release,
            detail={"text": compiled.definition.formula, "inputs": inputs},
        )

    def _written(self, form: str, record_id: UUID, field: str, value: Any) -> Reason:
        """The latest of what rules, scores and processes wrote and what people changed."""
        origin = self._origin(form, record_id, field)
        version = self._version(form, record_id, field)
        if origin is not None and (version is None or origin.at >= version.at):
            detail = decode(origin.detail)
            kind, name = detail.pop("kind"), detail.pop("name")
            if kind == "process" and detail.get("instance"):
                detail |= self._process(UUID(detail["instance"]))
            return Reason(
                field=field,
                value=value,
                kind=kind,
                name=name,
                at=origin.at,
                actor=origin.actor,
                release=origin.release,
                detail=detail,
                firing=self._firing(form, record_id, name, origin.at) if kind == "rule" else None,
            )
        if version is None:
            return Reason(field=field, value=value, kind="default")
        return Reason(
            field=field, value=value, kind="person" if version.by else "system", at=version.at, actor=version.by,
            detail={"version": version.version, "command": version.command},
        )  # fmt: skip

    def _process(self, instance: UUID) -> dict[str, Any]:
        """What a process instance stands on: the rule that started it, with its decisions, and what people said."""
        table = task
        done = (table.c.instance_id == instance, table.c.status == "completed")
        tasks = [
            {
                "title": row.title,
                "node": row.node,
                "by": row.closed_by,
                "outcome": row.outcome,
                "comment": row.comment or "",
                "at": row.closed_at,
            }
            for row in self._work.connection.execute(sa.select(table).where(*done).order_by(table.c.closed_at))
        ]
        return {"tasks": tasks, **self._started_by(instance)}

    def _started_by(self, instance: UUID) -> dict[str, Any]:
        started = self._work.connection.execute(
            sa.select(process_instance).where(process_instance.c.id == instance)
        ).one_or_none()
        if started is None:
            return {}
        table = rule_firing
        same = (table.c.form == started.subject_form, table.c.record_id == started.subject_id)
        query = sa.select(table).where(*same, table.c.app == started.app, table.c.at == started.started_at)
        for row in self._work.connection.execute(query):
            actions = decode(row.actions)
            if any(action["action"] == "StartProcess" and action["process"] == started.process for action in actions):
                decisions = [action["explained"] for action in actions if "explained" in action]
                return {"rule": row.rule, "decisions": decisions}
        return {}

    def _origin(self, form: str, record_id: UUID, field: str) -> sa.Row[Any] | None:
        table = value_origin
        query = sa.select(table).where(table.c.form == form, table.c.record_id == record_id)
        rows = self._work.connection.execute(query.order_by(table.c.at.desc())).all()
        return next((row for row in rows if field in row.fields), None)

    def _version(self, form: str, record_id: UUID, field: str) -> Any | None:
        versions = self._work.records.history(form, record_id)
        changed = (v for v in versions if v.kind == "created" or any(c.field == field for c in v.changes))
        return next(changed, None)

    def _firing(self, form: str, record_id: UUID, rule: str, at: datetime) -> dict[str, Any] | None:
        """The firing that wrote at this instant; the rule may have fired for another record than the one written."""
        table = rule_firing
        app = form.split(".", 1)[0]
        mine = (table.c.app == app, table.c.rule == rule, table.c.at == at)
        rows = self._work.connection.execute(sa.select(table).where(*mine).order_by(table.c.id.desc())).all()
        own = [row for row in rows if (row.form, row.record_id) == (form, record_id)]
        row = next(iter(own or rows), None)
        if row is None:
            return None
        return {"inputs": decode(row.inputs), "actions": decode(row.actions), "cause": row.cause}


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        if isinstance(values, list):
            values = [item.get(part) if isinstance(item, Mapping) else None for item in values]
        else:
            values = values.get(part) if isinstance(values, Mapping) else None
    return values
