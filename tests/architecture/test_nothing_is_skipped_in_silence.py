"""A test that cannot run says so through ``tests.missing``: aloud, and with ``CI=true`` as a failure."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    path for path in sorted((ROOT / "tests").rglob("*.py")) if path.name != "missing.py" and path != Path(__file__)
]
SKIPS = re.compile(r"\bpytest\.(?:skip|importorskip|xfail)\b|\bmark\.(?:skip|skipif|xfail)\b|\bskipTest\b")
ONE = "tests/builder/platform/test_database.py::test_an_error_rolls_back_tables_too"


def test_nobody_skips_by_hand() -> None:
    assert len(FILES) > 100
    lines = ((path, n, line) for path in FILES for n, line in enumerate(path.read_text("utf-8").splitlines(), 1))
    assert [f"{path}:{n}: {line.strip()}" for path, n, line in lines if SKIPS.search(line)] == []


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_missing_postgresql_fails_in_ci_and_is_told_aloud_elsewhere(ci: str, code: int) -> None:
    away = "postgresql+psycopg://postgres@127.0.0.1:1/none"
    environment = {**os.environ, "CI": ci, "DOUGONG_TEST_POSTGRES": away}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ONE]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stdout
    assert "PostgreSQL does not answer" in done.stdout
    assert ("NOT CHECKED on this machine" in done.stdout) is (not ci)
    assert "1 passed" in done.stdout
