"""Logs: what went wrong with its place, and nothing of what people entered."""

import json
import logging
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError

from builder.logs import configure_logs
from builder.storage import Database


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Logging is set up anew by a test, and as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("style", ["json", "text"])
def test_a_traceback_shows_the_place_and_no_local_variables(capsys: pytest.CaptureFixture[str], style: str) -> None:
    configure_logs("info", style)

    def sign_in(password: str) -> None:
        raise ValueError("cannot")

    try:
        sign_in("-".join(["se", "cret"]))
    except ValueError:
        structlog.get_logger("test").exception("fault", what="sign-in")
    written = capsys.readouterr().err
    assert "ValueError: cannot" in written
    assert "in sign_in" in written
    assert "se-cret" not in written
    if style == "json":
        assert json.loads(written)["event"] == "fault"


def test_an_error_of_the_database_does_not_repeat_what_was_entered(empty_database: Database) -> None:
    with empty_database.write() as connection:
        connection.execute(sa.text("CREATE TABLE t (phone TEXT UNIQUE)"))
    twice = sa.text("INSERT INTO t VALUES (:phone), (:phone)")
    with pytest.raises(IntegrityError) as raised, empty_database.write() as connection:
        connection.execute(twice, {"phone": "13800138000"})
    assert "parameters" in str(raised.value)
    if empty_database.dialect == "sqlite":
        assert "13800138000" not in str(raised.value)
