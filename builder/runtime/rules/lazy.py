"""A record as rules read it: its own fields at once, references and related records when an expression asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from builder.runtime import loading
from builder.runtime.rules.pools import pools_of
from engines.form import SYSTEM_FIELDS

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from engines.form import PastRecords, Records

Paths = frozenset[tuple[str, ...]]
# The names of the pools that a record is in, where the form has no field of that name.
POOLS = "pools"


class LazyRecord(Mapping[str, Any]):
    """Names of what rules read to values. Loaded under the app's rights, each part at most once."""

    def __init__(
        self,
        around: Around,
        app: str,
        form: str,
        record_id: UUID,
        reads: Paths,
        given: Mapping[str, Any] | None = None,
        own: dict[str, Any] | None = None,
        records: Records | PastRecords | None = None,
    ) -> None:
        """``given``: values that stand in for stored ones (a record that is gone, or as it was before).

        ``own``: its stored fields, where ``scalars_of`` has loaded them for many records. ``records``: those that the
        app may see as they were at another time; without it as they are now.
        """
        self._around = around
        self._records: Any = records if records is not None else around.records(app)
        self._app = app
        self._form = form
        self._id = record_id
        self._paths: dict[str, set[tuple[str, ...]]] = {}
        for path in reads:
            self._paths.setdefault(path[0], set()).add(path)
        self._given = given
        self._found: dict[str, Any] = {"id": record_id}
        self._own = own

    @classmethod
    def before(
        cls, around: Around, app: str, form: str, record_id: UUID, reads: Paths, values: Mapping[str, Any]
    ) -> Self:
        """The record as it was before the change: what ``previous`` reads; related records are today's."""
        return cls(around, app, form, record_id, _previous(reads), values)

    @classmethod
    def scalars_of(
        cls, around: Around, app: str, form: str, ids: Sequence[UUID], reads: Paths
    ) -> Mapping[UUID, dict[str, Any]]:
        """The stored fields of many records that the app may see, a query a portion."""
        any_one = cls(around, app, form, ids[0], reads)
        return loading.load_many(around.records(app), form, ids, any_one._paths_of_scalars())

    @classmethod
    def known(
        cls, around: Around, app: str, form: str, record_id: UUID, reads: Paths, stored: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """The stored fields of a record just written as ``stored``; None where only the database can tell."""
        cache: Any = around.work.app_set.cache.setdefault("runtime.known", {})
        records = around.records(app)
        known = cache.get((app, form, reads))
        if known is None:
            paths = cls(around, app, form, record_id, reads)._paths_of_scalars()
            known = cache[app, form, reads] = loading.KnownPaths(records, form, paths)
        found: dict[str, Any] | None = known.load(records, stored)
        return found

    @property
    def exists(self) -> bool:
        """Whether the app may see the record."""
        return self._given is not None or bool(self._scalars())

    def __getitem__(self, name: str) -> Any:
        if name not in self._found:
            if name not in self._names:
                raise KeyError(name)
            self._found[name] = self._load(name)
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._found or name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def _names(self) -> Mapping[str, None]:
        """Its plain fields, and of the others those that rules read (whose names like ``settings`` are no fields)."""
        compiled = self._records.world.form(self._form).compiled
        plain = [name for name, field in compiled.fields.items() if field.column is not None]
        known = {*compiled.fields, *compiled.relations, *SYSTEM_FIELDS, POOLS}
        return dict.fromkeys(["id", *plain, *(name for name in self._paths if name in known)])

    def _is_pools(self, name: str) -> bool:
        return name == POOLS and name not in self._fields()

    def _fields(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._records.world.form(self._form).compiled.fields
        return found

    def _scalars(self) -> dict[str, Any]:
        """All stored fields of its row, in one query; references as contexts of their id."""
        if self._own is None:
            found = loading.load(self._records, self._form, self._id, self._paths_of_scalars())
            self._own = found or {}
        return self._own

    def _paths_of_scalars(self) -> set[tuple[str, ...]]:
        deep = self._deep
        return {(name,) for name in self._names if name not in deep and not self._is_pools(name)}

    @cached_property
    def _deep(self) -> set[str]:
        """Names that need further queries: relations, sub-tables and references that are looked through."""
        compiled = self._records.world.form(self._form).compiled
        fields, relations = compiled.fields, compiled.relations
        deep = {name for name, paths in self._paths.items() if any(len(path) > 1 for path in paths)}
        return {n for n in deep if n in fields or n in relations} | {
            name for name in self._paths if name in relations or (name in fields and fields[name].rows is not None)
        }

    def _load(self, name: str) -> Any:
        if self._is_pools(name):
            return pools_of(self._around.work.connection, self._app, self._form, self._id)
        if self._given is not None:
            return self._from_given(name)
        if name not in self._deep:
            return self._scalars().get(name)
        found = loading.load(self._records, self._form, self._id, self._paths[name])
        return found.get(name) if found else None

    def _from_given(self, name: str) -> Any:
        """A value that was handed over: references are looked through as they stand today."""
        assert self._given is not None  # noqa: S101
        value = self._given.get(name)
        fields = self._records.world.form(self._form).compiled.fields
        if name not in fields or not fields[name].target or value is None:
            return value
        further = {path[1:] for path in self._paths.get(name, ()) if len(path) > 1}
        found = loading.load(self._records, fields[name].target, value, further) if further else None
        return found or {"id": value}


def _previous(reads: Paths) -> Paths:
    """Paths below ``previous``, as seen from the record."""
    below = {path[1:] for path in reads if path[0] == "previous" and len(path) > 1}
    return frozenset(below)
