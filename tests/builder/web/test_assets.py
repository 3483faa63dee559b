"""The browser bundles: reproducible, complete, and free of what a strict policy forbids."""

import json
import re
from pathlib import Path

import pytest

from builder.ui import build
from builder.web.assets import Assets, AssetsMissing

PACKAGE = json.loads((build.UI / "package.json").read_text("utf-8"))
LOCK = (build.UI / "package-lock.json").read_text("utf-8")


@pytest.fixture(scope="module")
def assets() -> Assets:
    build.build()
    return Assets()


@pytest.mark.parametrize("group", ["dependencies", "devDependencies"])
def test_every_version_is_exact(group: str) -> None:
    assert [name for name, version in PACKAGE[group].items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_lock_file_names_no_registry() -> None:
    assert "resolved" not in LOCK
    assert "integrity" in LOCK


def test_htmx_is_version_two() -> None:
    assert PACKAGE["dependencies"]["htmx.org"].startswith("2.")


def test_a_second_build_does_nothing(assets: Assets) -> None:
    assert build.build() is False


def test_every_file_of_the_manifest_is_there(assets: Assets) -> None:
    manifest = json.loads((assets.folder / "manifest.json").read_text("utf-8"))
    names = [
        name
        for entry in manifest.values()
        for name in (entry.get("js"), entry.get("css"), *entry.get("preload", []))
        if name
    ]
    assert [name for name in names if not (assets.folder / name).exists()] == []


def test_first_load_stays_small(assets: Assets) -> None:
    names = [assets.script("app"), *assets.preload("app"), assets.style("app")]
    assert sum((assets.folder / name).stat().st_size for name in names) < 140_000


def test_missing_bundles_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(AssetsMissing, match=r"python -m builder\.ui\.build"):
        Assets(folder=tmp_path).script("app")
