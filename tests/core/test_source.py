"""Places in definition files."""

from engines.core import DefinitionSource, check_schema, load_json

TEXT = '{\n  "name": "a",\n  "fields": [\n    {"name": "x", "when": "a \\u0041 = b"},\n    {"nmae": "y"}\n  ]\n}\n'
SOURCE = DefinitionSource(file="a.form.json", text=TEXT)
FIELD = {"type": "object", "properties": {"name": {"type": "string"}, "when": {}}, "additionalProperties": False}


def test_a_pointer_is_found_with_line_and_column() -> None:
    place = SOURCE.place("/fields/1/nmae")
    assert (place.line, place.column, place.length) == (5, 14, 3)


def test_an_offset_inside_an_expression_counts_escapes() -> None:
    place = SOURCE.place_in_string("/fields/0/when", 4)
    assert TEXT.split("\n")[place.line - 1][place.column - 1 :].startswith("= b")


def test_an_unknown_property_is_named_with_a_hint() -> None:
    data, problems = load_json(SOURCE)
    assert problems == []
    (found,) = check_schema(data, {"properties": {"fields": {"items": FIELD}}}, SOURCE)
    assert (found.code, found.pointer, found.line) == ("definition.unknown_property", "/fields/1/nmae", 5)
    assert found.hint == 'did you mean "name"?'


def test_broken_json_and_repeated_keys_are_told_with_their_place() -> None:
    _, (broken,) = load_json(DefinitionSource(file="a.json", text='{"a": 1,\n "b" 2}'))
    assert (broken.code, broken.line, broken.column) == ("definition.not_json", 2, 6)
    _, (twice,) = load_json(DefinitionSource(file="a.json", text='{"a": 1,\n "a": 2}'))
    assert (twice.code, twice.line) == ("definition.repeated_key", 2)
