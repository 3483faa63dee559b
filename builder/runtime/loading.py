"""Records as expressions see them: exactly the paths that they read, under the rights of who acts, a query a level."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from engines.form import Records

Path = tuple[str, ...]


def load(records: Records, form: str, record_id: UUID, paths: Iterable[Path]) -> dict[str, Any] | None:
    """One record with what ``paths`` say; None where there is none that may be seen."""
    return load_many(records, form, [record_id], paths).get(record_id)


class KnownPaths:
    """Paths to load of a form's records, sorted by what they need: worked out once, for records just written."""

    def __init__(self, records: Records, form: str, paths: Iterable[Path]) -> None:
        wanted, fields = _by_head(paths), records.world.form(form).compiled.fields
        self._form = form
        self._names = frozenset(wanted)
        # Those that lead further than to a value of the record's own.
        self._links = {h: p for h, p in wanted.items() if h not in fields or _leads_on(fields[h]) or _people(fields, h)}

    def load(self, records: Records, stored: Mapping[str, Any]) -> dict[str, Any] | None:
        """As ``load``, of a record just written as ``stored``; None where only the database can tell."""
        known = records.known(self._form, stored, self._names)
        if known is None or not self._links:
            return known
        return _completed(records, self._form, {known["id"]: known}, self._links)[known["id"]]


def _leads_on(field: Any) -> bool:
    return bool(field.target) or field.rows is not None


def load_many(records: Records, form: str, ids: Sequence[UUID], paths: Iterable[Path]) -> dict[UUID, dict[str, Any]]:
    """Records by id. References become contexts, relations and sub-tables lists of contexts; each has its ``id``.

    A path that names no field is left out: what an expression then reads is null.
    """
    wanted = _by_head(paths)
    return _completed(records, form, records.values(form, ids, wanted), wanted)


def _completed(
    records: Records, form: str, found: dict[UUID, dict[str, Any]], wanted: Mapping[str, set[Path]]
) -> dict[UUID, dict[str, Any]]:
    """The records with what their values lead to."""
    compiled = records.world.form(form).compiled
    fields = compiled.fields
    read = next(iter(found.values()), {})
    for head, deeper in wanted.items():
        if head == "id":
            continue
        if head in read:
            target = fields[head].target if head in fields else ""
            if target:
                _link(records, found, head, target, deeper)
        elif head in fields and fields[head].rows is not None:
            _subtable(records, form, found, head, deeper)
        elif head in compiled.relations:
            _relation(records, form, found, head, deeper)
    _name(records, found, {head: kind for head in wanted if (kind := _people(fields, head)) and head in read})
    return found


def _by_head(paths: Iterable[Path]) -> dict[str, set[Path]]:
    wanted: dict[str, set[Path]] = defaultdict(set)
    for path in paths:
        if path:
            wanted[path[0]].add(path[1:])
    return wanted


def _people(fields: Mapping[str, Any], head: str) -> str:
    """Whether a field holds a "person" or a "department"; empty for others."""
    if head in ("owner", "created_by", "updated_by"):
        return "person"
    if head == "department":
        return "department"
    kind: str = fields[head].kind.name if head in fields else ""
    return kind if kind in ("person", "department") else ""


def _link(records: Records, found: dict[UUID, dict[str, Any]], head: str, target: str, deeper: set[Path]) -> None:
    further = {path for path in deeper if path and path != ("id",)}
    keys = {record[head] for record in found.values() if record[head] is not None}
    targets = load_many(records, target, sorted(keys), further) if further and keys else {}
    for record in found.values():
        key = record[head]
        record[head] = None if key is None else targets.get(key, {"id": key})


def _name(records: Records, found: dict[UUID, dict[str, Any]], heads: Mapping[str, str]) -> None:
    """People and departments as contexts; their names are read once for all records and fields."""
    keys: dict[str, set[UUID]] = {"person": set(), "department": set()}
    for head, kind in heads.items():
        keys[kind] |= {record[head] for record in found.values() if isinstance(record[head], UUID)}
    names = records.names(keys["person"], keys["department"])
    for head in heads:
        for record in found.values():
            if isinstance(key := record[head], UUID):
                record[head] = {"id": key, "name": names.get(key)}


def _subtable(records: Records, form: str, found: dict[UUID, dict[str, Any]], head: str, deeper: set[Path]) -> None:
    columns = records.world.form(form).compiled.fields[head].rows or {}
    names = sorted({path[0] for path in deeper if path} & set(columns)) if deeper - {()} else sorted(columns)
    rows = records.rows(form, list(found), head, names)
    for key, record in found.items():
        record[head] = rows[key]
    read = next((item for items in rows.values() for item in items), {})
    for name in read:
        if columns[name].target:
            items = {index: item for index, item in enumerate(i for r in found.values() for i in r[head])}
            below = {path[1:] for path in deeper if path and path[0] == name}
            _link(records, items, name, columns[name].target, below)  # type: ignore[arg-type]


def _relation(records: Records, form: str, found: dict[UUID, dict[str, Any]], head: str, deeper: set[Path]) -> None:
    target = records.world.form(form).compiled.relations[head].form
    pairs = records.related(form, list(found), head)
    children = load_many(records, target, [pair[1] for pair in pairs], deeper)
    for record in found.values():
        record[head] = []
    for parent, key in pairs:
        if key in children:
            found[parent][head].append(children[key])
