"""An app that was checked when it was published is not checked at every start; a changed program checks it again."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from builder.definitions import AppDefinitions, CompiledApp, documents_of, source_from, source_of
from builder.definitions.fingerprint import engine_fingerprint
from builder.releases import publish, rollback
from builder.workspace import Workspace, release_store, warming
from builder.workspace.warming import warm_up
from engines.core import SYSTEM, DefinitionError, Diagnostic
from tests.builder.platform.apps import library

OTHER = {
    "app.json": '{"name": "aside", "version": "1.0.0", "label": "Aside", "description": "Beside the library"}',
    "aside.roles.json": '{"roles": [{"name": "guest", "label": "Guest"}]}',
}


def again(workspace: Workspace) -> Workspace:
    """The workspace as a server that was started anew opens it."""
    return Workspace(workspace.settings, workspace.database, workspace.clock.base)


def checked(workspace: Workspace, app: str = "library") -> bool:
    """Whether the next start takes the app as checked."""
    return again(workspace).apps[app].definitions.source.checked


def refuse_to_validate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever validates a form from now on fails."""

    def fail(*_: object) -> list[Diagnostic]:
        raise AssertionError("a form was validated")

    # The package exports a function of the module's name, so that it cannot be named as an attribute.
    monkeypatch.setattr(sys.modules["engines.form.compiler"], "validate", fail)


def test_what_was_published_starts_without_a_check_and_compiles_to_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(workspace, "library", library(), SYSTEM)
    before = CompiledApp(AppDefinitions(library()))
    hashes = {name: form.hash for name, form in before.forms.items()}
    refuse_to_validate(monkeypatch)
    with pytest.raises(AssertionError, match="was validated"):
        CompiledApp(AppDefinitions(library())).compile_all()
    started = again(workspace).apps["library"]
    assert started.definitions.source.checked
    assert {name: form.hash for name, form in started.forms.items()} == hashes
    assert {n: sorted(f.fields) for n, f in started.forms.items()} == {
        n: sorted(f.fields) for n, f in before.forms.items()
    }


def test_a_checked_file_is_read_when_it_is_first_asked_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(workspace, "library", library(), SYSTEM)
    definitions = again(workspace).apps["library"].definitions
    assert set(definitions.names("form")) == {"book", "loan"}
    read = [key for key in definitions._loaded if key[0] == "form"]
    assert read == []
    assert definitions.get("form", "book").name == "book"
    assert [key for key in definitions._loaded if key[0] == "form"] == [("form", "book")]
    assert set(definitions.all("form")) == {"book", "loan"}


def test_a_changed_program_checks_again_and_remembers(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(workspace, "library", library(), SYSTEM)
    monkeypatch.setattr(release_store, "engine_fingerprint", lambda: "another")
    assert not checked(workspace)
    started = again(workspace)
    warm_up(started)
    assert checked(workspace)
    monkeypatch.undo()
    assert checked(workspace)


def test_what_a_newer_program_refuses_is_told_and_not_remembered(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(warming.log, "error", lambda event, **about: told.update({event: about}))
    publish(workspace, "library", library(), SYSTEM)
    monkeypatch.setattr(release_store, "engine_fingerprint", lambda: "newer")
    problem = Diagnostic(code="form.no_longer_allowed", file="book.form.json")
    monkeypatch.setattr(sys.modules["engines.form.compiler"], "validate", lambda *_: [problem])
    monkeypatch.setattr("builder.workspace.warming.check_definitions", lambda _: [problem])
    started = again(workspace)
    warm_up(started)
    assert not checked(workspace)
    assert "form.no_longer_allowed" in told["app.not_sound"]["problems"][0]
    with pytest.raises(DefinitionError):
        started.apps["library"].forms  # noqa: B018


def test_another_app_beside_it_has_it_checked_again(workspace: Workspace) -> None:
    publish(workspace, "library", library(), SYSTEM)
    publish(workspace, "aside", source_of(OTHER), SYSTEM)
    assert checked(workspace, "aside")
    assert not checked(workspace)
    warm_up(again(workspace))
    assert checked(workspace)


def test_an_older_release_is_as_checked_as_it_was(workspace: Workspace) -> None:
    publish(workspace, "library", library(), SYSTEM)
    publish(workspace, "library", library(**{'"version": "1.0.0"': '"version": "1.1.0"'}), SYSTEM)
    rollback(workspace, "library", 1, SYSTEM)
    assert again(workspace).apps["library"].release == 1
    assert checked(workspace)


def test_what_is_edited_is_checked_however_sound_it_was_before(workspace: Workspace) -> None:
    publish(workspace, "library", library(), SYSTEM)
    source = again(workspace).apps["library"].definitions.source
    assert source.checked
    assert not source_from(documents_of(source)).checked
    assert not source_of(source.texts()).checked


def test_the_fingerprint_is_that_of_the_code() -> None:
    assert len(engine_fingerprint()) == 64
    assert engine_fingerprint() == engine_fingerprint.__wrapped__()
