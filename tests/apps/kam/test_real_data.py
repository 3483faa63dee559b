"""Half a million real invoice lines through the template's import mapping, scored to the published figures."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from builder.imports import load
from builder.imports.run import Importer, ImportProgress, ImportResult
from builder.releases import load_folder, publish
from builder.runtime.install import install
from builder.workspace import Workspace
from builder.workspace.app_settings import write_setting
from engines.core import SYSTEM, DefinitionSource, FixedClock
from engines.form import ListQuery
from tests.builder.workspaces import make_workspace, settings_for
from tests.missing import missing

pytestmark = pytest.mark.timeout(900)
ROOT = Path(__file__).parents[3]
APP = ROOT / "apps" / "kam_template"
DATA = ROOT.parent / "shared" / "data"
# The day on which the published scores stand.
AS_OF = datetime(2011, 12, 10, 4, tzinfo=UTC)
PERIODS = {"P1": ("2010-12-01", "2011-06-01"), "P2": ("2011-06-01", "2011-12-01")}


def required(name: str) -> Path:
    """A file beside the checkout; its absence is a loud skip, with ``CI=true`` a failure."""
    path = DATA / name
    if not path.exists():
        missing(f"the open data sets are missing, so the import of real data was not checked: {path}")
    return path


@pytest.fixture(scope="module")
def imported(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Workspace, ImportResult, list[ImportProgress]]]:
    lines = required("online_retail/lines.csv.gz")
    folder = tmp_path_factory.mktemp("retail")
    url = f"sqlite:///{folder / 'w.db'}"
    make_workspace(url)
    workspace = Workspace.open(settings_for(url, folder), clock=FixedClock(instant=AS_OF))
    install(workspace)
    publish(workspace, "kam", load_folder(APP), SYSTEM)
    path = APP / "imports" / "online_retail.import.json"
    mapping = load(DefinitionSource(file=path.name, text=path.read_text("utf-8"))).definition
    assert mapping is not None
    told: list[ImportProgress] = []
    result = Importer(workspace, "kam", mapping, SYSTEM, progress=told.append).run(lines, folder / "report.csv")
    yield workspace, result, told
    workspace.close()


def test_every_line_is_taken_or_reported_with_its_reason(imported: tuple[Workspace, ImportResult, Any]) -> None:
    _, result, told = imported
    expected = json.loads(required("expected/online_retail.json").read_text("utf-8"))["totals"]
    assert result.created == {
        "kam.product": 3665,
        "kam.account": expected["customers"],
        "kam.order": expected["orders"],
    }
    assert result.accepted + sum(result.rejected.values()) == 541_909
    assert result.rejected == {"cancelled": 9288, "adjustment": 3, "no_customer": 134_694, "free": 40}
    with result.report.open(encoding="utf-8-sig") as file:
        assert sum(1 for _ in csv.reader(file)) == 1 + sum(result.rejected.values())
    assert told[0].stage == "reading"


def accounts(workspace: Workspace) -> dict[str, Any]:
    """Values of all accounts by code."""
    found: dict[str, Any] = {}
    query = ListQuery(limit=500)
    with workspace.read(SYSTEM) as work:
        while True:
            page = work.records.page("kam.account", query)
            found |= {record.values["code"]: record.values for record in page.records}
            if not page.next:
                return found
            query = ListQuery(limit=500, after=page.next)


def test_the_scores_of_every_account_equal_the_published_ones(imported: tuple[Workspace, Any, Any]) -> None:
    found = accounts(imported[0])
    with gzip.open(required("expected/online_retail_rfm.csv.gz"), "rt") as file:
        rows = list(csv.DictReader(file))
    wanted = {
        r["customer_id"]: [r["R"], r["F"], Decimal(r["M"]) / 1000, r["r_ntile"], r["f_ntile"], r["m_ntile"]]
        for r in rows
    }
    fields = ("recency_days", "order_count", "order_value", "r_score", "f_score", "m_score")
    got = {code: [values[name] for name in fields] for code, values in found.items()}
    assert got == {code: [Decimal(value) for value in values] for code, values in wanted.items()}


@pytest.mark.parametrize("period", PERIODS)
def test_the_quadrants_of_a_period_equal_the_published_ones(imported: tuple[Workspace, Any, Any], period: str) -> None:
    workspace = imported[0]
    expected = json.loads(required("expected/online_retail.json").read_text("utf-8"))["quadrant"][period]
    start, end = PERIODS[period]
    with workspace.work(SYSTEM, command="test.settings") as work:
        write_setting(work, "kam", "value_period_start", start)
        write_setting(work, "kam", "value_period_end", end)
    workspace.score_all("kam.value_matrix", SYSTEM)
    counts: dict[str, int] = {}
    revenue: dict[str, Decimal] = {}
    for values in accounts(workspace).values():
        if quadrant := values["quadrant"]:
            counts[quadrant] = counts.get(quadrant, 0) + 1
            revenue[quadrant] = revenue.get(quadrant, Decimal(0)) + values["period_value"]
    assert counts == expected["counts"]
    assert {name: int(value * 1000) for name, value in revenue.items()} == expected["revenue"]
