"""The public BPMN cases, run through the adapter as the acceptance does, with and without restarts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.missing import missing

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT.parent / "shared" / "bpmn-conformance"
LEAST = 35


@pytest.mark.parametrize("options", [[], ["--restart"]], ids=["straight", "restarted"])
def test_all_public_bpmn_cases_pass(options: list[str]) -> None:
    if not CASES.is_dir():
        missing(f"the BPMN conformance cases are missing, so they were not run: {CASES}")
    command = [sys.executable, str(CASES / "bpmn_conformance.py"), str(CASES), *options, "--"]
    command += [sys.executable, "-m", "tests.conformance.bpmn_adapter"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)
    passed = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped", done.stdout)
    assert passed, done.stdout + done.stderr
    assert int(passed[1]) >= LEAST, done.stdout
    assert (passed[2], passed[3]) == ("0", "0"), done.stdout
