"""The process designer: what is drawn reaches the draft, what a drawing does not show stays, others stay out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from builder.releases import find_draft
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
    assert act(builder, action="rename", sel=task, value="look").status_code == 200
    assert {"look"} == {flow["to"] for flow in value(workspace)["flows"] if flow["to"] in (task, "look")}
    assert act(builder, action="rename", sel="look", value="Not a name").status_code == 422


def test_outcomes_are_added_and_removed(builder: FlaskClient, workspace: Workspace) -> None:
    task = node_of(builder)
    act(builder, action="outcome", sel=task)
    path = f"process:review/nodes/{task}/outcomes"
    assert [item["name"] for item in value(workspace, path)][-1] == "outcome_1"
    act(builder, action="remove", sel=task, path=f"{path}/outcome_1")
    assert "outcome_1" not in [item["name"] for item in value(workspace, path)]


def test_the_panel_reaches_no_other_definition(builder: FlaskClient) -> None:
    assert act(builder, action="set", sel=node_of(builder), path="form:book/label/en", value="X").status_code == 400


def test_nobody_else_reads_or_draws(enter: Enter) -> None:
    client = enter("lin", "librarian")
    assert client.get(f"{PAGE}.bpmn").status_code == 404
    assert drawn(client, "<x/>").status_code == 404
    assert act(client, action="outcome", sel="x").status_code == 404
