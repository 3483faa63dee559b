"""Indexes that reports would gain by: found, measured, made on demand; for admins alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from builder.definitions import source_of
from builder.releases import install
from builder.releases.index_advice import advise, make_indexes, make_what_pays, measure
from builder.workspace import Workspace
from engines.core import SYSTEM, AccessDenied, Principal, PrincipalKind

FILES: dict[str, Any] = {
    "app.json": {"name": "mill", "version": "1.0.0", "label": "Mill"},
    "mill.roles.json": {"roles": [{"name": "miller", "label": "Miller"}]},
    "sack.form.json": {
        "name": "sack",
        "title": "mark",
        "fields": [
            {"name": "mark", "type": "text"},
            {"name": "kind", "type": "choice", "options": [{"name": "rye"}, {"name": "oat"}]},
            {"name": "milled", "type": "date"},
        ],
        "permissions": [{"role": "miller", "operations": ["see", "create"]}],
    },
    "rye.dataset.json": {
        "name": "rye",
        "form": "sack",
        "label": "Rye",
        "filter": 'kind = "rye"',
        "dimensions": [{"name": "month", "expression": "milled", "grain": "month", "label": "Month"}],
        "measures": [{"name": "sacks", "aggregate": "count", "label": "Sacks"}],
    },
}


@pytest.fixture
def mill(workspace: Workspace) -> Workspace:
    install(workspace, source_of({name: json.dumps(data) for name, data in FILES.items()}), SYSTEM)
    rows = [
        {"kind": "rye" if n % 20 == 0 else "oat", "milled": f"2025-{n % 12 + 1:02}-{n % 28 + 1:02}"}
        for n in range(4000)
    ]
    with workspace.work(SYSTEM, command="test.fill") as work:
        work.records.create_many("mill.sack", rows)
    return workspace


def indexes(workspace: Workspace) -> set[str]:
    with workspace.read(SYSTEM) as work:
        table = work.records.of("mill.sack").world.form("mill.sack").table.name
        return {str(found["name"]) for found in sa.inspect(work.connection).get_indexes(table)}


def test_a_report_names_its_conditions_and_its_day(mill: Workspace) -> None:
    with mill.read(SYSTEM) as work:
        (advice,) = advise(work)
    assert (advice.form, advice.fields, advice.datasets) == ("mill.sack", ("kind", "milled"), ("mill.rye",))


def test_measuring_leaves_nothing_behind_and_tells_the_gain(mill: Workspace) -> None:
    before = indexes(mill)
    (found,) = measure(mill, SYSTEM)
    assert indexes(mill) == before
    assert found.records == 4000
    assert found.before_ms > 0
    assert found.after_ms > 0


def test_an_advised_index_is_made_once_and_advised_no_more(mill: Workspace) -> None:
    with mill.read(SYSTEM) as work:
        (advice,) = advise(work)
    assert make_indexes(mill, SYSTEM, [advice.index.name, "i_anything; DROP TABLE x"]) == [advice.index.name]
    assert advice.index.name in indexes(mill)
    assert measure(mill, SYSTEM) == []
    assert make_indexes(mill, SYSTEM, [advice.index.name]) == []
    assert make_what_pays(mill) == []


def test_nobody_but_an_admin_measures_or_makes(mill: Workspace) -> None:
    miller = Principal(kind=PrincipalKind.PERSON, roles=frozenset({"mill.miller", "mill.builder", "sys.builder"}))
    before = indexes(mill)
    with mill.read(miller) as work, pytest.raises(AccessDenied):
        advise(work)
    with pytest.raises(AccessDenied):
        measure(mill, miller)
    with pytest.raises(AccessDenied):
        make_indexes(mill, miller, ["x"])
    assert indexes(mill) == before
