"""The live state is plain data."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engines.process.state import (
    Compensation,
    InstanceState,
    MultiState,
    Passed,
    Scope,
    ScopeKind,
    Task,
    Token,
)
from engines.process.values import decode, encode

NOW = datetime(2030, 1, 7, 9, tzinfo=UTC)
SOMEBODY = UUID(int=7)


def full_state() -> InstanceState:
    inner = Compensation(node="pay", variables={"amount": Decimal("1.50")})
    return InstanceState(
        initiator=SOMEBODY,
        tokens={2: Token(id=2, node="a", scope=1, thread=(4, 5))},
        scopes={
            1: Scope(
                id=1, node="", parent=0, kind=ScopeKind.PROCESS, compensations=(Compensation(node="x", inner=(inner,)),)
            ),
            3: Scope(id=3, node="m", parent=1, kind=ScopeKind.MULTI, multi=MultiState(total=2, items=(SOMEBODY, None))),
        },
        tasks={3: Task(id=3, token=2, node="a", created_at=NOW, people=(SOMEBODY,), due_at=NOW)},
        passed={"a": Passed(node="a", scope=1, thread=(), by=None, serial=3)},
        variables={1: {"day": date(2030, 1, 7)}},
    )


def test_a_state_comes_back_from_json_as_it_was() -> None:
    state = full_state()
    assert InstanceState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_a_state_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 99"):
        InstanceState.from_json({"format": 99})


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "text",
        5,
        Decimal("1.10"),
        NOW,
        date(2030, 1, 7),
        NOW.time(),
        timedelta(days=-1, microseconds=3),
        SOMEBODY,
        [1, [date(2030, 1, 7)]],
        {"a": {"b": Decimal(1)}},
        {"@date": "no date"},
        {"@context": {"@id": 1}},
    ],
)
def test_values_keep_their_type(value: Any) -> None:
    back = decode(json.loads(json.dumps(encode(value))))
    assert back == value
    assert type(back) is type(value)


def test_a_value_that_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot hold a object"):
        encode({"a": object()})


def test_changes_name_new_changed_and_gone_rows() -> None:
    before = full_state()
    moved = Token(id=2, node="b", scope=1)
    after = InstanceState(tokens={2: moved, 9: moved}, scopes=before.scopes, variables=before.variables)
    assert sorted(after.changes(before), key=str) == sorted(
        [("tokens", 2, moved), ("tokens", 9, moved), ("tasks", 3, None), ("passed", "a", None)], key=str
    )
