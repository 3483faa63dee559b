"""Tables that people bring: mapped, tried out, taken in, taken back."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from builder.imports.sheets.mapping import plain, suggested, targets_of
from builder.imports.sheets.runs import remembered
from builder.imports.sheets.working import begin_check, begin_run, begin_undo
from builder.storage.values import decode
from engines.core import AccessDenied, InputError, StateConflict
from engines.form import Rights
from tests.builder.imports.shop import Shop, chosen, csv_of, xlsx_of

CODES = ("code", "name", "size", "amount")


def test_cells_are_read_as_people_write_them(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    table = csv_of(
        ("code", "name", "size", "amount", "share", "since", "called", "active", "tags", "keeper", "phone"),
        (
            "A1",
            "甲公司",
            "大",
            '"¥1,234.50"',
            "12.5%",
            "2026年3月5日",
            "2026/3/5 9:30",
            "是",
            '"新,老"',
            "Ann",
            '="0012345678901234567"',
        ),
        ("A2", "乙公司", "small", "(20)", "0.5", "2026/12/31", "", "√", "", "ANN", "'+86 138"),
        encoding="gb18030",
    )
    fields = ("code", "name", "size", "amount", "share", "since", "called_at", "active", "tags", "keeper", "phone")
    run = shop.take(ann, "customer", table, chosen(*fields))
    # Below zero is not allowed for this field: the line is refused by the form's own rule.
    assert run.counts["created"] == 1
    assert [problem[:2] for problem in shop.problems(run)] == [(3, "amount")]
    (first,) = shop.records()
    assert first["size"] == "large"
    assert first["amount"] == Decimal("1234.50")
    assert first["share"] == Decimal("0.1250")
    assert first["since"] == date(2026, 3, 5)
    assert first["called_at"].astimezone(shop.workspace.clock.zone()).isoformat() == "2026-03-05T09:30:00+08:00"
    assert first["active"] is True
    assert first["tags"] == ["新", "老"]
    assert first["keeper"] == ann.id
    assert first["phone"] == "0012345678901234567"
    assert first["double"] == Decimal("2469.00")


def test_a_trial_tells_what_would_happen_and_changes_nothing(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    table = csv_of(CODES, ("A1", "One", "large", "5"), ("A2", "Two", "small", "x"), ("A3", "Three", "large", "7"))
    run = shop.check(ann, shop.bring(ann, "customer", table), chosen(*CODES))
    assert run.state == "checked"
    assert {k: v for k, v in run.counts.items() if v} == {
        "created": 2, "refused": 1, "processes": 2, "tasks": 2, "messages": run.counts["messages"],
    }  # fmt: skip
    assert run.counts["messages"] >= 2
    assert [(row["line"], row["action"]) for row in run.shown["rows"]] == [(2, "created"), (4, "created")]
    assert decode(run.shown["rows"][0]["values"]["amount"]) == 5
    assert shop.records() == []
    assert shop.problems(run)[0][:2] == (3, "amount")


def test_silently_computed_records_start_nothing_and_tell_nobody(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    table = csv_of(CODES, ("A1", "One", "large", "5"))
    run = shop.take(ann, "customer", table, chosen(*CODES, silent=True))
    assert run.counts["created"] == 1
    assert not run.counts.get("processes")
    assert not run.counts.get("messages")
    # What rules compute is computed all the same.
    assert shop.records()[0]["region"] == "west"


def test_what_a_rule_refuses_in_one_record_does_not_keep_the_others_out(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    lines = [(f"A{n}", f"Number {n}", "moon" if n == 3 else "east") for n in range(8)]
    run = shop.take(ann, "customer", csv_of(("code", "name", "region"), *lines), chosen("code", "name", "region"))
    assert run.counts["created"] == 7
    assert shop.problems(run) == [(5, "", "There is nobody on the moon.")]


def test_all_or_nothing_writes_nothing_where_a_line_is_refused(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    table = csv_of(CODES, ("A1", "One", "small", "5"), ("A2", "Two", "huge", "6"))
    run = shop.check(ann, shop.bring(ann, "customer", table), chosen(*CODES, atomic=True))
    with pytest.raises(StateConflict, match="all_or_nothing"):
        shop.write(ann, run)
    assert shop.records() == []


def test_update_by_key_and_upsert(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    shop.take(ann, "customer", csv_of(CODES, ("A1", "One", "small", "5")), chosen(*CODES))
    table = csv_of(("code", "name", "amount"), ("A1", "", "9"), ("A9", "Nine", "1"))
    mapping = chosen("code", "name", "amount", mode="update", key="code")
    run = shop.take(ann, "customer", table, mapping)
    assert (run.counts.get("updated"), run.counts["refused"]) == (1, 1)
    assert [r["amount"] for r in shop.records()] == [Decimal(9)]
    # An empty cell leaves the value alone, unless it is to clear it.
    assert shop.records()[0]["name"] == "One"
    run = shop.take(ann, "customer", table, chosen("code", "name", "amount", mode="upsert", key="code"))
    assert (run.counts.get("same"), run.counts.get("created")) == (1, 1)
    both = csv_of(("code", "size"), ("A1", ""))
    shop.take(ann, "customer", both, chosen("code", "size", mode="update", key="code", clear=True))
    assert {r["code"]: r["size"] for r in shop.records()} == {"A1": None, "A9": None}


def test_a_key_that_stands_twice_is_told_with_its_first_line(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    run = shop.check(
        ann,
        shop.bring(ann, "customer", csv_of(("code", "name"), ("A1", "One"), ("A1", "Two"))),
        chosen("code", "name", mode="upsert", key="code"),
    )
    assert shop.problems(run) == [(3, "code", '"A1" stands in line 2 already.')]


def test_references_by_label_or_key_and_several_lines_of_one_record(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    customers = csv_of(("code", "name"), ("A1", "One"), ("A2", "Two"), ("A3", "Two"))
    shop.take(ann, "customer", customers, chosen("code", "name"))
    orders = csv_of(
        ("number", "customer", "product", "quantity"),
        ("O1", "A1", "pen", "2"),
        ("", "", "ink", "3"),
        ("O2", "A2", "pen", "0"),
        ("O3", "A7", "pen", "1"),
        ("O4", "A3", "cap", "5"),
        ("O4", "A3", "pad", "6"),
    )
    mapping = chosen("number", "customer", "lines.product", "lines.quantity", by={"customer": "code"})
    run = shop.take(ann, "order", orders, mapping)
    assert run.counts["created"] == 2
    assert {line for line, _, _ in shop.problems(run)} == {4, 5}
    with shop.workspace.read(ann) as work:
        got = {r["number"]: work.records.get("shop.order", r.id) for r in shop.records("order")}
    assert {n: [(x["product"], int(x["quantity"])) for x in r["lines"]] for n, r in got.items()} == {
        "O1": [("pen", 2), ("ink", 3)],
        "O4": [("cap", 5), ("pad", 6)],
    }
    by_label = csv_of(("number", "customer"), ("P1", "One"), ("P2", "Two"), ("P3", "Nobody"))
    told = shop.take(ann, "order", by_label, chosen("number", "customer"))
    assert [(line, text) for line, _, text in shop.problems(told)] == [
        (3, '"Two" names 2 of them; choose a column that tells them apart.'),
        (4, '"Nobody" names nothing that is known here.'),
    ]


def test_an_import_is_taken_back_as_one(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    shop.take(ann, "customer", csv_of(CODES, ("A0", "Zero", "small", "1")), chosen(*CODES))
    orders = csv_of(("number", "customer", "product", "quantity"), ("O1", "Zero", "pen", "1"), ("", "", "ink", "2"))
    fields = ("number", "customer", "lines.product", "lines.quantity")
    shop.take(ann, "order", orders, chosen(*fields))
    changed = csv_of(("number", "customer", "product", "quantity"), ("O1", "Zero", "cap", "7"))
    run = shop.take(ann, "order", changed, chosen(*fields, mode="update", key="number"))
    assert run.counts["updated"] == 1
    assert shop.undo(ann, run).counts["undone"] == 1
    with shop.workspace.read(ann) as work:
        (order,) = work.records.get_many("shop.order", [shop.records("order")[0].id])
    assert [(r["product"], int(r["quantity"])) for r in order["lines"]] == [("pen", 1), ("ink", 2)]

    table = csv_of(CODES, ("A0", "Zero", "large", "9"), ("A1", "One", "small", "5"), ("A2", "Two", "small", "6"))
    run = shop.take(ann, "customer", table, chosen(*CODES, mode="upsert", key="code"))
    assert (run.counts["updated"], run.counts["created"]) == (1, 2)
    two = next(r for r in shop.records() if r["code"] == "A2")
    with shop.workspace.work(ann, command="test") as work:
        work.records.update("shop.customer", two.id, {"amount": 7})
    run = shop.undo(ann, run)
    # What somebody has changed since stays.
    assert (run.state, run.counts["undone"], run.counts["kept"]) == ("undone", 2, 1)
    assert {r["code"]: r["amount"] for r in shop.records()} == {"A0": Decimal(1), "A2": Decimal(7)}
    with pytest.raises(StateConflict):
        shop.undo(ann, run)


def test_who_may_not(shop: Shop) -> None:
    ann, rita = shop.person("ann", "clerk"), shop.person("rita", "reader")
    table = csv_of(("code", "name"), ("A1", "One"))
    run = shop.bring(rita, "customer", table)
    with pytest.raises(AccessDenied):
        shop.check(rita, run, chosen("code", "name"))
    mine = shop.check(ann, shop.bring(ann, "customer", table), chosen("code", "name"))
    bob = shop.person("bob", "clerk")
    for act in (lambda w: begin_check(w, mine, chosen("code", "name")), lambda w: begin_run(w, mine)):
        with pytest.raises(AccessDenied), shop.workspace.work(bob, command="test") as work:
            act(work)
    done = shop.write(ann, mine)
    with pytest.raises(AccessDenied), shop.workspace.work(bob, command="test") as work:
        begin_undo(work, done)
    # A right that is taken away between the trial and the writing counts at once.
    late = shop.check(ann, shop.bring(ann, "customer", csv_of(("code", "name"), ("B1", "B"))), chosen("code", "name"))
    from builder.identity import set_roles
    from engines.core import SYSTEM

    with shop.workspace.work(ann, command="test") as work:
        begin_run(work, late)
    with shop.workspace.work(SYSTEM, command="test") as work:
        set_roles(work, ann.id, ["shop.reader"])
    from builder.imports.sheets.working import run_to_end

    assert run_to_end(shop.workspace, late.id).state == "failed"
    assert len(shop.records()) == 1


def test_headings_find_their_fields_and_choices_are_remembered(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    form = shop.workspace.apps["shop"].forms["customer"]
    targets = targets_of(form, Rights(form, ann))
    headings = ("客户编号*", "Name", "合同金额（元）", "备注", "最近 联系")
    found = [choice.field for choice in suggested(headings, targets, {})]
    assert found == ["code", "name", "amount", "", "called_at"]
    assert "double" not in {target.path for target in targets}
    shop.take(ann, "customer", csv_of(("a", "b"), ("A1", "One")), chosen("code", "name"))
    with shop.workspace.database.read() as connection:
        memory = remembered(connection, ann.id, "shop.customer")
    assert [c.field for c in suggested(("NAME", " code "), targets, memory)] == ["name", "code"]
    assert plain("合同金额 (元)") == "合同金额"


def test_a_mapping_that_does_not_fit_is_refused(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    run = shop.bring(ann, "customer", csv_of(("a", "b"), ("1", "2")))
    for mapping, code in (
        (chosen("", ""), "import.nothing_chosen"),
        (chosen("name", "name"), "import.field_twice"),
        (chosen("name", ""), "import.required_missing"),
        (chosen("code", "double"), "import.unknown_column_field"),
        (chosen("name", "code", mode="update"), "import.needs_key"),
    ):
        with pytest.raises(InputError) as told:
            shop.check(ann, run, mapping)
        assert code in {problem.code for problem in told.value.problems}


def test_workbooks_with_merged_cells_days_of_both_epochs_and_several_sheets(shop: Shop) -> None:
    from openpyxl.utils.datetime import MAC_EPOCH

    ann = shop.person("ann", "clerk")
    lines = (("code", "name", "since", "amount", "phone"), ("A1", "One", date(2026, 1, 31), 1.1, 13800001111))
    for place, epoch in enumerate((None, MAC_EPOCH)):
        book = xlsx_of(lines[0], (f"E{place}", *lines[1][1:]), epoch=epoch)
        run = shop.take(ann, "customer", book, chosen("code", "name", "since", "amount", "phone"), "t.xlsx")
        assert run.counts["created"] == 1, shop.problems(run)
    assert {(r["since"], r["amount"], r["phone"]) for r in shop.records()} == {
        (date(2026, 1, 31), Decimal("1.10"), "13800001111")
    }
    book = xlsx_of(("code", "name", "region"), ("M1", "a", "east"), ("M2", "b", None), merged=("C2:C3",))
    run = shop.take(ann, "customer", book, chosen("code", "name", "region"), "t.xlsx")
    assert run.counts["created"] == 2
    assert {r["code"]: r["region"] for r in shop.records() if r["code"][0] == "M"} == {"M1": "east", "M2": "east"}


def test_errors_of_formulas_and_stray_cells_are_told(shop: Shop) -> None:
    ann = shop.person("ann", "clerk")
    book = xlsx_of(("code", "name"), ("A1", "#N/A"), ("A2", "=1+1"), ("A3", "x", "stray"))
    run = shop.check(ann, shop.bring(ann, "customer", book, "t.xlsx"), chosen("code", "name"))
    assert [(line, header) for line, header, _ in shop.problems(run)] == [(2, "name"), (3, "name"), (4, "")]


def test_a_killed_import_goes_on_and_writes_nothing_twice(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.imports.sheets import working
    from builder.jobs import queue
    from builder.jobs.ports import Patience
    from builder.runtime.install import host

    monkeypatch.setattr(working, "BATCH", 3)
    monkeypatch.setattr(working, "AIM_S", 0.0)
    ann = shop.person("ann", "clerk")
    lines = [(f"A{n}", f"Number {n}") for n in range(10)]
    run = shop.check(ann, shop.bring(ann, "customer", csv_of(("code", "name"), *lines)), chosen("code", "name"))
    with shop.workspace.work(ann, command="test") as work:
        begin_run(work, run)
    server = host(shop.workspace)
    died = 0
    for _ in range(30):
        with shop.workspace.database.write() as connection:
            jobs = queue.claim(connection, now=shop.workspace.clock.now(), holder="t", patience=Patience(lease_s=0.0))
        mine = [job for job in jobs if job.kind == working.STEP]
        if not mine:
            break
        if died < 2:
            # Killed after the batch was committed, before the job was: its lease runs out and it is done again.
            died += 1
            working._step(shop.workspace, mine[0])
            continue
        server.perform(mine[0])
    run = shop.run(run.id)
    assert (run.state, run.done, run.counts["created"]) == ("done", 10, 10)
    assert len(shop.records()) == 10


def test_the_file_of_refused_lines_can_be_mended_and_brought_again(shop: Shop) -> None:
    from builder.imports.sheets.refused import refused_file

    ann = shop.person("ann", "clerk")
    table = csv_of(CODES, ("A1", "One", "small", "5"), ("A2", "Two", "huge", "6"), ("A3", "", "small", "1"))
    run = shop.take(ann, "customer", table, chosen(*CODES))
    target = io.BytesIO()
    refused_file(shop.workspace, run, target, "en")
    lines = list(csv.reader(io.StringIO(target.getvalue().decode("utf-8-sig"))))
    assert [line[:4] for line in lines] == [list(CODES), ["A2", "Two", "huge", "6"], ["A3", "", "small", "1"]]
    assert lines[1][4] == "3"
    assert "size" in lines[1][5]
    mended = target.getvalue().replace(b"huge", b"large").replace(b"A3,,", b"A3,Three,")
    again = shop.bring(ann, "customer", mended)
    form = shop.workspace.apps["shop"].forms["customer"]
    with shop.workspace.database.read() as connection:
        memory = remembered(connection, ann.id, "shop.customer")
    headings = again.inspected["sheets"][0]["lines"][0][1]
    columns = tuple(suggested(headings, targets_of(form, Rights(form, ann)), memory))
    assert [c.field for c in columns] == [*CODES, "", ""]
    from builder.imports.sheets.mapping import SheetMapping

    run = shop.write(ann, shop.check(ann, again, SheetMapping(columns=columns)))
    assert (run.counts["created"], run.counts["refused"]) == (2, 0)


def test_old_imports_are_forgotten_with_their_files(shop: Shop) -> None:
    from datetime import timedelta

    import sqlalchemy as sa

    from builder.imports.sheets.forgetting import KEPT, forget_old_imports
    from builder.storage.import_tables import import_run

    ann = shop.person("ann", "clerk")
    run = shop.take(ann, "customer", csv_of(("code", "name"), ("A1", "One"), ("A2", "")), chosen("code", "name"))
    assert forget_old_imports(shop.workspace) == 0
    assert shop.workspace.files.blobs.exists(run.blob)
    with shop.workspace.database.write() as connection:
        long_ago = shop.workspace.clock.now() - KEPT - timedelta(days=1)
        connection.execute(sa.update(import_run).values(created_at=long_ago))
    assert forget_old_imports(shop.workspace) == 1
    assert not shop.workspace.files.blobs.exists(run.blob)
    now = shop.run(run.id)
    assert (now.blob, now.counts["created"], shop.problems(now)) == ("", 1, [])
    with pytest.raises(StateConflict):
        shop.undo(ann, now)
    assert len(shop.records()) == 1


def test_the_command_line_takes_a_table_into_a_form(shop: Shop, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from builder.cli import main

    shop.person("ann", "clerk")
    file = tmp_path / "kunden.csv"
    file.write_bytes(csv_of(("客户编号", "Titel", "规模"), ("A1", "One", "大"), ("A2", "Two", "huge")))
    environment = {"DOUGONG_DATABASE": shop.workspace.settings.database, "DOUGONG_FILES": str(tmp_path / "files")}

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["import", "shop.customer", str(file), *arguments], env=environment)
        return result.output

    assert "must be filled" in call()
    assert "created: 1" in call("--column", "Titel=name", "--dry-run")
    assert shop.records() == []
    told = call("--column", "Titel=name", "--as", "ann", "--silent")
    assert "refused: 1" in told
    assert [r["created_by"] is not None for r in map(lambda r: r.system(), shop.records())] == [True]
    assert "huge" in (tmp_path / "kunden.refused.csv").read_text("utf-8-sig")
