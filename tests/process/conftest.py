"""Every scenario of this folder that asks for ``restart`` runs twice."""

import pytest


@pytest.fixture(params=[False, True], ids=["straight", "restarted"])
def restart(request: pytest.FixtureRequest) -> bool:
    """The second time everything is saved and loaded between any two moves."""
    return bool(request.param)
