"""What rules do to many records: for each of a query, after a template, in pools, by the calendar of the app."""

from datetime import date
from typing import Any

import pytest

from builder.storage.runtime_tables import process_instance, task
from builder.workspace import Workspace
from engines.core import DefinitionError
from engines.form import ListQuery
from tests.builder.runtime.desk import Desk, open_desk
from tests.builder.runtime.items import ITEM, WITH_RECORDS, all_values, create, values
from tests.builder.runtime.test_rules import rows, with_rules

TEXT = {"type": "text", "label": "x"}
OF = {"name": "of", "type": "reference", "form": "item", "label": "x"}
LINES = {"name": "lines", "type": "subtable", "label": "Lines", "fields": [{"name": "what", **TEXT}]}


def form(name: str, fields: list[Any], **more: Any) -> tuple[str, Any]:
    """A form that the app and clerks may fill."""
    operations = ["see", "create", "edit", "delete"]
    permissions = [{"role": role, "operations": operations} for role in ("clerk", "app")]
    body = {"name": name, "label": name, "plural": name, "title": "name", "fields": fields, "permissions": permissions}
    return f"{name}.form.json", {**body, **more}


def has_steps(of: str) -> dict[str, Any]:
    return {"relations": [{"name": "steps", "form": f"{of}_step", "field": of, "label": "Steps"}]}


def step_of(of: str, *more: Any) -> tuple[str, Any]:
    back = {"name": of, "type": "reference", "form": of, "label": "x", "required": True}
    return form(f"{of}_step", [{"name": "name", **TEXT}, back, {"name": "days", "type": "number", "label": "x"}, *more])


PLANS = (
    form("model", [{"name": "name", **TEXT}, {"name": "code", **TEXT, "unique": True}, LINES], **has_steps("model")),
    step_of("model", {"name": "secret", **TEXT}),
    form(
        "plan",
        [{"name": "name", **TEXT}, {"name": "code", **TEXT}, OF, LINES],
        **has_steps("plan"),
    ),
    step_of("plan"),
)  # fmt: skip


def with_plans(workspace: Workspace, text: str) -> Desk:
    return open_desk(workspace, (*WITH_RECORDS, *PLANS, ("items.rules", text)))


FOR_EACH = """
rule all_of_it
  when box.kind changes
  then
    for each i of item where i.box = record and i.size > 5 do
      start process grading on i with proposed: i.name
      assign task "Look at " + i.name to role reviewer on i
      update i with grade: "seen " + i.box.name
    end
end
"""


def test_for_each_record_of_a_query_a_process_starts_a_task_is_given_and_the_record_changes(
    workspace: Workspace,
) -> None:
    desk = with_rules(workspace, FOR_EACH)
    box = create(desk, "box", name="B")
    big = [create(desk, name=name, size=6, box=box) for name in ("one", "two")]
    small, other = create(desk, name="small", size=5, box=box), create(desk, name="other", size=9)
    with desk.work() as work:
        work.records.update("desk.box", box, {"kind": "k"})
    assert sorted(row.subject_id for row in rows(desk, process_instance)) == sorted(big)
    given = {row.title[""] for row in rows(desk, task) if row.instance_id is None}
    assert given == {"Look at one", "Look at two"}
    assert [values(desk, one)["grade"] for one in (*big, small, other)] == ["seen B", "seen B", None, None]


RELATED = """
rule all_items
  when box.kind changes
  then
    for each i in items where i.size > 5 do
      update i with grade: i.name
    end
end
"""


def test_for_each_of_a_relation_sees_the_fields_of_each_record(workspace: Workspace) -> None:
    desk = with_rules(workspace, RELATED)
    box = create(desk, "box", name="B")
    one, two = create(desk, name="one", size=6, box=box), create(desk, name="two", size=5, box=box)
    with desk.work() as work:
        work.records.update("desk.box", box, {"kind": "k"})
    assert [values(desk, item)["grade"] for item in (one, two)] == ["one", None]


MODELLED = """
rule plans
  when item.grade changes to "planned"
  then
    for each m of model where m.name = note do
      create plan from template m including steps with of: record, name: "Plan of " + name as p
      for each s of plan_step where s.plan = p do
        assign task s.name to role reviewer due today() + s.days * duration("P1D") on s
      end
    end
end
"""


def test_a_record_is_created_from_a_template_with_its_tasks(workspace: Workspace) -> None:
    desk = with_plans(workspace, MODELLED)
    model = create(desk, "model", name="gold", code="G", lines=[{"what": "a"}, {"what": "b"}])
    create(desk, "model", name="silver", code="S", lines=[{"what": "never"}])
    for name, days in (("visit", 7), ("report", 15)):
        create(desk, "model_step", name=name, model=model, days=days, secret="no")
    item = create(desk, name="lamp", note="gold")
    with desk.work() as work:
        work.records.update("desk.item", item, {"grade": "planned"})
    (plan,) = all_values(desk, "plan")
    assert (plan["name"], plan["of"], plan["code"]) == ("Plan of lamp", item, "G")
    with desk.work() as work:
        (record,) = work.records.page("desk.plan", ListQuery()).records
    assert [line["what"] for line in values(desk, record.id, "plan")["lines"]] == ["a", "b"]
    steps = all_values(desk, "plan_step")
    assert sorted((step["name"], step["days"]) for step in steps) == [("report", 15), ("visit", 7)]
    zone = desk.workspace.clock.zone()
    dues = sorted((row.title[""], row.due_at.astimezone(zone).date()) for row in rows(desk, task))
    assert dues == [("report", date(2026, 3, 18)), ("visit", date(2026, 3, 10))]
    # The model keeps what is its own.
    assert [line["what"] for line in values(desk, model, "model")["lines"]] == ["a", "b"]
    assert len(all_values(desk, "model_step")) == 2


