"""The README's example runs, its tables are those of the code, and the reference names every property."""

from __future__ import annotations

import json
import re
from pathlib import Path

import engines.process
from engines.process.coverage import table

PACKAGE = Path(engines.process.__file__).parent
README = (PACKAGE / "README.md").read_text("utf-8")
REFERENCE = (PACKAGE.parents[1] / "docs" / "process.md").read_text("utf-8")


def test_the_example_does_what_it_says() -> None:
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    expected = re.findall(r"# ?=> (.*)", code)
    printed: list[str] = []
    exec(compile(code, "README.md", "exec"), {"print": lambda *values: printed.append(" ".join(map(str, values)))})  # noqa: S102
    assert printed == expected


def test_the_coverage_table_is_that_of_the_code() -> None:
    for language in ("en", "zh"):
        assert table(language) in REFERENCE


def test_every_property_has_its_paragraph() -> None:
    schema = json.loads((PACKAGE / "schema" / "process.schema.json").read_text("utf-8"))
    parts = [schema, *schema["$defs"].values()]
    names = {name for part in parts for name in part.get("properties", {})}
    assert {name for name in names if f"`{name}`" not in REFERENCE} == set()
