"""The designers of forms and decisions: what each action does to the draft, what is refused, and who was faster."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from builder.releases import find_draft
from builder.web.studio.form_designer import slug
from builder.workspace import Workspace
from builder.workspace.release_store import active_release, layer_in
from engines.core import SYSTEM

from .conftest import csrf
from .test_records import text_of

Enter = Callable[..., FlaskClient]
FORM = "form:book"
EDIT = "form:book/layouts/edit/items"
TABLE = "decision:level/decisions/level/table"


@pytest.fixture
def builder(enter: Enter) -> FlaskClient:
    return enter("bo", "builder")


def post(client: FlaskClient, at: str, /, **values: str) -> Any:
    return client.post(f"/studio/library/{at}", data={"_csrf": csrf(client, "/"), **values})


def act(client: FlaskClient, **values: str) -> Any:
    return post(client, "form/book/act", **values)


def decide(client: FlaskClient, **values: str) -> Any:
    return post(client, "decision/level/act", **{"table": "level", **values})


def value(workspace: Workspace, path: str) -> Any:
    with workspace.read(SYSTEM) as work:
        draft = find_draft(work, "library")
        assert draft is not None
        return draft.value(path)


def names(workspace: Workspace, path: str) -> list[str]:
    return [item.get("name") or item["field"] for item in value(workspace, path)]


# -- forms


def test_a_section_is_added_moved_and_taken_off_with_its_fields_left_in_the_form(
    builder: FlaskClient, library: Workspace
) -> None:
    act(builder, action="add", item="part:section", into=EDIT, index="1")
    assert names(library, EDIT) == ["main", "section", "more"]
    act(builder, action="move", item=f"{EDIT}/main/items/isbn", into=f"{EDIT}/section/items", index="0")
    act(builder, action="set", path=f"{EDIT}/section/label/en", value="Numbers", was="New section")
    act(builder, action="set", path=f"{EDIT}/section/columns", kind="number-choice", value="3", was="2")
    act(builder, action="down", item=f"{EDIT}/section")
    found = value(library, EDIT)[2]
    assert (found["name"], found["columns"], found["label"]["en"]) == ("section", 3, "Numbers")
    assert found["items"] == [{"field": "isbn"}]
    page = act(builder, action="remove", item=f"{EDIT}/section").get_data(as_text=True)
    assert names(library, EDIT) == ["main", "more"]
    assert 'data-item="field:isbn"' in page


def test_a_section_does_not_go_into_itself(builder: FlaskClient) -> None:
    assert act(builder, action="move", item=f"{EDIT}/main", into=f"{EDIT}/main/items", index="0").status_code == 422


def test_a_record_page_gets_the_lists_of_its_relations(builder: FlaskClient, library: Workspace) -> None:
    items = "form:book/layouts/page/items"
    act(builder, action="remove", item=f"{items}/loans")
    page = text_of(builder, "/studio/library/form/book?layout=page")
    assert 'data-item="related:loans"' in page
    act(builder, action="add", item="related:loans", into=items, index="9")
    assert value(library, items)[-1]["relation"] == "loans"
    assert act(builder, action="add", item="related:nothing", into=items, index="9").status_code == 422


def test_columns_of_a_sub_table_are_added_named_moved_and_removed(builder: FlaskClient, library: Workspace) -> None:
    fields = f"{FORM}/fields/copies/fields"
    page = act(builder, action="column", path=fields, type="money").get_data(as_text=True)
    assert 'value="form:book/fields/copies/fields/money_1/currency"' in page
    act(builder, action="set", path=f"{fields}/money_1/label/en", value="Value of the copy", sel=f"{fields}/money_1")
    act(builder, action="up", item=f"{fields}/value_of_the_copy")
    assert names(library, fields) == ["shelf", "value_of_the_copy", "count"]
    act(builder, action="remove", item=f"{fields}/value_of_the_copy")
    assert names(library, fields) == ["shelf", "count"]


def test_a_new_field_is_named_after_its_label_until_it_is_published(builder: FlaskClient, library: Workspace) -> None:
    into = f"{EDIT}/main/items"
    act(builder, action="add", item="type:text", into=into, index="0")
    page = act(builder, action="set", path=f"{FORM}/fields/text_1/label/zh", value="译者", sel=f"{into}/text_1")
    assert names(library, into)[0] == "yi_zhe"
    assert 'value="form:book/fields/yi_zhe/label/zh"' in page.get_data(as_text=True)
    act(builder, action="set", path=f"{FORM}/fields/yi_zhe/label/zh", value="翻译", sel=f"{into}/yi_zhe")
    assert names(library, into)[0] == "yi_zhe"
    act(builder, action="set", path=f"{FORM}/fields/isbn/label/en", value="Number of the book")
    assert "isbn" in names(library, f"{FORM}/fields")


@pytest.mark.parametrize(
    ("text", "name"),
    [("客户来源", "ke_hu_lai_yuan"), ("Net worth (€)", "net_worth"), ("2026 plan", "f_2026_plan"), ("€", "")],
)
def test_names_are_made_from_words(text: str, name: str) -> None:
    assert slug(text) == name


def test_one_step_back_takes_back_all_that_an_action_did(builder: FlaskClient, library: Workspace) -> None:
    act(builder, action="add", item="type:money", into=f"{EDIT}/main/items", index="0")
    builder.post("/studio/library/undo", data={"_csrf": csrf(builder, "/")})
    assert "money_1" not in names(library, f"{FORM}/fields")
    assert "money_1" not in names(library, f"{EDIT}/main/items")
    builder.post("/studio/library/redo", data={"_csrf": csrf(builder, "/")})
    assert "money_1" in names(library, f"{FORM}/fields")
    assert "money_1" in names(library, f"{EDIT}/main/items")


def test_an_action_sent_twice_is_done_once(builder: FlaskClient, library: Workspace) -> None:
    given = {"action": "add", "item": "type:money", "into": f"{EDIT}/main/items", "index": "0", "_key": "k1"}
    first = act(builder, **given)
    second = act(builder, **given)
    assert (first.status_code, second.status_code) == (200, 200)
    assert [name for name in names(library, f"{FORM}/fields") if name.startswith("money")] == ["money_1"]
    assert 'value="form:book/fields/money_1/currency"' in second.get_data(as_text=True)


def test_who_comes_second_to_a_property_is_told_who_was_first_and_keeps_what_was_typed(
    enter: Enter, builder: FlaskClient, library: Workspace
) -> None:
    other = enter("mei", "builder")
    path = f"{FORM}/fields/title/label/en"
    act(other, action="set", path=path, value="Name", was="Title")
    answer = act(builder, action="set", path=path, value="Heading", was="Title")
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 409
    assert "Mei changed this" in page
    assert "<code>Name</code>" in page
    assert "<code>Heading</code>" in page
    assert value(library, path) == "Name"
    again = re.search(r"data-do='(\{[^']*\"was\": \"Name\"[^']*\})'", page)
    assert again
    assert act(builder, action="set", path=path, value="Heading", was="Name").status_code == 200
    assert value(library, path) == "Heading"


def test_two_people_change_different_properties_without_noticing(enter: Enter, builder: FlaskClient) -> None:
    other = enter("mei", "builder")
    assert act(other, action="set", path=f"{FORM}/fields/title/label/en", value="Name", was="Title").status_code == 200
    answer = act(builder, action="set", path=f"{FORM}/fields/isbn/label/en", value="Number", was="ISBN")
    assert answer.status_code == 200


def test_a_problem_leads_to_the_field_that_has_it(builder: FlaskClient) -> None:
    act(builder, action="set", path=f"{FORM}/fields/signed_by/visible", value="sgned = true", was="signed = true")
    page = text_of(builder, "/studio/library/checks")
    href = re.search(r'href="(/studio/library/form/book\?at=[^"]+)"', page)
    assert href
    assert 'value="form:book/fields/signed_by/visible"' in text_of(builder, unescape(href[1]))


# -- a new form


def new_form(client: FlaskClient, **values: str) -> Any:
    return post(client, "new-form", **values)


def test_a_new_form_proposes_a_list_a_menu_entry_and_rights(builder: FlaskClient, library: Workspace) -> None:
    page = text_of(builder, "/studio/library/new-form")
    assert re.search(r'name="right\.librarian" value="all"[^>]* checked', page)
    answer = new_form(builder, zh="活动", plural_en="Events", **{"right.librarian": "all", "right.reader": "own"})
    assert answer.headers["Location"].endswith("/studio/library/form/huo_dong")
    assert "<h1" in text_of(builder, answer.headers["Location"])
    assert value(library, "app/menu/huo_dong")["label"] == {"zh": "活动", "en": "Events"}
    granted = {p["role"]: (len(p["operations"]), p.get("rows")) for p in value(library, "form:huo_dong/permissions")}
    assert granted == {"librarian": (9, None), "reader": (7, "owner = me"), "app": (9, None)}
    assert names(library, "form:huo_dong/views") == ["all"]
    checks = text_of(builder, "/studio/library/checks")
    assert "huo_dong" not in checks


def test_it_is_published_and_used_at_once_over_the_untouched_package(
    enter: Enter, builder: FlaskClient, library: Workspace
) -> None:
    new_form(builder, zh="活动", en="Event", **{"right.librarian": "own"})
    assert post(builder, "publish", note="events").status_code == 302
    librarian, reader = enter("lin", "librarian"), enter("rui", "reader")
    made = librarian.post(
        "/a/library/f/event/new", data={"_csrf": csrf(librarian, "/"), "name": "Reading night", "_do": "save"}
    )
    assert made.status_code == 302
    assert "Reading night" in text_of(librarian, "/a/library/f/event/")
    assert reader.get("/a/library/f/event/").status_code in {403, 404}
    with library.read(SYSTEM) as work:
        found = active_release(work.connection, "library")
        assert found is not None
        assert {edit.path for edit in layer_in(work.connection, found)} == {"form:event", "app/menu/event"}


@pytest.mark.parametrize(
    ("given", "field"),
    [({}, "zh"), ({"en": "Book"}, "name"), ({"en": "X", "name": "1st"}, "name"), ({"zh": "€"}, "name")],
)
def test_a_new_form_without_a_good_name_is_refused_and_what_was_typed_stays(
    builder: FlaskClient, given: dict[str, str], field: str
) -> None:
    answer = new_form(builder, plural_zh="很多", **given)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="f-{field}-error"' in page
    assert 'value="很多"' in page


def test_nobody_else_makes_forms(enter: Enter, library: Workspace) -> None:
    client = enter("lin", "librarian")
    assert client.get("/studio/library/new-form").status_code == 404
    assert new_form(client, zh="活动").status_code == 404
    assert post(client, "decision/level/try").status_code == 404


# -- decisions


def test_a_cell_of_a_decision_table_says_what_is_wrong_with_it(builder: FlaskClient, library: Workspace) -> None:
    cell = {"action": "cell", "rule": "dear", "group": "inputs", "column": "0"}
    answer = decide(builder, **cell, value=">= abc", was=">= 100")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert 'id="c-level-dear-inputs0-error"' in page
    assert 'id="c-level-rest-inputs0-error"' not in page
    page = decide(builder, **cell, value=">= 200", was=">= abc").get_data(as_text=True)
    assert "cell-error" not in page
    assert value(library, f"{TABLE}/rules/dear/when") == [">= 200"]


def test_two_people_in_one_cell(enter: Enter, builder: FlaskClient, library: Workspace) -> None:
    other = enter("mei", "builder")
    cell = {"action": "cell", "rule": "dear", "group": "inputs", "column": "0"}
    decide(other, **cell, value=">= 150", was=">= 100")
    answer = decide(builder, **cell, value=">= 200", was=">= 100")
    assert answer.status_code == 409
    assert value(library, f"{TABLE}/rules/dear/when") == [">= 150"]


def test_rows_are_added_copied_moved_and_removed(builder: FlaskClient, library: Workspace) -> None:
    decide(builder, action="below", rule="dear")
    decide(builder, action="up", rule="rule_1")
    assert names(library, f"{TABLE}/rules") == ["rule_1", "dear", "rest"]
    decide(builder, action="copy", rule="dear")
    assert value(library, f"{TABLE}/rules/rule_2/when") == value(library, f"{TABLE}/rules/dear/when")
    decide(builder, action="row", item="rule_1", index="3")
    assert names(library, f"{TABLE}/rules") == ["dear", "rule_2", "rest", "rule_1"]
    decide(builder, action="remove", rule="rule_1")
    decide(builder, action="remove", rule="rule_2")
    assert names(library, f"{TABLE}/rules") == ["dear", "rest"]
    assert decide(builder, action="remove", rule="rule_1").status_code == 422


def test_columns_take_their_cells_with_them(builder: FlaskClient, library: Workspace) -> None:
    decide(builder, action="add-column", group="inputs")
    assert value(library, f"{TABLE}/rules/dear/when") == [">= 100", "-"]
    decide(builder, action="cell", rule="dear", group="inputs", column="1", value='"x"')
    decide(builder, action="left", group="inputs", column="1")
    assert value(library, f"{TABLE}/rules/dear/when") == ['"x"', ">= 100"]
    decide(builder, action="remove-column", group="inputs", column="0")
    assert value(library, f"{TABLE}/rules/dear/when") == [">= 100"]
    assert decide(builder, action="remove-column", group="outputs", column="0").status_code == 422
    decide(builder, action="add-column", group="annotations")
    decide(builder, action="cell", rule="dear", group="annotations", column="0", value="since 2026")
    assert value(library, f"{TABLE}/rules/dear/annotations") == ["since 2026"]


def test_a_column_is_described_and_the_hit_policy_chosen(builder: FlaskClient, library: Workspace) -> None:
    given = {"action": "column", "group": "inputs", "column": "0"}
    page = decide(builder, **given, property="label/en", value="Cost").get_data(as_text=True)
    assert "<strong>Cost</strong>" in page
    assert decide(builder, **given, property="name", value="x").status_code == 400
    decide(builder, action="policy", hit_policy="COLLECT", aggregator="COUNT")
    found = value(library, TABLE)
    assert (found["hit_policy"], found["aggregator"]) == ("COLLECT", "COUNT")
    decide(builder, action="policy", hit_policy="FIRST", aggregator="COUNT")
    assert "aggregator" not in value(library, TABLE)


def test_a_gap_is_shown_with_an_example_and_can_be_closed(builder: FlaskClient, library: Workspace) -> None:
    page = unescape(decide(builder, action="remove", rule="rest").get_data(as_text=True))
    assert '"action": "mend"' in page
    assert "99" in page
    page = unescape(decide(builder, action="mend", number="0").get_data(as_text=True))
    (cell,) = value(library, f"{TABLE}/rules/rule_1/when")
    assert cell != "-"
    assert decide(builder, action="mend", number="7").status_code == 422


def test_a_decision_is_tried_before_it_is_published(builder: FlaskClient) -> None:
    inputs = re.findall(r'name="in\.(\w+)"', text_of(builder, "/studio/library/decision/level"))
    page = post(builder, "decision/level/try", **{f"in.{inputs[0]}": "150"}).get_data(as_text=True)
    assert '["dear"]' in unescape(page)
    page = post(builder, "decision/level/try", **{f"in.{inputs[0]}": "1 +"}).get_data(as_text=True)
    assert "cannot be read" in page


@pytest.mark.parametrize(
    "values",
    [
        {"group": "name", "column": "0"},
        {"group": "inputs", "column": "9"},
        {"action": "nonsense"},
        {"action": "policy", "hit_policy": "WHATEVER"},
        {"action": "add-column", "group": "rules"},
    ],
)
def test_an_edit_of_a_table_must_make_sense(builder: FlaskClient, values: dict[str, str]) -> None:
    given = {"action": "cell", "rule": "dear", "value": "x", **values}
    assert decide(builder, **given).status_code in {400, 422}


# -- views


def test_a_view_of_each_kind_is_added_changed_and_removed(builder: FlaskClient, library: Workspace) -> None:
    views = "form:book/views"
    for kind in ("list", "kanban", "calendar"):
        answer = act(builder, action="add", item=f"view:{kind}", into=views, index="99")
        assert answer.status_code == 200, answer.get_data(as_text=True)
    page = act(builder, action="select", sel=f"{views}/kanban").get_data(as_text=True)
    assert 'value="state" selected' in page
    assert act(builder, action="set", path=f"{views}/kanban/sums", kind="names", value="price").status_code == 200
    assert act(builder, action="up", item=f"{views}/kanban").status_code == 200
    # A book refers to no other book, and holds no picture: a tree is refused with what is missing.
    refused = act(builder, action="add", item="view:tree", into=views, index="0")
    assert refused.status_code == 422
    assert "needs a field for" in refused.get_data(as_text=True)
    assert act(builder, action="add", item="view:nonsense", into=views, index="0").status_code == 422
    act(builder, action="remove", item=f"{views}/calendar")
    made = value(library, views)
    assert [view["name"] for view in made] == ["all", "lent", "kanban", "list"]
    kanban = next(view for view in made if view["name"] == "kanban")
    assert (kanban["kind"], kanban["group"], kanban["sums"]) == ("kanban", "state", ["price"])
