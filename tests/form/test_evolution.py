"""Changing forms that have data: what the plan tells, and that nothing is lost."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, inspect

from engines import form
from engines.form import Impact, ListQuery, SortDefinition
from tests.form.shop import MANAGER, NOW, compiled, context

BASE: dict[str, Any] = {
    "name": "thing",
    "title": "name",
    "fields": [
        {"name": "name", "type": "text"},
        {"name": "size", "type": "number", "scale": 2},
        {"name": "kind", "type": "choice", "options": [{"name": "a"}, {"name": "b"}]},
        {"name": "lines", "type": "subtable", "fields": [{"name": "what", "type": "text"}]},
    ],
    "permissions": [{"role": "manager", "operations": ["see", "create", "edit", "delete", "import"]}],
}


class History:
    """One form through its releases."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.physical = form.MemoryPhysicalNames()
        self.now: dict[str, form.CompiledForm] = {}
        self.forms = form.FormSet([])

    def plan(self, data: dict[str, Any]) -> form.Plan:
        return form.plan(self.now, compiled(data), self.physical, self.connection)

    def publish(self, data: dict[str, Any]) -> form.Plan:
        plan = self.plan(data)
        self.forms = form.FormSet(form.apply(self.connection, plan).values())
        self.now = dict(plan.new)
        return plan

    @property
    def records(self) -> form.Records:
        return form.Records(self.connection, self.forms, MANAGER, context(NOW))

    def make(self, **values: Any) -> UUID:
        return self.records.create("shop.thing", values).record.id


def changed(**fields: Any) -> dict[str, Any]:
    """The base with fields changed; None takes one away, new names are added."""
    data = deepcopy(BASE)
    kept = []
    for field in data["fields"]:
        if field["name"] not in fields:
            kept.append(field)
        elif fields[field["name"]] is not None:
            kept.append({**field, **fields.pop(field["name"])})
    kept += [{"name": name, **keys} for name, keys in fields.items() if keys and name not in {f["name"] for f in kept}]
    return {**data, "fields": kept}


def told(plan: form.Plan) -> list[tuple[str, str, Impact, int | None]]:
    return [(c.code, c.field, c.impact, c.rows) for c in plan.changes]


def test_a_new_form_is_additive_and_applying_twice_does_nothing(connection: Connection) -> None:
    history = History(connection)
    plan = history.publish(BASE)
    assert told(plan) == [("form_added", "", Impact.ADDITIVE, None)]
    tables = set(inspect(connection).get_table_names())
    form.apply(connection, plan)
    assert set(inspect(connection).get_table_names()) == tables


def test_a_new_field_leaves_data_and_older_releases_intact(connection: Connection) -> None:
    history = History(connection)
    history.publish(BASE)
    key, before = history.make(name="x", size="1.5"), history.forms
    plan = history.publish(changed(weight={"type": "number", "required": True}))
    assert told(plan) == [
        ("field_added", "weight", Impact.ADDITIVE, None),
        ("required_added", "weight", Impact.COMPATIBLE, 1),
    ]
    found = history.records.get("shop.thing", key)
    assert found is not None
    assert (found["name"], found["weight"]) == ("x", None)
    older = form.Records(connection, before, MANAGER, context())
    assert older.update("shop.thing", key, {"name": "y"}).record["name"] == "y"


def test_a_renamed_field_keeps_its_column_and_values(connection: Connection) -> None:
    history = History(connection)
    history.publish(BASE)
    key = history.make(name="x", size=3)
    data = changed(size=None, extent={"type": "number", "scale": 2, "formerly": ["size"]})
    plan = history.publish(data)
    assert told(plan) == [("field_renamed", "extent", Impact.COMPATIBLE, None)]
    found = history.records.get("shop.thing", key)
    assert found is not None
    assert found["extent"] == 3


def test_a_removed_field_is_archived_and_comes_back_with_its_values(connection: Connection) -> None:
    history = History(connection)
    history.publish(BASE)
    key = history.make(name="x", size=3)
    history.make(name="y")
    plan = history.publish(changed(size=None))
    assert told(plan) == [("field_archived", "size", Impact.LOSSY, 1)]
    history.records.update("shop.thing", key, {"name": "z"})
    history.publish(BASE)
    found = history.records.get("shop.thing", key)
    assert found is not None
    assert (found["name"], found["size"]) == ("z", 3)


def test_another_type_gets_a_column_of_its_own(connection: Connection) -> None:
    history = History(connection)
    history.publish(BASE)
    key, before = history.make(name="x", size=3), history.forms
    data = changed(size=None)
    plan = history.publish({**data, "fields": [*data["fields"], {"name": "size", "type": "text"}]})
    assert [(c.code, c.impact, c.rows, dict(c.params)) for c in plan.changes] == [
        ("type_changed", Impact.BREAKING, 1, {"before": "number", "after": "text"})
    ]
    assert plan.impact is Impact.BREAKING
    found = history.records.get("shop.thing", key)
    assert found is not None
    assert found["size"] is None, "values are converted by a job"
    older = form.Records(connection, before, MANAGER, context()).get("shop.thing", key)
    assert older is not None
    assert older["size"] == 3


def test_unique_over_values_that_are_there_twice_is_breaking(connection: Connection) -> None:
    history = History(connection)
    history.publish(BASE)
    for name in ("x", "x", "y"):
        history.make(name=name)
    assert told(history.plan(changed(name={"unique": True}))) == [("unique_added", "name", Impact.BREAKING, 2)]


def test_retired_options_and_changed_rights_are_told(connection: Connection) -> None:
    history = History(connection)
    history.publish(BASE)
    data = changed(kind={"options": [{"name": "a"}]})
    data["permissions"] = [{"role": "manager", "operations": ["see"]}, {"role": "clerk", "operations": ["see"]}]
    found = {(c.code, c.impact) for c in history.plan(data).changes}
    assert found == {("option_removed", Impact.LOSSY), ("rights_changed", Impact.COMPATIBLE)}
    lost = next(c for c in history.plan(data).changes if c.params.get("role") == "shop.manager")
    assert lost.params["lost"] == ["create", "delete", "edit", "import"]


def test_recomputing_fills_new_formulas_sort_keys_and_the_search_index(connection: Connection) -> None:
    history = History(connection)
    history.publish({**BASE, "title": "kind"})
    keys = [history.make(name=name, size=n) for n, name in enumerate(["张三", "alpha", "李四"])]
    data = changed(name={"search": True}, double={"type": "number", "formula": "size * 2"})
    plan = history.publish(data)
    assert set(plan.backfills) == {("shop.thing", "name"), ("shop.thing", "double")}
    assert history.records.search("张三") == []
    events = history.records.recompute("shop.thing", keys)
    assert {e.payload["computed"] for e in events} == {True}
    page = history.records.page("shop.thing", ListQuery(sort=(SortDefinition(field="name"),)))
    assert [(r["name"], r["double"]) for r in page.records] == [("alpha", 2), ("李四", 4), ("张三", 0)]
    assert [hit.id for hit in history.records.search("张三")] == [keys[0]]


def test_a_form_left_out_is_archived_with_its_records(connection: Connection) -> None:
    history = History(connection)
    history.publish(BASE)
    history.make(name="x")
    plan = form.plan(history.now, {}, history.physical, connection)
    assert told(plan) == [("form_archived", "", Impact.LOSSY, 1)]
