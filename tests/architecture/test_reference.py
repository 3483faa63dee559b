"""The reference page is made from the schemas, which describe every property."""

from pathlib import Path

import pytest

from builder.definitions.kinds import Kind, Kinds
from builder.definitions.reference import reference, undescribed


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference.md"
    assert page.read_text("utf-8") == reference(Kinds.standard()), "run: python -m builder.definitions.reference"


@pytest.mark.parametrize("kind", [kind for kind in Kinds.standard() if kind.schema], ids=lambda kind: kind.name)
def test_every_property_of_a_definition_is_described(kind: Kind) -> None:
    assert undescribed(kind.schema) == []
