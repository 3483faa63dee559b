"""An app is definitions, texts, data and tests: nothing in it runs."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = sorted(
    p for p in (*(ROOT / "apps").iterdir(), *(ROOT / "tests" / "apps").iterdir()) if (p / "app.json").exists()
)
ALLOWED = {".json", ".rules", ".csv", ".md", ".png", ".svg", ".docx", ".xlsx", ".bpmn", ".dmn"}


@pytest.mark.parametrize("app", APPS, ids=lambda p: p.name)
def test_an_app_folder_holds_definitions_and_data_only(app: Path) -> None:
    strangers = [str(f.relative_to(app)) for f in app.rglob("*") if f.is_file() and f.suffix not in ALLOWED]
    assert strangers == []


@pytest.mark.parametrize("app", APPS, ids=lambda p: p.name)
def test_no_file_of_an_app_is_executable(app: Path) -> None:
    assert [f.name for f in app.rglob("*") if f.is_file() and f.stat().st_mode & 0o111] == []
