"""A served company of the KAM template for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.jobs.embedded import EmbeddedRunner
from builder.runtime.install import channels, host
from builder.web import create_app
from tests.builder.runtime.test_embedded import QUICK

from .company import Company, Image, opened, prepared


@pytest.fixture(scope="session")
def kam_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The prepared workspace, made once for all test processes of this run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "kam"
    folder.mkdir(exist_ok=True)
    return prepared(folder)


@pytest.fixture
def company(kam_image: Image, tmp_path: Path, serve: Callable[..., str]) -> Iterator[Company]:
    """A copy of the prepared workspace, served, with timers and effects at work."""
    with opened(kam_image, tmp_path) as (workspace, settings):
        runner = EmbeddedRunner(host(workspace), channels(workspace.settings), patience=QUICK)
        runner.start()
        address = serve(create_app(workspace), settings)
        yield Company(address=address, workspace=workspace, runner=runner, passwords=kam_image.passwords)
        runner.stop()
