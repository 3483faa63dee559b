"""The package's build hook: bundles the browser assets, so that ``pip install`` is all a user needs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetHook(BuildHookInterface):
    """Runs ``builder/ui/build.py`` before a wheel is made, an editable one too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Leaves the bundles in builder/static/dist, where the wheel's artifacts are taken from."""
        path = Path(self.root) / "builder" / "ui" / "build.py"
        if not path.exists():
            return
        spec = importlib.util.spec_from_file_location("dougong_assets", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot read {path}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.build()
