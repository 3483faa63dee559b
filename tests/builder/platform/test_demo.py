"""Sample data: people with passwords of their own, records by key, dates that move with the calendar."""

from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from builder.cli import main
from builder.demo import create_people, load_demo, load_records
from builder.identity import ADMIN, DatabaseDirectory, Identity, find_person
from builder.releases import install
from builder.storage.workspace_tables import workspace as workspace_table
from builder.workspace import Settings, Workspace
from engines.core import SYSTEM, DefinitionError, InputError
from engines.form import ListQuery
from tests.builder.platform.apps import ADMIN as ANN
from tests.builder.platform.apps import LIBRARY, library


@pytest.fixture
def installed(workspace: Workspace) -> Workspace:
    """A workspace with the library's forms, without data."""
    install(workspace, library(), ANN)
    return workspace


def test_people_come_with_departments_roles_and_passwords_that_work(installed: Workspace) -> None:
    demo, identity = load_demo(LIBRARY), Identity(installed)
    assert demo is not None
    (person,) = create_people(installed, "library", demo, identity.passwords)
    signed_in = identity.authenticate(identity.sign_in(person.login, person.password))
    assert signed_in is not None
    assert signed_in.principal.roles >= {"library.librarian", ADMIN}
    with installed.read(SYSTEM) as work:
        wu = find_person(work.connection, "wu")
        assert wu is not None
        directory = DatabaseDirectory(work.connection)
        assert directory.manager_of(wu.id) == signed_in.principal.id
        assert directory.head_of(wu.departments[0]) == wu.id
        assert len(signed_in.principal.departments) == 2
        assert work.connection.execute(sa.select(workspace_table.c.setup_hash)).scalar_one() == ""
    assert create_people(installed, "library", demo, identity.passwords) == []


def test_records_refer_to_each_other_by_key_and_dates_move(installed: Workspace) -> None:
    demo = load_demo(LIBRARY)
    assert demo is not None
    create_people(installed, "library", demo, Identity(installed).passwords)
    told: list[tuple[str, int, int]] = []
    assert load_records(installed, "library", demo, lambda *step: told.append(step)) == 4
    assert told == [("book", 2, 2), ("loan", 2, 2)]
    with installed.read(SYSTEM) as work:
        found = work.records.page("library.loan", ListQuery(limit=10)).records
        one, two = sorted(work.records.get_many("library.loan", [r.id for r in found]), key=lambda r: str(r["number"]))
        book = work.records.get("library.book", one["book"])
        assert book is not None
        assert book["title"] == "红楼梦"
        # The data were written for 2026-02-03; the clock of the tests stands at 2026-03-03.
        assert (one["taken_on"], one["returned"], two["returned"]) == (date(2026, 2, 1), True, False)
        assert [str(row["fee"]) for row in one["notes"]] == ["2.50", "1.00"]
        assert str(one["fees"]) == "3.50"


def test_a_key_that_stands_for_nothing_is_named(installed: Workspace, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "loan.csv").write_text("number,book\nL1,nothing\n")
    (tmp_path / "data" / "demo.json").write_text(
        '{"as_of": "2026-01-01", "files": [{"form": "loan", "file": "loan.csv"}]}'
    )
    demo = load_demo(tmp_path)
    assert demo is not None
    with pytest.raises(InputError, match=r"demo\.unknown_key"):
        load_records(installed, "library", demo, lambda *_: None)


def test_a_demo_that_names_missing_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    text = '{\n"as_of": "2026-01-01",\n"files": [{"form": "a", "file": "a.csv"}, {"form": "b", "file": "b.csv"}]}'
    (tmp_path / "data" / "demo.json").write_text(text)
    with pytest.raises(DefinitionError) as refused:
        load_demo(tmp_path)
    assert [(d.code, d.found, d.line) for d in refused.value.diagnostics] == [
        ("demo.no_file", "a.csv", 3),
        ("demo.no_file", "b.csv", 3),
    ]
    assert load_demo(tmp_path / "data") is None


def test_the_command_makes_a_demo_once_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOUGONG_ARGON2_MEMORY_KIB", "64")
    app = tmp_path / "library"
    for path, text in library().texts().items():
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_text(text, "utf-8")
    (app / "data").mkdir()
    for source in (LIBRARY / "data").iterdir():
        (app / "data" / source.name).write_bytes(source.read_bytes())
    call = ["demo", str(app), "--folder", str(tmp_path / "var"), "--no-serve"]
    first = CliRunner().invoke(main, call, catch_exceptions=False)
    kept = json.loads((tmp_path / "var" / "demo.json").read_text("utf-8"))
    assert first.exit_code == 0
    assert kept[0]["password"] in first.output
    assert stat.S_IMODE((tmp_path / "var" / "demo.json").stat().st_mode) == 0o600
    second = CliRunner().invoke(main, call, catch_exceptions=False)
    assert kept[0]["password"] in second.output
    assert "Making people" not in second.output
    workspace = Workspace.open(Settings(database=f"sqlite:///{tmp_path / 'var' / 'demo.db'}"))
    with workspace.read(SYSTEM) as work:
        assert workspace.state(work.connection).sandbox
        assert len(work.records.page("library.book", ListQuery(limit=10)).records) == 2
    workspace.close()
    third = CliRunner().invoke(main, [*call, "--reset"], catch_exceptions=False)
    assert kept[0]["password"] not in third.output
