"""The files of tutorial and guides are sound apps whose scenarios hold."""

from pathlib import Path

from builder.definitions import check, load_folder
from builder.scenarios import run_scenarios
from tests.docs.guides import files_of, write


def test_the_app_that_the_tutorial_builds_has_no_problems(tmp_path: Path) -> None:
    source = load_folder(write(files_of("tutorial.md", "visitors"), tmp_path))
    assert len(source.files) == 8
    assert [problem.render() for problem in check(source)] == []


def test_the_approval_guide_builds_an_app_that_works_in_both_languages(tmp_path: Path) -> None:
    files = files_of("approval.md", "leave")
    assert files == files_of("approval.zh.md", "leave")
    source = load_folder(write(files, tmp_path))
    assert [problem.render() for problem in check(source)] == []
    assert [(outcome.name, outcome.failure) for outcome in run_scenarios(source)] == [("long_leave", "")]
