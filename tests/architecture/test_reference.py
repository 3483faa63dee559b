"""The reference page is made from the schemas, and every property says what it means."""

from pathlib import Path

import pytest

from builder.definitions.kinds import Kinds
from builder.definitions.reference import reference, undescribed

KINDS = [kind for kind in Kinds.standard() if kind.schema]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_property_of_a_definition_says_what_it_means(kind) -> None:  # type: ignore[no-untyped-def]
    assert undescribed(kind.schema) == []


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference.md"
    assert page.read_text("utf-8") == reference(Kinds.standard()), "run: python -m builder.definitions.reference"
