"""Settings of apps: what an admin set, else what the definition says, as values that expressions read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.definitions import CompiledApp, SettingDefinition
from builder.storage.workspace_tables import setting as setting_table
from builder.workspace.release_store import raise_generation
from engines.core import InputError, InputProblem

if TYPE_CHECKING:
    from builder.workspace.work import Work


def read_settings(connection: Connection, app: CompiledApp) -> Mapping[str, Any]:
    """Value by name of every setting of ``app``; numbers as Decimal, dates as date, missing as None."""
    query = sa.select(setting_table.c.name, setting_table.c.value).where(setting_table.c.app == app.name)
    stored = {row.name: row.value for row in connection.execute(query)}
    return {name: _value(definition, stored.get(name, definition.default)) for name, definition in app.settings.items()}


def write_setting(work: Work, app: str, name: str, value: Any) -> None:
    """Sets a setting (None: back to its default) for everybody at once; for those who may build the app.

    ``value``: text as entered, or JSON data. ``InputError`` where it is none of the setting's type.
    """
    from builder.identity.rights import require_builder

    require_builder(work.principal, app, "setting.write")
    definition = work.apps[app].settings.get(name) if app in work.apps else None
    if definition is None:
        raise InputError([InputProblem(pointer=f"/{name}", code="setting.unknown", params={"name": name})])
    here = (setting_table.c.app == app, setting_table.c.name == name)
    work.connection.execute(sa.delete(setting_table).where(*here))
    if value not in (None, ""):
        parsed = _value(definition, value)
        row = {"app": app, "name": name, "value": _plain(parsed), "updated_at": work.instant}
        work.connection.execute(sa.insert(setting_table).values(**row, updated_by=work.principal.id))
    raise_generation(work.connection)
    work.audit("setting.written", f"{app}.{name}", {"value": None if value is None else str(value)})


def _value(definition: SettingDefinition, value: Any) -> Any:
    if value is None:
        return None
    try:
        return _typed(definition, value)
    except (ValueError, InvalidOperation) as error:
        params = {"name": definition.name, "type": definition.type}
        raise InputError(
            [InputProblem(pointer=f"/{definition.name}", code="setting.bad_value", params=params)]
        ) from error


def _typed(definition: SettingDefinition, value: Any) -> Any:
    match definition.type:
        case "number":
            number = Decimal(str(value))
            if not number.is_finite():
                raise ValueError(value)
            return number
        case "date":
            return date.fromisoformat(str(value))
        case "boolean":
            if str(value).lower() not in ("true", "false"):
                raise ValueError(value)
            return str(value).lower() == "true"
        case "choice" if value not in [name for name, _ in definition.options]:
            raise ValueError(value)
    return str(value)


def _plain(value: Any) -> Any:
    """The value as JSON data."""
    return value if isinstance(value, bool) else str(value)
