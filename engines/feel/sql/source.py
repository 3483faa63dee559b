"""What the SQL backend asks of a set of rows: the ``SqlSource`` protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause

from engines.feel.types import FeelType


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlColumn:
    """One scalar field of the rows."""

    # The column (or any SQL expression over the source's rows), typed with a type of ``engines.feel.storage``.
    element: ColumnElement[Any]
    # Its FEEL type; must be the one that the element's storage type stands for.
    type: FeelType
    # Whether it can be null; saying False lets the backend leave null checks out.
    nullable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlJoin:
    """The rows of another source that belong to one row of this one.

    Every call that gives a join must give a fresh alias of ``selectable``, so that a source may be joined to itself
    and the same relation used twice in one expression.
    """

    # Names and types of the rows joined; its columns are those of ``selectable``.
    source: SqlSource
    # What stands in FROM: a table alias or an authorised subquery.
    selectable: FromClause
    # Which of its rows belong to the outer row; refers to columns of both.
    on: ColumnElement[bool]
    # Whether ``selectable`` stands in the query's FROM already (reports join references): the backend then uses the
    # columns of ``source`` as they are, without a subquery, and the join is the same each time it is asked for.
    joined: bool = False


class SqlSource(Protocol):
    """A set of rows over which expressions run: one form's records, under somebody's rights.

    The names are those that FEEL uses. A name is looked up as column, reference, relation and variable, in this order.
    """

    def column(self, name: str) -> SqlColumn | None:
        """The scalar field ``name``; of a reference field, the column with the id it points to.

        A multi-choice field may be a column of type ``list<string>`` stored as JSON.
        """

    def reference(self, name: str) -> SqlJoin | None:
        """Many-to-one: at most one row belongs to each row of this source (``account.tier``).

        A reference compares by the ``id`` column of its source; where ``column(name)`` gives the key as well, no join
        is made for that.
        """

    def relation(self, name: str) -> SqlJoin | None:
        """One-to-many: ``orders[status = "won"].amount``."""

    def variable(self, name: str) -> object | None:
        """A bound value that is the same for all rows (me, my_departments, settings), as a plain Python value.

        A context is a mapping. Unknown names give ``NotImplemented``; None is the value null.
        """
