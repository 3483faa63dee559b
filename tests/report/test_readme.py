"""The example that the README opens with, run as it stands."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

README = Path(__file__).parents[2] / "engines" / "report" / "README.md"


def test_the_example_prints_what_it_says() -> None:
    found = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found
    expected = re.findall(r"# => (.*)", found[1])
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(found[1], str(README), "exec"), {})  # noqa: S102
    assert printed.getvalue().splitlines() == expected
