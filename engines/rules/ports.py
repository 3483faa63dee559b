"""What the rules engine asks of the app's other definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy import ColumnElement, FromClause

from engines import feel
from engines.core.ports import Definitions
from engines.feel.sql import SqlSource


class FormShape(Protocol):
    """What rules need to know of a form."""

    @property
    def names(self) -> Mapping[str, feel.FeelType]:
        """Every name that an expression over a record may use, with its type: fields, relations, system fields, me …

        References and relations are contexts and lists of contexts whose type is named after their form.
        """


class RuleDefinitions(Definitions, Protocol):
    """The definitions of an app, with the shapes of its forms."""

    def shape(self, form: str) -> FormShape | None:
        """The shape of a form of the app, or of another ("other_app.form"); None where there is no such form."""

    def settings(self) -> Mapping[str, feel.FeelType]:
        """The app's settings with their types, for ``settings.<name>``."""


class RowSource(SqlSource, Protocol):
    """A form's rows under somebody's rights; what ``records.source(name)`` gives."""

    @property
    def selectable(self) -> FromClause:
        """What stands in FROM; columns of the source refer to it."""

    def visible_rows(self) -> ColumnElement[bool]:
        """Which rows may be seen; every query must apply it."""


class VersionSource(RowSource, Protocol):
    """A form's rows in all their versions; the selectable has ``valid_from`` and ``valid_to``, null for those now.

    What the rows refer to is seen as it was when the version began.
    """
