"""The process designer: what is drawn reaches the draft, what a drawing does not show stays, others stay out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from builder.releases import find_draft, publish
from builder.workspace import Workspace
from engines.core import SYSTEM

from .conftest import csrf

Enter = Callable[..., FlaskClient]
PAGE = "/studio/library/process/review"


@pytest.fixture
def builder(enter: Enter) -> FlaskClient:
    return enter("bo", "builder")


def value(workspace: Workspace, path: str = "process:review") -> Any:
    with workspace.read(SYSTEM) as work:
        draft = find_draft(work, "library")
        return draft.value(path) if draft else None


def drawn(client: FlaskClient, xml: str, version: int = 0) -> Any:
    headers = {"X-CSRF-Token": csrf(client, "/"), "Content-Type": "application/xml"}
    return client.post(f"{PAGE}.bpmn?version={version}", data=xml.encode(), headers=headers)


def xml_of(client: FlaskClient) -> str:
    return client.get(f"{PAGE}.bpmn").get_data(as_text=True)


def act(client: FlaskClient, **values: str) -> Any:
    return client.post(f"{PAGE}/act", data={"_csrf": csrf(client, "/"), **values})


def node_of(client: FlaskClient) -> str:
    """The name of a user task of the process."""
    xml = xml_of(client)
    return xml.partition('userTask id="')[2].partition('"')[0]


def test_a_drawing_that_changes_nothing_is_no_edit(builder: FlaskClient, workspace: Workspace) -> None:
    assert drawn(builder, xml_of(builder)).status_code == 200
    with workspace.read(SYSTEM) as work:
        draft = find_draft(work, "library")
        assert draft is None or draft.edits == []


def test_a_drawn_label_changes_the_text_of_the_language_and_keeps_the_rest(
    builder: FlaskClient, workspace: Workspace
) -> None:
    task = node_of(builder)
    act(builder, action="set", sel=task, path=f"process:review/nodes/{task}/label/en", value="Look at it")
    before = value(workspace)
    moved = xml_of(builder).replace(' x="', ' x="1', 1)
    assert drawn(builder, moved, version=1).status_code == 200
    after = value(workspace)
    assert after["diagram"] != before["diagram"]
    assert {**after, "diagram": None} == {**before, "diagram": None}


@pytest.mark.parametrize("xml", ["no xml at all", "<x/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_what_is_no_drawing_is_refused_and_changes_nothing(
    builder: FlaskClient, workspace: Workspace, xml: str
) -> None:
    answer = drawn(builder, xml)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.get_data(as_text=True)
    with workspace.read(SYSTEM) as work:
        draft = find_draft(work, "library")
        assert draft is None or draft.edits == []


def test_a_drawing_begun_before_somebody_elses_edit_is_a_conflict(builder: FlaskClient, workspace: Workspace) -> None:
    task, seen = node_of(builder), xml_of(builder).replace(' x="', ' x="2', 1)
    act(builder, action="set", sel=task, path=f"process:review/nodes/{task}/due", kind="expression", value="null")
    assert drawn(builder, seen, version=0).status_code == 409
    assert value(workspace, f"process:review/nodes/{task}/due") == "null"


def test_a_step_is_renamed_wherever_the_process_refers_to_it(builder: FlaskClient, workspace: Workspace) -> None:
    task = node_of(builder)
    condition = {"path": "process:review/flows/f2/condition", "kind": "expression", "value": f'{task}.outcome = "x"'}
    assert act(builder, action="set", sel="f2", **condition).status_code == 200
    assert act(builder, action="rename", sel=task, value="look").status_code == 200
    assert value(workspace, "process:review/flows/f2/condition") == 'look.outcome = "x"'
    assert {"look"} == {flow["to"] for flow in value(workspace)["flows"] if flow["to"] in (task, "look")}
    assert act(builder, action="rename", sel="look", value="Not a name").status_code == 422


def test_outcomes_are_added_and_removed(builder: FlaskClient, workspace: Workspace) -> None:
    task = node_of(builder)
    act(builder, action="outcome", sel=task)
    path = f"process:review/nodes/{task}/outcomes"
    assert [item["name"] for item in value(workspace, path)][-1] == "outcome_1"
    act(builder, action="remove", sel=task, path=f"{path}/outcome_1")
    assert "outcome_1" not in [item["name"] for item in value(workspace, path)]


def test_time_limits_and_their_actions_are_added_set_and_removed(builder: FlaskClient, workspace: Workspace) -> None:
    task = node_of(builder)
    act(builder, action="limit", sel=task)
    path = f"process:review/nodes/{task}/sla/limit_1"
    assert value(workspace, path)["target"] == 'duration("P1D")'
    page = act(builder, action="limit_action", sel=task, path=path).get_data(as_text=True)
    assert "Time limit limit_1: action_1" in page
    for key, kind, text in (
        ("do", "choice", "escalate"),
        ("to/roles", "names", "head"),
        ("times", "number", "3"),
        ("before", "expression", 'duration("PT1H")'),
    ):
        assert act(
            builder, action="set", sel=task, path=f"{path}/actions/action_1/{key}", kind=kind, value=text
        ).status_code == 200  # fmt: skip
    assert value(workspace, f"{path}/actions/action_1") == {
        "name": "action_1",
        "do": "escalate",
        "to": {"roles": ["head"]},
        "times": 3,
        "before": 'duration("PT1H")',
    }
    act(builder, action="remove", sel=task, path=f"{path}/actions/action_1")
    act(builder, action="remove", sel=task, path=path)
    assert value(workspace, f"process:review/nodes/{task}")["sla"] == []
    assert act(builder, action="limit", sel="start").status_code == 400


def test_the_panel_reaches_no_other_definition(builder: FlaskClient) -> None:
    assert act(builder, action="set", sel=node_of(builder), path="form:book/label/en", value="X").status_code == 400


def test_nobody_else_reads_or_draws(enter: Enter) -> None:
    client = enter("lin", "librarian")
    assert client.get(f"{PAGE}.bpmn").status_code == 404
    assert drawn(client, "<x/>").status_code == 404
    assert act(client, action="outcome", sel="x").status_code == 404


# Instances


def running(workspace: Workspace) -> Any:
    """The id of an instance that waits."""
    with workspace.work(SYSTEM, command="test") as work:
        book = work.records.create("library.book", {"title": "Atlas"}).record.id
        return work.service("processes").start("library.review", subject=("library.book", book))


def test_an_instance_is_suspended_resumed_changed_and_voided(builder: FlaskClient, workspace: Workspace) -> None:
    id = running(workspace)
    page = f"/studio/library/instance/{id}"
    assert str(id) in builder.get(f"{PAGE}/instances").get_data(as_text=True)

    def do(**values: str) -> int:
        return builder.post(page, data={"_csrf": csrf(builder, "/"), **values}).status_code

    assert do(action="suspend") == 302
    assert do(action="variables", variables='{"x": 1}') == 409
    assert do(action="resume") == 302
    assert do(action="variables", variables='{"x": 1}') == 302
    assert "&#34;x&#34;: &#34;1&#34;" in builder.get(page).get_data(as_text=True)
    assert do(action="variables", variables="no json") == 422
    assert do(action="move", token="999", to="start") == 409
    assert do(action="cancel", reason="Test") == 302
    assert do(action="suspend") == 409
    assert do(action="nonsense") == 400


def test_older_instances_are_tried_moved_and_taken_back_as_a_batch(builder: FlaskClient, workspace: Workspace) -> None:
    ids = [running(workspace), running(workspace)]
    task = node_of(builder)
    act(builder, action="rename", sel=task, value="look")
    with workspace.work(SYSTEM, command="test") as work:
        draft = find_draft(work, "library")
        assert draft is not None
        source = draft.source()
    publish(workspace, "library", source, SYSTEM)

    def moved(**values: str) -> str:
        answer = builder.post(f"{PAGE}/migrate", data={"_csrf": csrf(builder, "/"), **values})
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    assert "disabled" in moved(action="try")
    told = moved(action="migrate", **{f"to.{task}": "look"})
    assert all(f'name="id" value="{id}"' in told for id in ids)
    data = {"_csrf": csrf(builder, "/"), "id": [str(id) for id in ids]}
    assert builder.post(f"{PAGE}/migrate/undo", data=data).status_code == 302
    assert "disabled" in builder.get(f"{PAGE}/migrate").get_data(as_text=True)


def test_instances_are_shown_to_nobody_else(enter: Enter, workspace: Workspace) -> None:
    id = running(workspace)
    client = enter("lin", "librarian")
    for path in (f"{PAGE}/instances", f"{PAGE}/migrate", f"/studio/library/instance/{id}"):
        assert client.get(path).status_code == 404
    for path in (f"{PAGE}/migrate", f"{PAGE}/migrate/undo", f"/studio/library/instance/{id}"):
        assert client.post(path, data={"_csrf": csrf(client, "/")}).status_code == 404


def test_an_instance_is_replayed_step_by_step_with_its_reasons(builder: FlaskClient, workspace: Workspace) -> None:
    id = running(workspace)
    first = builder.get(f"/studio/library/instance/{id}/replay?step=1").get_data(as_text=True)
    assert "started the process" in first
    assert 'data-key="ArrowLeft"' not in first
    assert 'data-key="ArrowRight"' in first
    pages = []
    while 'data-key="ArrowRight"' in first:
        following = re.search(r'data-key="ArrowRight" href="([^"]+)"', first)
        assert following
        first = builder.get(following[1].replace("&amp;", "&")).get_data(as_text=True)
        pages.append(first)
    assert any("Asked for: role head" in page for page in pages)
    assert 'class="node task active"' in pages[-1]
    assert 'data-key="ArrowLeft"' in pages[-1]
    assert builder.get(f"/studio/library/instance/{id}/replay?step=999").status_code == 200
    assert builder.get(f"/studio/library/instance/{UUID(int=1)}/replay").status_code == 404


def test_a_replay_is_shown_to_nobody_else(enter: Enter, workspace: Workspace) -> None:
    id = running(workspace)
    assert enter("lin", "librarian").get(f"/studio/library/instance/{id}/replay").status_code == 404
