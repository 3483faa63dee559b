"""What the outcome of a check depends on besides the definitions: this program's code and the packages beside it."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import lark

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("engines", "builder")
_CODE = (".py", ".json", ".lark")
# Nothing in these can change what a definition means.
_PASSED_OVER = frozenset({"__pycache__", "node_modules", "static", "ui", "locales", "templates", "docs", "examples"})


@cache
def engine_fingerprint() -> str:
    """Hex SHA-256 over the code of the engines and the product, Python's version and the installed packages' versions.

    Reads some three megabytes, about ten milliseconds; the same for the life of a process.
    """
    digest = hashlib.sha256(sys.version.encode())
    for package in _PACKAGES:
        for path in _code(ROOT / package):
            digest.update(b"\0" + path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    digest.update("\0".join(_installed()).encode())
    return digest.hexdigest()


def _code(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.is_dir():
                if entry.name not in _PASSED_OVER:
                    yield from _code(Path(entry.path))
            elif entry.name.endswith(_CODE):
                yield Path(entry.path)


def _installed() -> list[str]:
    """Names and versions of the packages that stand beside lark, as their installer wrote them."""
    beside = Path(lark.__file__).resolve().parents[1]
    return sorted(name for name in os.listdir(beside) if name.endswith((".dist-info", ".egg-info")))
