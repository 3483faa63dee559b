"""Apps for the platform's tests."""

from __future__ import annotations

from pathlib import Path

from builder.definitions import AppSource, load_folder, source_of
from builder.identity import BUILDER
from engines.core import Principal, PrincipalKind, new_id

LIBRARY = Path(__file__).parents[2] / "apps" / "library"

ADMIN = Principal(kind=PrincipalKind.PERSON, id=new_id(), roles=frozenset({"sys.admin"}))
BUILDS = Principal(kind=PrincipalKind.PERSON, id=new_id(), roles=frozenset({BUILDER}))
BUILDS_LIBRARY = Principal(kind=PrincipalKind.PERSON, id=new_id(), roles=frozenset({"library.builder"}))
LIBRARIAN = Principal(kind=PrincipalKind.PERSON, id=new_id(), roles=frozenset({"library.librarian"}))


def library(**replaced: str) -> AppSource:
    """The forms, roles and app.json of the library; ``replaced`` as "old": "new" in all its files."""
    texts = load_folder(LIBRARY).texts()
    kept = {
        path: text for path, text in texts.items() if path.endswith((".form.json", ".roles.json")) or path == "app.json"
    }
    return source_of({path: _replace(text, replaced) for path, text in kept.items()})


def _replace(text: str, replaced: dict[str, str]) -> str:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text
