"""Reading an app's folder: what is found, and every problem of its files at once."""

from pathlib import Path

import pytest

from builder.definitions import check, load_folder, source_of
from engines.core import DefinitionError

APP = """{
  "name": "x",
  "version": "1.0.0",
  "label": "X",
  "menu": [
    {"name": "m", "label": "M", "form": "bok"},
    {"name": "n", "label": "N", "items": [{"name": "o", "label": "O", "roles": ["riter"]}]}
  ],
  "settings": [
    {"name": "s", "type": "choice", "label": "S", "default": "reed", "options": [{"name": "red", "label": "R"}]}
  ]
}
"""


def test_all_problems_are_told_with_file_line_and_hint() -> None:
    source = source_of(
        {"app.json": APP, "a.roles.json": '{"roles": [{"name": "writer", "label": "W"}]}', "y.json": "{}"}
    )
    found = {d.code: d for d in check(source)}
    assert set(found) == {"app.unknown_form", "app.unknown_role", "app.default_no_option", "release.unknown_file"}
    role = found["app.unknown_role"]
    assert (role.file, role.pointer, role.line, role.found) == ("app.json", "/menu/1/items/0/roles", 7, "riter")
    assert role.hint == 'did you mean "writer"?'
    assert (found["app.default_no_option"].line, found["app.default_no_option"].column) == (10, 62)
    assert found["release.unknown_file"].file == "y.json"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"a/x.roles.json": '{"roles": []}', "b/x.roles.json": '{"roles": []}'}, "release.twice"),
        ({"x.roles.json": '{"roles": [{"name": "public", "label": "P"}]}'}, "app.reserved_role"),
        ({"x.roles.json": "{"}, "definition.not_json"),
        ({"x.roles.json": '{"rolls": []}'}, "definition.unknown_property"),
    ],
)
def test_each_mistake_has_its_code(files: dict[str, str], code: str) -> None:
    app = '{"name": "x", "version": "1.0.0", "label": "X"}'
    assert code in [d.code for d in check(source_of({"app.json": app, **files}))]


def test_data_notes_and_hidden_files_are_no_definitions(tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text('{"name": "x", "version": "1.0.0", "label": "X"}')
    for name in ("data/demo.json", "notes.md", ".git/config.json", "sub/x.roles.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"roles": []}')
    source = load_folder(tmp_path)
    assert (sorted(source.files), source.diagnostics) == (["app", "roles:x"], ())


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text("{}")
    (tmp_path / "x.roles.json").write_bytes(b'{"roles": "\xff"}')
    assert [d.code for d in load_folder(tmp_path).diagnostics] == ["release.not_utf8"]


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"release\.no_app"):
        load_folder(tmp_path)


def test_the_hash_depends_on_content_and_not_on_order() -> None:
    one = source_of({"app.json": APP, "a.roles.json": "{}"})
    two = source_of({"a.roles.json": "{}", "app.json": APP})
    other = source_of({"app.json": APP, "a.roles.json": "{ }"})
    assert one.hash == two.hash != other.hash
