"""What the report engine asks of others: the shape of a form's records, and the rows that a reader may see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from sqlalchemy import ColumnElement, FromClause

from engines import feel
from engines.core.ports import Definitions
from engines.core.text import LocalizedText
from engines.feel.sql import SqlSource


class FormShape(Protocol):
    """What a dataset needs to know of the form that it counts."""

    @property
    def names(self) -> Mapping[str, feel.FeelType]:
        """Every name that an expression over a record may use, with its type: fields, relations, system fields, me …"""

    @property
    def variables(self) -> Collection[str]:
        """Those of ``names`` that are the same for all rows: me, settings …"""

    def title(self, kind: feel.ContextType) -> str:
        """Name of the entry by which people know the records of a type in ``names``; empty where it has none."""

    def options(self, path: Sequence[str]) -> Mapping[str, LocalizedText]:
        """Labels of the values of the choice field at ``path`` ("account", "tier"); empty where it is no choice."""

    def tones(self, path: Sequence[str]) -> Mapping[str, str]:
        """Colours of the values of that choice field by name ("blue"), as far as its options state them."""

    def views(self) -> Sequence[str]:
        """Names of the form's views."""


class ReportDefinitions(Definitions, Protocol):
    """The definitions of an app, with the shapes of its forms."""

    def shape(self, form: str) -> FormShape | None:
        """The shape of a form of the app ("order") or of another ("other.order"); None where there is no such form."""

    def settings(self) -> Mapping[str, feel.FeelType]:
        """The app's settings with their types, for ``settings.<name>``."""


class RowSource(SqlSource, Protocol):
    """A form's rows under a reader's rights; what ``records.source(name)`` gives."""

    @property
    def selectable(self) -> FromClause:
        """What stands in FROM. Columns of the source refer to it, and give null where the reader may not see them."""

    def visible_rows(self) -> ColumnElement[bool]:
        """Which rows the reader may see; every query must apply it."""
