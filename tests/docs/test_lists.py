"""The guide to lists: its views are those of both languages, of every kind, and fit a form."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from builder.definitions import load_folder, source_of
from builder.releases import check
from engines.form import KINDS

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "tests" / "apps" / "gallery"


def views_in(name: str) -> list[dict[str, Any]]:
    found = re.search(r"```json\n(.*?)```", (ROOT / "docs" / name).read_text("utf-8"), re.S)
    assert found
    views: list[dict[str, Any]] = json.loads(found[1])
    return views


def test_the_views_of_the_guide_fit_a_form() -> None:
    views = views_in("lists.md")
    assert views == views_in("lists.zh.md")
    files = {p.relative_to(GALLERY).as_posix(): p.read_text("utf-8") for p in GALLERY.rglob("*") if p.is_file()}
    form = json.loads(files["task.form.json"])
    files["task.form.json"] = json.dumps({**form, "views": [*form["views"][:1], *views]}, ensure_ascii=False)
    assert [d.render() for d in check(source_of(files)) if d.severity == "error"] == []
    assert load_folder(GALLERY)


def test_every_kind_of_view_has_its_line_in_both_languages() -> None:
    kinds = KINDS["form"].schema["$defs"]["view"]["properties"]["kind"]["enum"]
    for name in ("lists.md", "lists.zh.md"):
        text = (ROOT / "docs" / name).read_text("utf-8")
        assert [kind for kind in kinds if f"| `{kind}` |" not in text] == []
