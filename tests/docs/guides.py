"""The files that a guide shows."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def files_of(page: str, app: str) -> dict[str, str]:
    """Path below the app's folder to text, for every file that ``docs/<page>`` shows in full."""
    block = re.compile(rf"^`{app}/([\w./]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return dict(block.findall((DOCS / page).read_text("utf-8")))


def write(files: dict[str, str], folder: Path) -> Path:
    """The folder that the files were written to."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder
