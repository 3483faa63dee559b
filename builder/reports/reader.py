"""One dashboard as one person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.definitions import CompiledApp
from builder.reports.narrowed import Narrow, NarrowedRows
from builder.workspace import Work
from engines import report
from engines.core import AccessDenied, Principal
from engines.feel.sql import SqlUnsupportedError
from engines.report import CompiledDashboard, CompiledTile, ReportContext, TileResult
from engines.report.choices import dimension_values, title_of
from engines.report.definitions import DashboardFilter


def may_open(app: CompiledApp, name: str, principal: Principal) -> bool:
    """Whether a person may open a dashboard: one of its roles, or where it names none, any role of the app."""
    dashboard = app.dashboards.get(name)
    if dashboard is None:
        return False
    roles = dashboard.definition.roles
    if roles is None:
        return any(role.startswith(f"{app.name}.") for role in principal.roles)
    return any(_qualified(app.name, role) in principal.roles for role in roles)


class DashboardReader:
    """A dashboard's figures under the rights of who reads: rows that may not be seen are not counted."""

    def __init__(
        self,
        work: Work,
        app: CompiledApp,
        name: str,
        *,
        draft: CompiledDashboard | None = None,
        narrow: Narrow | None = None,
    ) -> None:
        """``AccessDenied`` where the person may not open it, also where there is none of that name.

        ``draft``: the dashboard as somebody who may build the app changes it; its rows are those in force.
        ``narrow``: a condition that all rows must meet besides.
        """
        if draft is None and not may_open(app, name, work.principal):
            raise AccessDenied("see", f"{app.name}.{name}")
        self._work = work
        self._app = app
        self._narrow = narrow
        self.dashboard: CompiledDashboard = draft or app.dashboards[name]

    def parameters(self, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The values of the filters: as an address gives them, else their defaults. ``InputError``."""
        return report.parameters_of(self.dashboard, given, self.context({}))

    def context(self, parameters: Mapping[str, Any]) -> ReportContext:
        """What answers depend on besides rows."""
        return ReportContext(
            now=self._work.instant,
            zone=self._work.zone,
            parameters=parameters,
            settings=self._work.settings(self._app.name),
        )

    def tile(self, name: str) -> CompiledTile:
        """A tile; ``AccessDenied`` where the dashboard has none of that name."""
        found = self.dashboard.tiles.get(name)
        if found is None:
            raise AccessDenied("see", name)
        return found

    def answer(self, tile: CompiledTile, parameters: Mapping[str, Any]) -> TileResult:
        """The figures of a tile; ``AccessDenied`` where they are made of a field that is hidden from the reader."""
        try:
            return report.run(tile, self._work.connection, self._rows(tile), self.context(parameters))
        except SqlUnsupportedError as error:
            # The expression passed the check over all fields, so what is missing now is what the reader may not see.
            raise AccessDenied("see", f"{self._app.name}.{tile.dataset.definition.name}") from error

    def choices(self, item: DashboardFilter, locale: str) -> list[tuple[str, str]]:
        """Values and labels that a filter offers: its own, an option list's, or those of its dimension."""
        if item.options:
            return [(option.name, option.label.get(locale)) for option in item.options]
        if item.option_list:
            shared = self._app.definitions.get("options", item.option_list)
            return [(option.name, option.label.get(locale)) for option in shared.options] if shared else []
        return self._from_dimension(item, locale)

    def title(self, tile: CompiledTile, dimension: str, value: Any) -> str | None:
        """What people read in place of a dimension's value; None where it has no title or may not be seen."""
        context = self.context({})
        return title_of(tile.dataset, dimension, value, self._work.connection, self._rows(tile), context)

    def widest_view(self, tile: CompiledTile) -> str:
        """The first view of the tile's form that leaves nothing out, so that a list holds what a mark counts."""
        owner, _dot, name = tile.dataset.definition.form.rpartition(".")
        app = self._work.apps.get(owner) if owner else self._app
        form = app.forms.get(name) if app is not None else None
        return next((view.name for view in form.views.values() if not view.filter), "") if form else ""

    def _from_dimension(self, item: DashboardFilter, locale: str) -> list[tuple[str, str]]:
        for tile in self.dashboard.tiles.values():
            dimension = tile.dataset.dimensions.get(item.dimension)
            if dimension is None or item.dataset not in ("", tile.dataset.definition.name):
                continue
            if dimension.options:
                return [(name, label.get(locale)) for name, label in dimension.options.items()]
            context, rows = self.context({}), self._rows(tile)
            found = dimension_values(tile.dataset, item.dimension, self._work.connection, rows, context)
            return [(str(value), str(value) if title is None else title) for value, title in found]
        return []

    def _rows(self, tile: CompiledTile) -> Any:
        source = self._work.records.source(_qualified(self._app.name, tile.dataset.definition.form))
        return NarrowedRows(source, self._narrow) if self._narrow else source


def _qualified(app: str, name: str) -> str:
    return name if "." in name else f"{app}.{name}"
