"""The open part of the DMN test kit: every case passes but those listed with a reason."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.missing import missing

ROOT = Path(__file__).parents[2]
KIT = ROOT.parent / "shared" / "dmn-tck"
KNOWN = json.loads((Path(__file__).parent / "dmn_known_failures.json").read_text("utf-8"))


def run_kit(output: Path, *options: str) -> list[dict[str, object]]:
    """The result of each case of the kit."""
    adapter = [sys.executable, "-m", "tests.conformance.dmn_adapter", *options]
    runner = [sys.executable, str(KIT / "dmn_tck.py"), "--cases", str(KIT), "--quiet", "--json", str(output), "--"]
    subprocess.run(runner + adapter, cwd=ROOT, check=False, capture_output=True, timeout=280)
    cases: list[dict[str, object]] = json.loads(output.read_text("utf-8"))["cases"]
    return cases


@pytest.mark.parametrize(
    "options",
    [
        [],
        pytest.param(["--through", "xml"], marks=pytest.mark.soak),
        pytest.param(["--through", "json"], marks=pytest.mark.soak),
    ],
    ids=["as given", "written as XML", "written as JSON"],
)
def test_open_cases_of_the_dmn_kit_pass(tmp_path: Path, options: list[str]) -> None:
    if not KIT.exists():
        missing(f"the DMN test kit is missing, so its cases were not run: {KIT}")
    cases = run_kit(tmp_path / "result.json", *options)
    assert len(cases) >= 2488
    known = {(str(k["folder"]), str(k["case"])) for k in KNOWN}
    failed = {(str(c["folder"]).rpartition("/")[2], str(c["case"])) for c in cases if not c["ok"]}
    assert failed == known


def test_every_known_failure_has_a_reason() -> None:
    assert all(entry["reason"] for entry in KNOWN)
