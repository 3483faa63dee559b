"""What ``make`` says where a machine lacks something: one line, with the remedy, and no half-made environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Registries that nobody answers at, whatever this machine's configuration says.
NOWHERE = {
    "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_NO_CACHE_DIR": "1",
    "PIP_RETRIES": "0",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make setup` reads."""
    for name in ("Makefile", "pyproject.toml", "hatch_build.py", "requirements", "builder/ui/package-lock.json"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    return tmp_path


def make(folder: Path, *arguments: str, **environment: str) -> list[str]:
    """The lines that a failing make writes, without make's own."""
    done = subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode != 0, done.stdout
    return [line for line in done.stdout.splitlines() if not line.startswith("make")]


def program(folder: Path, text: str) -> str:
    """The path of a shell script."""
    path = folder / "python-of-old"
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)
    return str(path)


def test_a_python_that_is_too_old_is_told_with_the_remedy(checkout: Path) -> None:
    old = program(checkout, 'case "$1" in -V) echo Python 3.9.2;; *) exit 1;; esac')
    (line,) = make(checkout, "setup", f"PYTHON={old}")
    assert line == (
        f"Python 3.11 or newer is needed, {old} is Python 3.9.2: install it, or run make PYTHON=/path/to/python3.11"
    )
    assert not (checkout / ".venv").exists()


def test_no_python_at_all_is_told_with_the_remedy(checkout: Path) -> None:
    (line,) = make(checkout, "setup", "PYTHON=")
    assert line.startswith("Python 3.11 or newer is needed and none was found: install it")


def test_a_missing_venv_module_is_told_and_leaves_nothing_behind(checkout: Path) -> None:
    # As Debian without python3-venv does it: the folder is begun, then it fails.
    broken = program(checkout, 'case "$1" in -m) mkdir -p .venv/bin; touch .venv/bin/python; exit 1;; esac')
    (line,) = make(checkout, "setup", f"PYTHON={broken}")
    assert line == "Python's venv module is missing: install it (Debian: apt-get install python3-venv)"
    assert not (checkout / ".venv").exists()


def test_an_unreachable_registry_is_told_with_the_remedy(checkout: Path) -> None:
    lines = make(checkout, "setup", f"PYTHON={sys.executable}", **NOWHERE)
    assert lines[0] == "Installing the packages of requirements/run.txt ..."
    assert len(lines) == 2
    assert lines[1].startswith("The package registry could not be reached, or lacks a package: check the network")
    assert "ERROR: " in (checkout / ".venv" / "setup.log").read_text("utf-8")
    assert not (checkout / ".venv" / ".installed").exists()
