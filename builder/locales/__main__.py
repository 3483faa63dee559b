"""Finds every translatable text of pages and templates and adds what is new to the .po files."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
METHODS = [("web/**.py", "python"), ("templates/**.html", "jinja2")]
LANGUAGES = ("zh", "en")


def extracted() -> Catalog:
    """All texts that stand in the sources."""
    catalogue = Catalog(project="dougong", fuzzy=False)
    options = {"templates/**.html": {"newstyle_gettext": "true", "trimmed": "true"}}
    found = extract_from_dir(ROOT, METHODS, options)
    for _file, _line, message, _comments, context in found:
        catalogue.add(message, context=context)
    return catalogue


def path_of(language: str) -> Path:
    """The catalogue's file."""
    return HERE / language / "LC_MESSAGES" / "messages.po"


def stored(language: str) -> Catalog:
    """The catalogue as it stands."""
    with path_of(language).open("rb") as file:
        return read_po(file, language)


def update(language: str) -> int:
    """How many texts lack a translation after the catalogue took over what is new; English is filled in."""
    path = path_of(language)
    catalogue = (
        stored(language) if path.exists() else Catalog(locale=language, project="dougong", version="1", fuzzy=False)
    )
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.header_comment = f"# Texts of our own pages: {language}"
    # A date that stands still, so that a file changes only with its texts.
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    if language == "en":
        for message in catalogue:
            if message.id:
                message.string = message.id
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, omit_header=False, sort_output=True, no_location=True, width=120)
    return sum(1 for message in catalogue if message.id and not message.string)


def main() -> int:
    """Exit code: 1 while a text lacks its translation."""
    missing = {language: update(language) for language in LANGUAGES}
    print(missing)
    return 1 if any(missing.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
