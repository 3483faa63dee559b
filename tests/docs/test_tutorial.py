"""The tutorial's files are a sound app."""

import re
from pathlib import Path

from builder.definitions import check, load_folder

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^`visitors/([\w./]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write_tutorial_app(folder: Path) -> Path:
    """The folder of the app that the tutorial builds."""
    for name, text in BLOCK.findall(PAGE.read_text("utf-8")):
        (folder / name).write_text(text, "utf-8")
    return folder


def test_the_app_that_the_tutorial_builds_has_no_problems(tmp_path: Path) -> None:
    source = load_folder(write_tutorial_app(tmp_path))
    assert len(source.files) == 8
    assert [problem.render() for problem in check(source)] == []
