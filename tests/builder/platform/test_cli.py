"""The command line: from an empty folder to an app in force, and one clear line where something is missing."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from builder.cli import main
from builder.cli.main import COMMANDS
from builder.storage.workspace_tables import audit
from builder.workspace import Settings, Workspace
from engines.core import SYSTEM
from tests.builder.platform.apps import library


class Shell:
    """Calls ``dougong`` with a database of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = f"sqlite:///{folder / 'cli.db'}"
        monkeypatch.setenv("DOUGONG_DATABASE", self.url)
        monkeypatch.setenv("DOUGONG_ARGON2_MEMORY_KIB", "64")

    def __call__(self, *arguments: str, code: int = 0, typed: str | None = None) -> str:
        result: Result = CliRunner().invoke(main, arguments, input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_image: Path) -> Shell:
    """A shell over an empty workspace."""
    shutil.copy(sqlite_image, tmp_path / "cli.db")
    return Shell(tmp_path, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The library's forms as a folder."""
    for path, text in library().texts().items():
        target = tmp_path / "library" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return tmp_path / "library"


def test_help_names_every_command(shell: Shell) -> None:
    text = shell("--help")
    assert all(name in text for name in ("serve", "worker", "init", "demo", "app", "import", "user", "clock", "db"))


def test_init_prints_a_setup_address_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(tmp_path / "new", monkeypatch)
    assert "/setup?token=" in shell("init")
    assert "token" not in shell("init")


def test_an_app_is_checked_published_listed_and_rolled_back(shell: Shell, folder: Path, tmp_path: Path) -> None:
    assert "0 errors" in shell("app", "check", str(folder))
    assert "new_table" not in shell("app", "publish", str(folder), "--plan")
    assert "release 1" in shell("app", "publish", str(folder), "--note", "first")
    form = folder / "shelf" / "book.form.json"
    form.write_text(form.read_text("utf-8").replace("Novel", "Fiction"), "utf-8")
    assert "form:book/fields/subject/options/novel/label/en" in shell("app", "publish", str(folder), "--plan")
    assert "release 2" in shell("app", "publish", str(folder))
    assert "release 1" in shell("app", "rollback", "library", "1")
    assert [line[:3] for line in shell("app", "releases", "library").splitlines()] == ["  2", "* 1"]
    assert "library" in shell("app", "list")
    assert "files written" in shell("app", "export", "library", str(tmp_path / "out"))
    assert (tmp_path / "out" / "app.json").is_file()


def test_a_broken_app_is_told_as_a_whole_and_not_published(shell: Shell, folder: Path) -> None:
    for name, old, new in (("app.json", '"book"', '"bok"'), ("desk/loan.form.json", '"date"', '"dat"')):
        (folder / name).write_text((folder / name).read_text("utf-8").replace(old, new, 1), "utf-8")
    text = shell("app", "check", str(folder), code=1)
    assert "app.json /menu" in text
    assert "desk/loan.form.json" in text
    assert "desk/loan.form.json" in shell("app", "publish", str(folder), code=1)
    assert shell("app", "list") == ""


def test_people_are_added_and_given_roles(shell: Shell) -> None:
    assert "may sign in now with" in shell("user", "add", "Ann", "--random", "--role", "sys.admin")
    assert shell("user", "roles", "ann", "+library.reader", "--", "-sys.admin", code=1).startswith("/roles")
    assert shell("user", "roles", "ann", "+library.reader").split() == ["library.reader", "sys.admin"]
    shell("user", "password", "ann", typed="a long password\na long password\n")
    assert "too short" in shell("user", "password", "ann", "--password", "short", code=1)
    assert "ann\tAnn" in shell("user", "list")
    assert "nobody" in shell("user", "roles", "ben", code=2)


def test_the_clock_of_a_sandbox_moves_forward_only(shell: Shell) -> None:
    before = shell("clock", "show")
    assert shell("clock", "advance", "40d") > before
    assert shell("clock", "show") > before
    shell("clock", "advance", "soon", code=2)


def test_the_database_is_shown_backed_up_and_verified(shell: Shell, tmp_path: Path) -> None:
    assert "revision: " in shell("db", "status")
    shell("user", "add", "ann", "--random")
    assert "1 lines sealed" in shell("db", "verify")
    assert "bytes" in shell("db", "backup", str(tmp_path / "copy.db"))
    assert "exists already" in shell("db", "backup", str(tmp_path / "copy.db"), code=1)
    copy = Workspace.open(Settings(database=f"sqlite:///{tmp_path / 'copy.db'}"))
    with copy.read(SYSTEM) as work:
        assert work.connection.execute(sa.select(audit.c.action)).scalars().all() == ["identity.person_created"]
    copy.close()


def test_a_changed_audit_line_breaks_the_chain(shell: Shell) -> None:
    shell("user", "add", "ann", "--random")
    shell("user", "add", "ben", "--random")
    shell("db", "verify")
    workspace = Workspace.open(Settings(database=shell.url))
    with workspace.database.write() as connection:
        connection.execute(sa.update(audit).where(audit.c.position == 1).values(subject="somebody else"))
    workspace.close()
    assert "broken at line 1" in shell("db", "verify", code=1)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:////nowhere/at/all.db", "dougong init"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", "DOUGONG_DATABASE"),
        ("mysql://x/y", "no support"),
    ],
)
def test_a_missing_database_is_told_in_one_line_with_the_remedy(shell: Shell, url: str, told: str) -> None:
    text = shell("--database", url, "user", "list", code=1)
    assert told in text
    assert len(text.strip().splitlines()) == 1


def test_a_taken_port_is_told_in_one_line(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        text = shell("serve", "--port", str(taken.getsockname()[1]), code=1)
        again = shell("demo", "--port", str(taken.getsockname()[1]), code=1)
    for line in (text, again):
        assert line.count("\n") == 1
        assert "is taken: stop the other program, or choose another port with --port" in line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("serve", "--host", "256.1.1.1"), "give an address of this machine with --host"),
        (("db", "downgrade", "nope", "--yes"), 'there is no revision "nope"; known: 0001'),
        (("db", "upgrade", "nope"), 'there is no revision "nope"; known: 0001'),
    ],
)
def test_what_a_person_can_mend_is_told_in_one_line(shell: Shell, arguments: tuple[str, ...], told: str) -> None:
    text = shell(*arguments, code=1)
    assert told in text
    assert text.count("\n") == 1


def test_help_tells_all_commands_each_in_a_sentence_that_ends(shell: Shell) -> None:
    text = shell("--help")
    for name in "serve worker init demo app import user clock db".split():
        assert f"\n  {name} " in text
    for name in COMMANDS:
        assert "Usage:" in shell(name, "--help")


def test_unknown_settings_are_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOUGONG_POTR", "9")
    assert "DOUGONG_POTR: no such setting" in shell("db", "status", code=1)


def test_workers_need_postgresql(shell: Shell) -> None:
    assert "PostgreSQL" in shell("worker", code=2)


def test_a_process_tells_its_figures_and_its_log(shell: Shell, tmp_path: Path) -> None:
    shell("app", "publish", str(Path(__file__).parents[2] / "apps" / "library"))
    assert "0 started: none; 0 incidents" in shell("process", "figures", "library.late_return")
    target = tmp_path / "log.xes"
    shell("process", "log", "library.late_return", "--format", "xes", "--output", str(target))
    assert "<log " in target.read_text("utf-8")
    assert "there are: library.late_return" in shell("process", "log", "library.nothing", code=2)


def test_what_somebody_has_is_shown_and_handed_over(shell: Shell) -> None:
    for login in ("ann", "bob"):
        shell("user", "add", login, "--random", "--role", "library.librarian")
    assert shell("user", "move", "ann") == "roles\t1\n"
    assert "nobody with the login" in shell("user", "move", "ann", "--to", "carl", "--part", "all", code=2)
    assert shell("user", "move", "ann", "--to", "bob", "--part", "all", "--leaves") == "roles\t1 moved\n"
    assert shell("user", "move", "ann") == ""
    assert "shut out" in shell("user", "list", "--search", "ann")
