"""Both languages are complete, and say the same things."""

import re

import pytest

from builder.locales.__main__ import LANGUAGES, extracted, stored

PLACEHOLDER = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_pages_is_translated(language: str) -> None:
    known = {m.id: m.string for m in stored(language) if m.id}
    wanted = {m.id for m in extracted() if m.id}
    assert wanted - known.keys() == set(), "run python -m builder.locales"
    assert [text for text in wanted if not all(known[text] if isinstance(known[text], tuple) else [known[text]])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_stays_that_no_page_uses(language: str) -> None:
    assert {m.id for m in stored(language) if m.id} - {m.id for m in extracted()} == set()


def test_placeholders_are_kept() -> None:
    wrong = []
    for message in stored("zh"):
        if message.id and isinstance(message.id, str):
            texts = [message.id, message.string]
            if len({frozenset(PLACEHOLDER.findall(text)) for text in texts}) > 1:
                wrong.append(message.id)
    assert wrong == []
