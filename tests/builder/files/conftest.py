"""A workspace with the gallery app, on both databases, and people who may see more or less of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from builder.definitions import load_folder
from builder.files import Upload, holder_of, receive
from builder.releases import install
from builder.workspace import Workspace
from engines.core import SYSTEM, Principal, PrincipalKind
from engines.core.ports import StoredFile
from tests.builder.workspaces import sqlite_image, workspace

__all__ = ["sqlite_image", "workspace"]
GALLERY = Path(__file__).parents[2] / "apps" / "gallery"
SPECIMEN = "gallery.specimen"
Send = Callable[..., StoredFile]


def person(*roles: str) -> Principal:
    """Somebody with roles of the gallery app."""
    return Principal(kind=PrincipalKind.PERSON, id=uuid4(), roles=frozenset(f"gallery.{role}" for role in roles))


def picture(width: int = 40, height: int = 30, kind: str = "PNG") -> bytes:
    """A small picture."""
    data = io.BytesIO()
    Image.new("RGB", (width, height), "#2b56c8").save(data, kind)
    return data.getvalue()


@pytest.fixture
def gallery(workspace: Workspace) -> Workspace:
    install(workspace, load_folder(GALLERY), SYSTEM)
    return workspace


@pytest.fixture
def send(gallery: Workspace) -> Send:
    """Uploads bytes as somebody, for a field."""

    def upload(
        who: Principal, name: str = "a.txt", data: bytes = b"words", field: str = "papers", **more: Any
    ) -> StoredFile:
        given = {"max_size": 1_000_000, **more}
        wanted = Upload(stream=io.BytesIO(data), name=name, form=SPECIMEN, field=field, holder=holder_of(who), **given)
        return receive(gallery, who, wanted)

    return upload


def told(file: StoredFile, **other: Any) -> dict[str, Any]:
    """A file as a form sends it."""
    return {"id": str(file.id), "name": file.name, "size": file.size, "type": file.type, **other}


def create(workspace: Workspace, who: Principal, **values: Any) -> UUID:
    """A new specimen."""
    with workspace.work(who, command="test.create") as work:
        found: UUID = work.records.create(SPECIMEN, {"name": "x", **values}).record.id
        return found
