"""The reference page is made from the schemas."""

from pathlib import Path

from builder.definitions.kinds import Kinds
from builder.definitions.reference import reference


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference.md"
    assert page.read_text("utf-8") == reference(Kinds.standard()), "run: python -m builder.definitions.reference"
