"""Settings: of a process, all documented; of apps, typed and in force at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from builder.releases import install
from builder.workspace import Settings, SettingsError, Workspace
from builder.workspace.app_settings import write_setting
from builder.workspace.settings import entries
from engines.core import AccessDenied, InputError
from tests.builder.platform.apps import ADMIN, BUILDS_LIBRARY, LIBRARIAN, library

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)
def test_every_setting_has_its_line_in_the_documentation(entry: object) -> None:
    name, default, text = entry.name, entry.default, entry.help  # type: ignore[attr-defined]
    line = next((line for line in DOCS.read_text("utf-8").splitlines() if f"`DOUGONG_{name.upper()}`" in line), "")
    assert text in line
    assert f"`{default}`" in line or (default == "" and "empty" in line)


def test_settings_are_read_by_type_and_given_values_win() -> None:
    found = Settings.from_environment({"DOUGONG_PORT": "9000", "DOUGONG_SESSION_HOURS": "1.5", "HOME": "/"}, port=9100)
    assert (found.port, found.session_hours, found.host) == (9100, 1.5, "127.0.0.1")


def test_all_mistakes_of_settings_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"DOUGONG_PORT": "x", "DOUGONG_NOPE": "1", "DOUGONG_THREADS": ""})
    assert all(name in str(refused.value) for name in ("DOUGONG_PORT", "DOUGONG_NOPE", "DOUGONG_THREADS"))


@pytest.fixture
def installed(workspace: Workspace) -> Workspace:
    """A workspace with the library and a setting of each type."""
    more = """"settings": [
      {"name": "opened", "type": "date", "label": "O"},
      {"name": "strict", "type": "boolean", "label": "S", "default": true},
      {"name": "motto", "type": "text", "label": "M", "default": "read"},
      {"name": "mode", "type": "choice", "label": "C", "options": [{"name": "a", "label": "A"}]},"""
    install(workspace, library(**{'"settings": [': more}), ADMIN)
    return workspace


def test_settings_of_an_app_have_values_of_their_types(installed: Workspace) -> None:
    given = {"opened": "2026-01-31", "strict": "false", "mode": "a", "loan_days": "14.5"}
    with installed.work(BUILDS_LIBRARY, command="test") as work:
        before = dict(work.settings("library"))
        for name, value in given.items():
            write_setting(work, "library", name, value)
    assert before == {"opened": None, "strict": True, "motto": "read", "mode": None, "loan_days": Decimal(28)}
    with installed.read(LIBRARIAN) as work:
        assert work.settings("library") == {
            "opened": date(2026, 1, 31),
            "strict": False,
            "motto": "read",
            "mode": "a",
            "loan_days": Decimal("14.5"),
        }
        assert work.settings("nothing") == {}
    with installed.work(ADMIN, command="test") as work:
        write_setting(work, "library", "loan_days", None)
    with installed.read(LIBRARIAN) as work:
        assert work.settings("library")["loan_days"] == Decimal(28)


@pytest.mark.parametrize(
    ("name", "value"),
    [("loan_days", "x"), ("loan_days", "NaN"), ("opened", "soon"), ("strict", "maybe"), ("mode", "b"), ("none", "1")],
)
def test_values_of_another_type_are_refused(installed: Workspace, name: str, value: str) -> None:
    with pytest.raises(InputError, match="setting"), installed.work(ADMIN, command="test") as work:
        write_setting(work, "library", name, value)


def test_only_builders_set_an_apps_settings(installed: Workspace) -> None:
    with pytest.raises(AccessDenied), installed.work(LIBRARIAN, command="test") as work:
        write_setting(work, "library", "loan_days", 1)
