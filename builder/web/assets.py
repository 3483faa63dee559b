"""Where the bundles are: names from the build's manifest, so that a browser may keep each file for ever."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DIST = Path(__file__).resolve().parent.parent / "static" / "dist"


class AssetsMissing(RuntimeError):
    """The browser assets were never built."""


@dataclass(slots=True, kw_only=True)
class Assets:
    """Reads the manifest once, and again when a build has replaced it."""

    folder: Path = DIST
    _manifest: dict[str, Any] = field(default_factory=dict)
    _stamp: float = 0.0

    def script(self, name: str) -> str:
        """File name of a script."""
        return str(self._entry(name)["js"])

    def style(self, name: str) -> str:
        """File name of a style sheet."""
        return str(self._entry(name)["css"])

    def preload(self, name: str) -> list[str]:
        """File names that a script needs at once."""
        return list(self._entry(name).get("preload", []))

    def check(self) -> None:
        """``AssetsMissing`` says what to do where nothing was built."""
        self._load()

    def _entry(self, name: str) -> dict[str, Any]:
        self._load()
        entry: dict[str, Any] = self._manifest[name]
        return entry

    def _load(self) -> None:
        path = self.folder / "manifest.json"
        if not path.exists():
            raise AssetsMissing("the browser assets are missing: run `python -m builder.ui.build`")
        stamp = path.stat().st_mtime
        if stamp != self._stamp:
            self._manifest = json.loads(path.read_text("utf-8"))
            self._stamp = stamp
