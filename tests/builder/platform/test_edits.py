"""Edits and layers: what they do to definitions, and what they notice."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.definitions import (
    MISSING,
    AppSource,
    Document,
    Edit,
    Kinds,
    Op,
    apply_edits,
    condense,
    documents_of,
    fold,
    layer_of,
    layer_text,
    source_of,
    value_at,
    write_json,
)
from builder.definitions.changes import changes_between
from builder.definitions.documents import parse

ROLES = """{
  "roles": [
    {"name": "a", "label": "A"},
    {"name": "b", "label": "B"},
    {"name": "c", "label": "C"}
  ]
}
"""
APP = '{"name": "x", "version": "1.0.0", "label": "X", "settings": []}\n'


def package(roles: str = ROLES) -> AppSource:
    return source_of({"app.json": APP, "x.roles.json": roles})


def names(documents: Mapping[str, Document]) -> list[str]:
    return [role["name"] for role in documents["roles:x"].data["roles"]]


def edit(op: Op, path: str, **given: Any) -> Edit:
    return Edit(op=op, path=path, **given)


CASES = {
    "set a property": (edit(Op.SET, "roles:x/roles/b/label", value="Bee", base="B"), "abc"),
    "insert behind a neighbour": (edit(Op.INSERT, "roles:x/roles/n", value={"name": "n"}, after="a"), "anbc"),
    "insert first": (edit(Op.INSERT, "roles:x/roles/n", value={"name": "n"}, after=""), "nabc"),
    "insert last": (edit(Op.INSERT, "roles:x/roles/n", value={"name": "n"}), "abcn"),
    "insert behind one that is gone": (edit(Op.INSERT, "roles:x/roles/n", value={"name": "n"}, after="z"), "abcn"),
    "remove": (edit(Op.REMOVE, "roles:x/roles/b", base={"name": "b", "label": "B"}), "ac"),
    "move": (edit(Op.MOVE, "roles:x/roles/c", after=""), "cab"),
}


@pytest.mark.parametrize("case", CASES)
def test_children_are_ordered_sets_by_name(case: str) -> None:
    change, expected = CASES[case]
    before = documents_of(package())
    after, conflicts = apply_edits(before, [change])
    assert ("".join(names(after)), conflicts) == (expected, [])
    assert "".join(names(before)) == "abc"


def test_a_definition_is_created_replaced_and_removed() -> None:
    create = edit(Op.SET, "rules:stock", value="rule …", file="stock.rules")
    replace = edit(Op.SET, "rules:stock", value="rule two", base="rule …")
    documents, conflicts = apply_edits(documents_of(package()), [create, replace])
    assert (documents["rules:stock"].text(), conflicts) == ("rule two", [])
    documents, _ = apply_edits(documents, [edit(Op.REMOVE, "rules:stock", base="rule two")])
    assert "rules:stock" not in documents


def test_an_edit_notices_that_the_package_changed_the_same_place() -> None:
    upgraded = package(ROLES.replace('"label": "B"', '"label": "Boss"'))
    mine = edit(Op.SET, "roles:x/roles/b/label", value="Bee", base="B")
    folded = fold(upgraded, [mine])
    (conflict,) = folded.conflicts
    assert (conflict.kind, conflict.base, conflict.theirs, conflict.ours) == ("changed", "B", "Boss", "Bee")
    assert value_at(documents_of(folded.source), "roles:x/roles/b/label") == "Bee"


def test_an_edit_to_a_place_that_is_gone_is_left_out_and_told() -> None:
    upgraded = package('{"roles": [{"name": "a", "label": "A"}]}')
    folded = fold(upgraded, [edit(Op.SET, "roles:x/roles/b/label", value="Bee", base="B")])
    assert [(c.kind, c.path) for c in folded.conflicts] == [("gone", "roles:x/roles/b/label")]
    assert (
        folded.source.hash == source_of({"app.json": APP, "x.roles.json": folded.source.texts()["x.roles.json"]}).hash
    )


def test_the_same_change_on_both_sides_is_no_conflict() -> None:
    upgraded = package(ROLES.replace('"label": "B"', '"label": "Bee"'))
    assert fold(upgraded, [edit(Op.SET, "roles:x/roles/b/label", value="Bee", base="B")]).conflicts == ()


def test_untouched_files_keep_their_text_to_the_byte() -> None:
    folded = fold(package(), [edit(Op.SET, "app/label", value="Y", base="X")])
    assert folded.source.texts()["x.roles.json"] == ROLES
    assert '"label": "Y"' in folded.source.texts()["app.json"]


def test_a_condensed_layer_folds_to_the_same_app() -> None:
    edits = [
        edit(Op.SET, "roles:x/roles/a/label", value="1", base="A"),
        edit(Op.INSERT, "roles:x/roles/n", value={"name": "n", "label": "N"}, after="a"),
        edit(Op.SET, "roles:x/roles/a/label", value="2", base="1"),
        edit(Op.SET, "roles:x/roles/n", value={"name": "n", "label": "NN"}, base={"name": "n", "label": "N"}),
        edit(Op.SET, "roles:x/roles/b/label", value="tmp", base="B"),
        edit(Op.SET, "roles:x/roles/b/label", value="B", base="tmp"),
        edit(Op.INSERT, "roles:x/roles/m", value={"name": "m"}),
        edit(Op.REMOVE, "roles:x/roles/m", base={"name": "m"}),
    ]
    short = condense(edits)
    assert [(e.op.value, e.path, e.value) for e in short] == [
        ("set", "roles:x/roles/a/label", "2"),
        ("insert", "roles:x/roles/n", {"name": "n", "label": "NN"}),
    ]
    assert documents_of(fold(package(), short).source) == documents_of(fold(package(), edits).source)
    assert short[0].base == "A"


def test_what_is_new_holds_all_that_was_done_within_it_and_leaves_nothing_when_it_goes() -> None:
    edits = [
        edit(Op.INSERT, "roles:x/roles/n", value={"name": "n", "label": {"zh": "N"}}, after="a"),
        edit(Op.SET, "roles:x/roles/n/label/zh", value="新", base="N"),
        edit(Op.SET, "roles:x/roles/n/label/en", value="New", base=MISSING),
        edit(Op.INSERT, "roles:x/roles/m", value={"name": "m"}, after="b"),
        edit(Op.SET, "roles:x/roles/m/label", value="M", base=MISSING),
        edit(Op.INSERT, "roles:x/roles/o", value={"name": "o", "label": "O"}, after="b"),
        edit(Op.MOVE, "roles:x/roles/m", after=""),
        edit(Op.REMOVE, "roles:x/roles/m", base={"name": "m", "label": "M"}),
    ]
    short = condense(edits)
    assert [(e.op.value, e.path, e.value) for e in short] == [
        ("insert", "roles:x/roles/n", {"name": "n", "label": {"zh": "新", "en": "New"}}),
        ("insert", "roles:x/roles/o", {"name": "o", "label": "O"}),
    ]
    assert documents_of(fold(package(), short).source) == documents_of(fold(package(), edits).source)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 5)), max_size=14))
def test_condensing_never_changes_what_a_layer_gives(steps: list[tuple[int, int, int]]) -> None:
    documents = documents_of(package())
    edits: list[Edit] = []
    for kind, which, other in steps:
        step = _step(documents, kind, "abnmo"[which], "abnmoz"[other])
        after, conflicts = apply_edits(documents, [step])
        if not any(conflict.kind == "gone" for conflict in conflicts):
            documents, edits = after, [*edits, step]
    short = condense(edits)
    assert len(short) <= len(edits)
    folded = [documents_of(fold(package(), layer).source) for layer in (short, edits)]
    assert folded[0]["roles:x"].data == folded[1]["roles:x"].data


def _step(documents: Mapping[str, Document], kind: int, name: str, other: str) -> Edit:
    """Some edit as a draft makes it: with what stands there as its base."""
    path = f"roles:x/roles/{name}"
    base = value_at(documents, path)
    match kind:
        case 0 | 1:
            op = Op.INSERT if base is MISSING else Op.SET
            return edit(op, path, value={"name": name, "label": other}, base=base, after=other)
        case 2:
            return edit(Op.REMOVE, path, base=base)
        case 3:
            return edit(Op.MOVE, path, after=other)
        case 4:
            return edit(Op.SET, f"{path}/label", value=other, base=value_at(documents, f"{path}/label"))
        case 5:
            return edit(Op.REMOVE, f"{path}/label", base=value_at(documents, f"{path}/label"))
    return edit(
        Op.SET, "roles:x/roles", value=[{"name": name, "label": "all"}], base=value_at(documents, "roles:x/roles")
    )


def test_layers_survive_being_stored() -> None:
    layer = [
        edit(Op.SET, "app/settings", value=[{"limit": Decimal("0.10"), "name": "中"}], base=[]),
        edit(Op.REMOVE, "roles:x/roles/b", base=None),
        edit(Op.INSERT, "roles:x/roles/n", value={"name": "n"}, after=""),
        edit(Op.SET, "app/description", value=None, base=MISSING),
    ]
    assert layer_of(layer_text(layer)) == layer
    assert layer_of(layer_text([])) == []


@pytest.mark.parametrize(
    "text", [ROLES, APP, '{"a": 0.10, "b": [], "c": {}, "d": [1, [2, {"e": "ü\\n"}]], "f": null, "g": true}']
)
def test_written_json_reads_back_equal_and_writes_the_same_again(text: str) -> None:
    data = parse("x.json", text)
    written = write_json(data)
    assert parse("x.json", written) == data
    assert write_json(parse("x.json", written)) == written
    assert str(parse("x.json", written).get("a", "")) == str(data.get("a", ""))


def test_written_json_keeps_lines_short() -> None:
    data = {"items": [{"name": f"item_{i}", "label": {"zh": "文" * 5, "en": "x" * 60}} for i in range(3)]}
    assert all(len(line) <= 120 for line in write_json(data).splitlines())


def test_differences_are_told_by_property_and_child() -> None:
    after = package(ROLES.replace('{"name": "a", "label": "A"},\n', "").replace('"C"}', '"See"},\n {"name": "d"}'))
    found = [(c.kind, c.path) for c in changes_between(package(), after)]
    assert found == [
        ("removed", "roles:x/roles/a"),
        ("changed", "roles:x/roles/c/label"),
        ("added", "roles:x/roles/d"),
    ]
    assert changes_between(package(), package()) == []


def test_kinds_are_found_by_the_longest_suffix() -> None:
    kinds = Kinds.standard()
    assert (kind := kinds.of_file("x.roles.json")) is not None
    assert kind.name == "roles"
    assert kinds.of_file("x.json") is None
