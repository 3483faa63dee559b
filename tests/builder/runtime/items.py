"""The test app with records: items that are checked, by processes that change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tests.builder.runtime.desk import ANSWERS, FILES, Desk, Json, node, process

ITEM: tuple[str, Json] = (
    "item.form.json",
    {
        "name": "item",
        "label": "Item",
        "plural": "Items",
        "title": "name",
        "fields": [
            {"name": "name", "type": "text", "label": "Name", "required": True},
            {"name": "size", "type": "number", "scale": 2, "label": "Size"},
            {"name": "grade", "type": "text", "label": "Grade"},
            {"name": "note", "type": "text", "label": "Note"},
            {"name": "keeper", "type": "person", "label": "Keeper"},
            {"name": "box", "type": "reference", "form": "box", "label": "Box"},
            {"name": "tags", "type": "tags", "label": "Tags"},
            {"name": "double", "type": "number", "scale": 2, "label": "Double", "formula": "size * 2"},
        ],
        "permissions": [
            {"role": "clerk", "operations": ["see", "create", "edit", "delete", "comment"]},
            {"role": "reviewer", "operations": ["see", "comment"], "fields": [{"name": "note", "access": "hidden"}]},
            {"role": "app", "operations": ["see", "create", "edit"]},
        ],
    },
)
BOX: tuple[str, Json] = (
    "box.form.json",
    {
        "name": "box",
        "label": "Box",
        "plural": "Boxes",
        "title": "name",
        "fields": [
            {"name": "name", "type": "text", "label": "Name", "required": True},
            {"name": "kind", "type": "text", "label": "Kind"},
            {"name": "items_count", "type": "number", "scale": 0, "label": "Items"},
        ],
        "relations": [{"name": "items", "form": "item", "field": "box", "label": "Items"}],
        "permissions": [
            {"role": "clerk", "operations": ["see", "create", "edit"]},
            {"role": "app", "operations": ["see", "create", "edit"]},
        ],
    },
)
GRADING = process(
    "grading",
    [
        node("start", "startEvent"),
        node(
            "check",
            "userTask",
            label={"en": "Check"},
            form="item",
            assignment={"role": "reviewer"},
            outcomes=ANSWERS,
            fields=[{"name": "size", "access": "write"}, {"name": "name", "access": "read"}],
        ),
        node("good", "exclusiveGateway", default="f_bad"),
        node(
            "apply",
            "serviceTask",
            service="record.update",
            input={"values": {"grade": "proposed", "keeper": "check.by"}},
        ),
        node(
            "pack",
            "serviceTask",
            service="record.create",
            input={"form": '"box"', "values": {"name": 'subject.name + " box"', "kind": "proposed"}},
        ),
        node("end", "endEvent"),
        node("refused", "endEvent"),
    ],
    [],
    subject="item",
    variables=[{"name": "proposed", "type": "text"}],
)
GRADING[1]["flows"].extend(  # type: ignore[attr-defined]
    [
        {"name": "f1", "from": "start", "to": "check"},
        {"name": "f2", "from": "check", "to": "good"},
        {"name": "f_ok", "from": "good", "to": "apply", "condition": 'check.outcome = "approve"'},
        {"name": "f_bad", "from": "good", "to": "refused"},
        {"name": "f3", "from": "apply", "to": "pack"},
        {"name": "f4", "from": "pack", "to": "end"},
    ]
)
BROKEN = process(
    "broken",
    [
        node("start", "startEvent"),
        node("first", "serviceTask", service="record.update", input={"values": {"grade": '"half"'}}),
        node("second", "serviceTask", service="record.create", input={"form": '"box"', "values": {"kind": '"x"'}}),
        node("end", "endEvent"),
    ],
    ["start > first > second > end"],
    subject="item",
)
WITH_RECORDS = (*FILES, ITEM, BOX, GRADING, BROKEN)


def create(desk: Desk, form: str = "item", login: str | None = None, **values: Any) -> UUID:
    """The id of a new record."""
    with desk.work(login) as work:
        return work.records.create(f"desk.{form}", values).record.id


def values(desk: Desk, record_id: UUID, form: str = "item") -> Mapping[str, Any]:
    """The values of a record as the system sees them."""
    with desk.work() as work:
        found = work.records.get(f"desk.{form}", record_id)
        assert found is not None
        return found.values


def all_values(desk: Desk, form: str) -> list[Mapping[str, Any]]:
    """The values of all records of a form."""
    from engines.form import ListQuery

    with desk.work() as work:
        return [record.values for record in work.records.page(f"desk.{form}", ListQuery()).records]
