"""What administrators read: the audit trail and the jobs in sentences, the clock's steps in words."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

import builder
from builder.definitions import source_of
from builder.releases import publish
from builder.runtime.install import handlers
from builder.runtime.process.services import built_in
from builder.storage.workspace_tables import workspace as workspace_table
from builder.web import audit_words
from builder.workspace import Workspace
from engines.core import SYSTEM
from tests.builder.web import gallery
from tests.builder.web.conftest import csrf
from tests.builder.web.test_records import text_of

Enter = Callable[..., FlaskClient]

RECORDED = re.compile(
    r"""(?:\.audit\(|record_audit\([^")]*action=|self\._admin(?:ister)?\([^,()]+, )\s*"([a-z_]+\.[a-z_]+)\""""
)


def recorded_actions() -> set[str]:
    """Every action that the sources record, as literals."""
    root = Path(builder.__file__).parent
    sources = [path.read_text() for path in root.rglob("*.py")]
    return {action for source in sources for action in RECORDED.findall(source)}


def test_every_recorded_action_and_kind_of_job_has_its_words(app: Flask) -> None:
    with app.test_request_context("/login", environ_overrides={"dougong.workspace": "main"}):
        app.preprocess_request()
        actions, jobs = audit_words.action_words(), audit_words.job_words()
    assert recorded_actions() <= set(actions)
    assert len(recorded_actions()) > 20
    assert set(handlers(built_in())) <= set(jobs)


@pytest.mark.parametrize(
    ("language", "sentence", "role"),
    [("en", "Added a person", "Reader"), ("zh", "新增人员", "读者")],
)
def test_the_audit_trail_names_people_and_says_what_was_done(
    enter: Enter, language: str, sentence: str, role: str
) -> None:
    admin = enter("ada", "sys.admin")
    token = csrf(admin, "/")
    admin.post("/admin/people/new", data={"_csrf": token, "login": "rui", "name": "Rui", "roles": "library.reader"})
    admin.post("/language", data={"_csrf": token, "locale": language})
    page = text_of(admin, "/admin/audit")
    line = next(line.split("</tr>")[0] for line in page.split("<tr>") if sentence in line and "Rui" in line)
    assert role in line
    assert not re.search(r"\{'|\[\w+-", line)
    assert not re.findall(r"[0-9a-f-]{36}", line)


def test_the_clock_moves_by_steps_that_read_as_words(enter: Enter, library: Workspace) -> None:
    with library.database.write() as connection:
        connection.execute(sa.update(workspace_table).values(sandbox=True))
    admin = enter("ada", "sys.admin")
    admin.post("/language", data={"_csrf": csrf(admin, "/"), "locale": "zh"})
    chinese = text_of(admin, "/admin/clock")
    assert "+ 15 分钟" in chinese
    assert "duration" not in chinese


OFFICE = """{"name": "office", "label": {"en": "Office hours", "zh": "办公时间"}, "public_holidays": "CN",
 "hours": [{"days": ["mon"], "from": "09:00", "to": "17:00"}]}"""


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "does not know the public holidays of"), ("zh", "年的法定节假日，该年只按周一至周五计算")],
)
def test_a_calendar_without_the_holidays_of_a_year_is_told_where_admins_look(
    enter: Enter, library: Workspace, monkeypatch: pytest.MonkeyPatch, language: str, sentence: str
) -> None:
    texts = {path: json.dumps(data, ensure_ascii=False) for path, data in gallery.DOCUMENTS.items()}
    publish(library, "library", source_of({**texts, "office.calendar.json": OFFICE}), SYSTEM)
    admin = enter("ada", "sys.admin")
    admin.post("/language", data={"_csrf": csrf(admin, "/"), "locale": language})
    pages = ("/admin/people", "/studio/library/checks")
    for known in (True, False):
        monkeypatch.setattr("builder.runtime.calendars._knows", lambda year, known=known: known)
        assert [sentence in text_of(admin, page) for page in pages] == [not known, not known]
