"""Small pictures of pictures, made in a child process with limits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)
_CHILD = Path(__file__).with_name("thumbnail_child.py")
_PATIENCE_S = 20


def make_thumbnail(source: Path, target: Path) -> bool:
    """Whether ``target`` now holds a picture of at most 320 × 320; False where ``source`` is no picture we can read."""
    # Isolated: what stands in the environment or the working folder is not imported.
    command = [sys.executable, "-I", str(_CHILD), str(source), str(target)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S)  # noqa: S603
    except subprocess.TimeoutExpired:
        log.warning("file.thumbnail_timeout")
        return False
    if result.returncode != 0:
        log.info("file.no_thumbnail", reason=result.stderr.strip()[-300:], code=result.returncode)
    return result.returncode == 0 and target.exists()
