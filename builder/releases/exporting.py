"""An app written out as the folder that ``load_folder`` reads: it lives well in git."""

from __future__ import annotations

from pathlib import Path

from builder.definitions import AppSource, layer_text, load_folder
from builder.definitions.source import APP_FILE, write_file
from builder.identity import require_builder
from builder.workspace import Work
from builder.workspace.release_store import active_release, content_of, get_release, layer_in, package_of
from engines.core import InputError, InputProblem, StateConflict

LAYER_FILE = "layer.json"


def export_app(source: AppSource, folder: Path) -> list[Path]:
    """The files written; the folder must be empty or hold an app, whose files that are gone are removed."""
    _require_app_folder(folder)
    texts = source.texts()
    for gone in _definitions_in(folder) - set(texts):
        (folder / gone).unlink()
    written = []
    for path, text in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_file(target, text)
        written.append(target)
    return written


def export_release(
    work: Work, app: str, folder: Path, *, release: int | None = None, package: bool = False
) -> list[Path]:
    """The files of a release (the one in force unless told) as people use it, or its untouched package.

    With ``package`` the customer's layer is written beside it as ``layer.json``.
    """
    require_builder(work.principal, app, "release.export")
    found = get_release(work.connection, app, release) if release else active_release(work.connection, app)
    if found is None:
        raise StateConflict("release.no_such_app", app=app)
    written = export_app((package_of if package else content_of)(work.connection, found), folder)
    if package:
        target = folder / LAYER_FILE
        target.write_text(layer_text(layer_in(work.connection, found)), "utf-8")
        written.append(target)
    return written


def _definitions_in(folder: Path) -> set[str]:
    return set(load_folder(folder).texts()) if (folder / APP_FILE).is_file() else set()


def _require_app_folder(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / APP_FILE).is_file():
        problem = InputProblem(pointer="/folder", code="release.folder_in_use", params={"folder": str(folder)})
        raise InputError([problem])