def test_what_the_app_may_not_see_is_no_template(workspace: Workspace) -> None:
    closed = ("model.form.json", {**PLANS[0][1], "permissions": [{"role": "clerk", "operations": ["see", "create"]}]})
    text = (
        "rule r\n  when plan.name changes to null\n  then\n    create plan from template record including steps\nend\n"
    )
    wrong = text.replace("steps", "stepps")
    with pytest.raises(DefinitionError) as caught:
        with_plans(workspace, wrong)
    assert [d.code for d in caught.value.diagnostics] == ["rules.unknown_field"]
    # A rule that looks for models finds none, and makes none.
    desk = open_desk(workspace, (*WITH_RECORDS, closed, *PLANS[1:], ("items.rules", MODELLED)))
    create(desk, "model", name="gold")
    item = create(desk, name="lamp", note="gold")
    with desk.work() as work:
        work.records.update("desk.item", item, {"grade": "planned"})
    assert all_values(desk, "plan") == []


POOLS = """
rule join
  when item.size rises above 80
  then
    add to pool promising
end
rule leave
  when item.size falls below 50
  if list contains(pools, "promising")
  then
    remove from pool promising
    set grade: "left"
end
rule inside
  when item.note changes
  then
    set grade: string join(pools, ",")
end
"""


def test_a_pool_takes_a_record_once_says_so_and_can_be_asked_for(workspace: Workspace) -> None:
    desk = with_rules(workspace, POOLS)
    item = create(desk, name="lamp", size=80)
    for step in ({"size": 81}, {"size": 60}, {"size": 90}, {"note": "x"}):
        with desk.work() as work:
            work.records.update("desk.item", item, step)
    assert values(desk, item)["grade"] == "promising"
    with desk.work() as work:
        work.records.update("desk.item", item, {"size": 49})
    assert values(desk, item)["grade"] == "left"
    with desk.read("ann") as work:
        notes = [line.title["en"] for line in work.service("timeline")("desk.item", item) if line.kind == "note"]
    assert sorted(notes) == ["Joined the pool “promising”", "Left the pool “promising”"]


CALENDAR = (
    "office.calendar.json",
    {
        "name": "office",
        "label": "Office",
        "hours": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00"}],
        "holidays": [{"from": "2026-03-04"}],
    },
)
WORKED = """
rule by_calendar
  when item is created
  if is working day(today(), "office") and "desk.editor" in my_roles
  then
    assign task "Do it" to role reviewer due add working days(today(), 2, "office")
    set size: working days between(today(), today() + duration("P7D"), "office"), note: me.name
end
"""


def test_conditions_know_the_calendar_and_the_actor(workspace: Workspace) -> None:
    roles = [{"role": r, "operations": ["see", "create", "edit"]} for r in ("editor", "app", "reviewer")]
    given = ("item.form.json", {**ITEM[1], "permissions": roles})
    others = [file for file in WITH_RECORDS if file is not ITEM]
    files = (*others, given, CALENDAR, ("items.rules", WORKED))
    desk = open_desk(workspace, files)
    assert values(desk, create(desk, name="by ann", login="ann"))["size"] is None
    found = values(desk, create(desk, name="by bob", login="bob"))
    assert (found["size"], found["note"]) == (4, "Bob")
    (row,) = rows(desk, task)
    # Tuesday 3 March; the 4th is a holiday.
    assert row.due_at.astimezone(desk.workspace.clock.zone()).date() == date(2026, 3, 6)
    desk.advance(days=1)
    assert values(desk, create(desk, name="on a holiday", login="bob"))["size"] is None


def test_a_calendar_that_is_not_there_and_a_query_that_sql_cannot_say_are_refused(workspace: Workspace) -> None:
    wrong = WORKED.replace('day(today(), "office")', 'day(today(), "ofice")')
    unsayable = FOR_EACH.replace("i.size > 5", "upper case(i.name) = name")
    for text, code, found in (
        (wrong, "rules.unknown_calendar", "ofice"),
        (unsayable, "feel.sql_unsupported", "upper case(i.name)"),
    ):
        with pytest.raises(DefinitionError) as caught:
            open_desk(workspace, (*WITH_RECORDS, CALENDAR, ("items.rules", text)))
        assert [(d.code, d.found) for d in caught.value.diagnostics] == [(code, found)]
