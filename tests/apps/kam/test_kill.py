"""``kill -9`` at the served template: an escalation comes once and on time, what is acknowledged stays, once."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from builder.identity import create_person, create_token
from builder.releases import load_folder, publish
from builder.storage.runtime_tables import job, notification, process_instance
from builder.workspace import Workspace
from builder.workspace.audit_chain import seal, verify
from builder.workspace.moving_clock import advance_clock
from engines.core import SYSTEM
from engines.form import ListQuery
from tests.builder.runtime.test_embedded import until
from tests.builder.workspaces import START, fixed_clock, settings_for, sqlite_image, workspace_url
from tests.servers import BROKEN, PROGRAM, Server

__all__ = ["sqlite_image"]
APP = Path(__file__).parents[3] / "apps" / "kam_template"
TICKETS = "/api/v1/apps/kam/forms/ticket/records"
ROLES = {
    "li_na": "account_manager",
    "he_ping": "technical_support_lead",
    "guo_xin": "product_manager",
    "liu_yang": "department_director",
}
# The real `dougong serve`, but for the machine's clock: it stands, so that 14:59 lasts until the sandbox's is moved on.
STANDING = f"""
from datetime import datetime
from builder.workspace import workspace
from engines.core import FixedClock
workspace.SystemClock = lambda zone_name: FixedClock(
    instant=datetime.fromisoformat({START.isoformat()!r}), zone_name=zone_name
)
from builder.__main__ import main
main()
"""
SOAK = os.environ.get("DOUGONG_SOAK") == "1"
KILLS = 30 if SOAK else 3
WRITERS = 2


@dataclass(frozen=True, slots=True)
class Company:
    """A workspace with the template, its people and a strategic customer, looked at from beside its server."""

    workspace: Workspace
    url: str
    people: dict[str, UUID]
    account: UUID
    token: str

    def ticket(self, number: int | str) -> dict[str, Any]:
        """An urgent ticket of the strategic customer."""
        return {"account": str(self.account), "title": f"停机 {number}", "urgency": "urgent"}

    def notices(self, login: str) -> Counter[str]:
        """How often a person was told what."""
        with self.workspace.database.read() as connection:
            mine = sa.select(notification.c.title).where(notification.c.person == self.people[login])
            titles = [title["zh"] for title in connection.execute(mine).scalars()]
        # Beside these there is one for each task in somebody's inbox.
        return Counter(title for title in titles if title.startswith(("紧急工单", "工单已升级")))

    def tickets(self) -> list[Any]:
        """All tickets."""
        found, after = [], None
        with self.workspace.read(SYSTEM) as work:
            while True:
                page = work.records.page("kam.ticket", ListQuery(limit=200, after=after))
                found += page.records
                if (after := page.next) is None:
                    return found

    def advance(self, **by: float) -> None:
        """Moves the sandbox's clock, as its admin does."""
        with self.workspace.work(SYSTEM, command="clock.advance") as work:
            advance_clock(work, timedelta(**by))

    def let_runner_look(self) -> None:
        """Returns when the server's runner has looked at what is due by the clock as it is now."""
        with self.workspace.work(SYSTEM, command="test.marker") as work:
            work.service("scoring").request_run("kam", "annual_volume", cause="test")
        until(lambda: not self.jobs("scores.run"), 60)

    def jobs(self, kind: str) -> int:
        """Waiting rows of a kind."""
        with self.workspace.database.read() as connection:
            mine = sa.select(sa.func.count()).where(job.c.kind == kind)
            return int(connection.execute(mine).scalar_one())

    def timers_of(self, process: str) -> int:
        """Waiting timers of a process."""
        own = sa.select(process_instance.c.id).where(process_instance.c.process == process)
        with self.workspace.database.read() as connection:
            mine = sa.select(sa.func.count()).where(job.c.kind == "process.timer", job.c.instance_id.in_(own))
            return int(connection.execute(mine).scalar_one())

    def instances(self) -> Counter[UUID]:
        """Process instances by the ticket they are about."""
        with self.workspace.database.read() as connection:
            mine = sa.select(process_instance.c.subject_id).where(process_instance.c.process == "rapid_response")
            return Counter(connection.execute(mine).scalars())


