"""The README's examples run and print what a reader expects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import engines.feel


def test_the_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(engines.feel.__file__).parent / "README.md").read_text("utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, names)  # noqa: S102 - our own page
    assert capsys.readouterr().out.splitlines() == ["True", "2026-07-02", "None feel.null_operand"]
