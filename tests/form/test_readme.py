"""The README's first example runs as it stands."""

import re
from pathlib import Path

from engines import form
from tests.form.shop import Names


def test_the_first_example_of_the_readme_runs() -> None:
    text = (Path(form.__file__).parent / "README.md").read_text("utf-8")
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    exec(compile(code, "README.md", "exec"), {"definitions": Names()})  # noqa: S102
