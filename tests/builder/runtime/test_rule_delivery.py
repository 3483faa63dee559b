"""What rules send, all the way out; and a sweep over many records that is killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from builder.definitions import offers
from builder.identity import create_person
from builder.jobs.channels import WebhookChannel
from builder.jobs.delivery import Delivery
from builder.jobs.ports import Effect, Patience
from builder.runtime import install
from builder.storage.runtime_tables import effect, notification, rule_firing
from builder.workspace import Workspace
from engines.core import SYSTEM, DefinitionError
from tests.builder.runtime.desk import Desk, open_desk
from tests.builder.runtime.items import WITH_RECORDS, create
from tests.builder.runtime.test_channels import LOCAL, web_server
from tests.builder.runtime.test_embedded import until
from tests.builder.runtime.test_faults import WORKER
from tests.builder.runtime.test_rules import rows

TELL = """
rule tell
  when item is created
  then
    notify person keeper via {channel} saying {{en: "Made", zh: "已创建"}} level "high" on record
end
"""
QUICK = Patience(backoff_s=(0,))


def app_with(url: str) -> tuple[str, Any]:
    setting = {"name": "webhook_url", "type": "text", "label": "Address", "default": url}
    return "app.json", {"name": "desk", "version": "1.0.0", "label": "Desk", "settings": [setting]}


def opened(workspace: Workspace, text: str, url: str = "") -> Desk:
    return open_desk(workspace, (*WITH_RECORDS, app_with(url), ("items.rules", text)))


def delivered(desk: Desk, channels: Any) -> list[tuple[str, str | None]]:
    """Delivers everything that is queued; the states of the effects afterwards, with their last errors."""
    worker = Delivery(install.host(desk.workspace), channels, QUICK)
    for _ in range(3):
        for claimed in worker.claim(10):
            worker.deliver(claimed)
    return [(row.state, row.last_error) for row in rows(desk, effect)]


def test_a_rule_reaches_a_receiver_over_http_once_and_no_private_network_unasked(workspace: Workspace) -> None:
    with web_server(200) as (url, seen):
        desk = opened(workspace, TELL.format(channel="webhook"), f"{url}/hook")
        create(desk, name="lamp", keeper=desk.people["ann"])
        ((state, error),) = delivered(desk, {"webhook": install.channels(workspace.settings)["webhook"]})
        assert (state, seen) == ("dead", [])
        assert error
        create(desk, name="table", keeper=desk.people["bob"])
        states = delivered(desk, {"webhook": WebhookChannel(LOCAL)})
        assert sorted(state for state, _ in states) == ["dead", "sent"]
        # What has gone does not go again.
        delivered(desk, {"webhook": WebhookChannel(LOCAL)})
    ((path, headers, body),) = seen
    assert path == "/hook"
    message = json.loads(body)
    assert message["title"] == {"en": "Made", "zh": "已创建"}
    assert message["people"] == [str(desk.people["bob"])]
    assert headers["Idempotency-Key"]


class Pager:
    """A channel as a package would bring it."""

    sent: ClassVar[list[Any]] = []

    def ready(self) -> bool:
        return True

    def deliver(self, effect: Effect) -> None:
        self.sent.append(effect.payload)


def pager(_settings: Any) -> Pager:
    """What the entry point of such a package names."""
    return Pager()


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package is installed that brings the channel "pager"."""
    point = EntryPoint("pager", f"{__name__}:pager", offers.CHANNEL_GROUP)
    monkeypatch.setattr(offers, "entry_points", lambda group: [point] if group == offers.CHANNEL_GROUP else [])
    offers.plugged_channels.cache_clear()
    Pager.sent.clear()
    yield
    offers.plugged_channels.cache_clear()


@pytest.mark.usefixtures("package")
def test_a_channel_of_an_installed_package_is_used_by_its_name(workspace: Workspace) -> None:
    desk = opened(workspace, TELL.format(channel="pager"))
    create(desk, name="lamp", keeper=desk.people["ann"])
    assert delivered(desk, install.channels(workspace.settings)) == [("sent", None)]
    assert [sent["body"]["people"] for sent in Pager.sent] == [[str(desk.people["ann"])]]


def test_the_same_channel_is_unknown_without_the_package(workspace: Workspace) -> None:
    with pytest.raises(DefinitionError, match="unknown_channel"):
        opened(workspace, TELL.format(channel="pager"))


def test_the_manager_of_the_owner_is_told(workspace: Workspace) -> None:
    text = 'rule tell when item is created then notify manager of owner, manager of keeper saying "Made" on record end'
    desk = opened(workspace, text)
    with workspace.work(SYSTEM, command="test.people") as work:
        chief = create_person(work, login="chief", name="Chief")
        owner = create_person(work, login="owner", name="Owner", manager=chief)
    create(desk, name="lamp", owner=owner, keeper=owner)
    # Nobody stands above the chief: nobody is told, and nothing fails.
    create(desk, name="table", owner=chief)
    told = [row.person for row in rows(desk, notification)]
    assert told == [chief]


SWEPT = """
rule daily
  every day at 11:00 for each item where size > 0
  then
    create box with name: name, kind: "swept"
end
"""
MANY = 60


def test_a_sweep_that_is_killed_fires_for_every_record_and_for_none_twice(workspace: Workspace) -> None:
    desk = open_desk(workspace, (*WITH_RECORDS, ("items.rules", SWEPT)))
    with desk.work() as work:
        for number in range(MANY):
            work.records.create("desk.item", {"name": f"i{number}", "size": 1})
    # The schedule's first occasion is planned when the release begins.
    install.host(workspace).catch_up()
    desk.advance(hours=2)
    now = workspace.clock.now().isoformat()
    arguments = [sys.executable, "-c", WORKER, workspace.settings.database, now, str(workspace.settings.files)]

    def fired() -> int:
        with workspace.database.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(rule_firing)).scalar_one())

    for goal in (15, MANY):
        worker = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        try:
            until(lambda goal=goal: fired() >= goal, 90)  # type: ignore[misc]
        finally:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            worker.stdout.close()  # type: ignore[union-attr]
    times = Counter(row.record_id for row in rows(desk, rule_firing))
    assert (len(times), set(times.values())) == (MANY, {1})
    with desk.work() as work:
        from engines.form import ListQuery

        assert work.records.count("desk.box", ListQuery(filter='kind = "swept"')).value == MANY
