"""PDF by typst, set in a child process from data and pictures; nothing of them is read as markup."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import structlog

from engines.core import InputError, InputProblem

log = structlog.get_logger(__name__)
_CHILD = Path(__file__).with_name("typst_child.py")
_PATIENCE_S = 60
# The package whose folder holds the fonts that come with the install.
_FONTS = "manimgx_fonts_cjk"


def render_pdf(template: str, data: Mapping[str, Any], pictures: Mapping[str, bytes] | None = None) -> bytes:
    """The PDF that one of our own templates ("record.typ") makes of ``data`` and of pictures by file name.

    ``InputError`` "document.cannot_be_set" where it takes too much memory or time, or a picture cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="dougong-document-") as name:
        folder = Path(name)
        source = resources.files("builder.documents").joinpath(template).read_text("utf-8")
        (folder / "main.typ").write_text(source, "utf-8")
        (folder / "data.json").write_text(json.dumps(data, ensure_ascii=False, default=str), "utf-8")
        for file, content in (pictures or {}).items():
            (folder / file).write_bytes(content)
        _run(folder)
        return (folder / "out.pdf").read_bytes()


def _run(folder: Path) -> None:
    # Isolated: what stands in the environment or the working folder is not imported.
    command = [sys.executable, "-I", str(_CHILD), str(folder), fonts_folder()]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise _refused() from error
    if result.returncode != 0:
        log.error("document.not_set", code=result.returncode, reason=result.stderr.strip()[-500:])
        raise _refused()


def _refused() -> InputError:
    return InputError([InputProblem(pointer="", code="document.cannot_be_set")])


@cache
def fonts_folder() -> str:
    """Where the fonts are: Noto Sans CJK, which covers Chinese and Latin."""
    spec = importlib.util.find_spec(_FONTS)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the package {_FONTS} with the fonts of documents is missing: install requirements/run.txt")
    return str(Path(spec.origin).parent)
