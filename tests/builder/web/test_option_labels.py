"""Options of a shared list are called as the label set says that a setting puts in force."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from builder.definitions import load_folder
from builder.releases import install
from builder.workspace import Workspace
from builder.workspace.app_settings import write_setting
from engines.core import SYSTEM

from .conftest import add_person, close_setup, sign_in

GALLERY = Path(__file__).parents[2] / "apps" / "gallery"


def test_a_setting_switches_what_options_are_called(app: Flask, workspace: Workspace) -> None:
    install(workspace, load_folder(GALLERY), SYSTEM)
    close_setup(workspace)
    add_person(app, workspace, "kai", roles=("gallery.keeper",))
    client = app.test_client()
    sign_in(client, "kai")
    with workspace.work(SYSTEM, command="test.add") as work:
        id = work.records.create("gallery.specimen", {"name": "beam", "material": "wood"}).record.id
    paths = ["new", str(id), ""]
    pages = [client.get(f"/a/gallery/f/specimen/{path}").get_data(as_text=True) for path in paths]
    assert all("Wood" in page and "Joinery" not in page for page in pages)
    with workspace.work(SYSTEM, command="test.setting") as work:
        write_setting(work, "gallery", "wording", "craft")
    pages = [client.get(f"/a/gallery/f/specimen/{path}").get_data(as_text=True) for path in paths]
    assert all("Joinery" in page for page in pages)
    with workspace.read(SYSTEM) as work:
        assert work.records.get("gallery.specimen", id).values["material"] == "wood", "what is kept stays the same"