@contextmanager
def company(kind: str, folder: Path, image: Path) -> Iterator[Company]:
    """The template in force in a sandbox."""
    with workspace_url(kind, folder, image) as url:
        workspace = Workspace.open(settings_for(url, folder), clock=fixed_clock())
        try:
            publish(workspace, "kam", load_folder(APP), SYSTEM)
            with workspace.work(SYSTEM, command="test.people") as work:
                people = {
                    login: create_person(work, login=login, name=login, roles=[f"kam.{role}"])
                    for login, role in ROLES.items()
                }
                account = {"code": "A1", "name": "华东重工", "tier": "S", "owner": people["li_na"]}
                found = work.records.create("kam.account", account).record.id
                token = create_token(work, person_id=people["li_na"], label="test", scopes=["write"])
            yield Company(workspace=workspace, url=url, people=people, account=found, token=token)
        finally:
            workspace.close()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def test_k111_an_escalation_comes_once_at_fifteen_minutes_over_kill_9(
    kind: str, tmp_path: Path, sqlite_image: Path
) -> None:
    with company(kind, tmp_path, sqlite_image) as found:
        server = Server(found.url, tmp_path, program=(sys.executable, "-c", STANDING))
        with server:
            client = server.client(found.token)
            status, made = client.call("POST", TICKETS, found.ticket(1), Idempotency_Key="first")
            assert status == 201, made
            server.kill()
            assert [t.values["priority"] for t in found.tickets()] == ["high"]
            for login in ("li_na", "he_ping", "guo_xin"):
                assert found.notices(login) == {"紧急工单：停机 1": 1}
            # The clock is moved while no server runs; the next one sees it.
            found.advance(minutes=14, seconds=59)
            server.start()
            assert client.call("POST", TICKETS, found.ticket(1), Idempotency_Key="first")[1]["id"] == made["id"]
            found.let_runner_look()
            assert client.call("GET", f"{TICKETS}/{made['id']}")[1]["values"]["priority"] == "high"
            assert found.notices("liu_yang") == {}
            server.kill()
            found.advance(seconds=1)
            server.start()
            until(lambda: found.tickets()[0].values["priority"] == "escalated", 60)
            server.kill()
            server.start()
            found.let_runner_look()
            found.advance(hours=2)
            found.let_runner_look()
        assert found.notices("liu_yang") == {"工单已升级：停机 1": 1}
        assert [t.values["priority"] for t in found.tickets()] == ["escalated"]
        assert found.timers_of("rapid_response") == 0


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def test_kill_9_at_any_moment_loses_nothing_acknowledged_and_doubles_nothing(
    kind: str, tmp_path: Path, sqlite_image: Path
) -> None:
    seed = int(os.environ.get("DOUGONG_SEED") or random.SystemRandom().randrange(2**32))
    print(f"DOUGONG_SEED={seed}")
    chance = random.Random(seed)
    with company(kind, tmp_path, sqlite_image) as found:
        acknowledged: dict[str, str] = {}
        server = Server(found.url, tmp_path, program=PROGRAM)
        with server, writing(server, found, acknowledged):
            for _ in range(KILLS):
                before = len(acknowledged)
                until(lambda before=before: len(acknowledged) > before, 60)  # type: ignore[misc]
                threading.Event().wait(chance.random())
                server.kill()
                server.start()
        stored = found.tickets()
        assert len(acknowledged) >= KILLS
        assert Counter(str(ticket.id) for ticket in stored) == Counter(acknowledged.values())
        assert sorted(t.values["title"] for t in stored) == sorted(f"停机 {key}" for key in acknowledged)
        assert found.instances() == {ticket.id: 1 for ticket in stored}
        for login in ("li_na", "he_ping", "guo_xin"):
            assert found.notices(login) == {f"紧急工单：停机 {key}": 1 for key in acknowledged}
        while seal(found.workspace.database):
            pass
        with found.workspace.database.read() as connection:
            assert verify(connection).broken_at is None
            if kind == "sqlite":
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"


@contextmanager
def writing(server: Server, found: Company, acknowledged: dict[str, str]) -> Iterator[None]:
    """Clients that write all the time, each call made again with its key until it is acknowledged."""
    stopping = threading.Event()
    faults: list[str] = []

    def write(writer: int) -> None:
        client, number = server.client(found.token), 0
        while not stopping.is_set():
            number += 1
            key = f"{writer}-{number}"
            send(lambda key=key: client.call("POST", TICKETS, found.ticket(key), Idempotency_Key=key), key)  # type: ignore[misc]

    def send(call: Callable[[], tuple[int, Any]], key: str) -> None:
        while True:
            try:
                status, answer = call()
            except BROKEN:
                stopping.wait(0.02)
                continue
            if status != 201:
                faults.append(f"{key}: {status} {answer}")
                stopping.set()
                return
            acknowledged[key] = answer["id"]
            return

    threads = [threading.Thread(target=write, args=(n,), daemon=True) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(60)
    assert faults == []
