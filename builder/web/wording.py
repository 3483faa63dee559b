"""Sentences for problems and conflicts, from the one catalogue over all engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.messages import messages
from engines.core import Diagnostic, InputProblem, LocalizedText


def problem_text(problem: InputProblem, locale: str) -> str:
    """What is wrong with an entry, in the words of its definition or of the catalogue."""
    if problem.text:
        return LocalizedText.of(problem.text).get(locale)
    return messages().text(problem.code, locale, problem.params)


def diagnostic_text(diagnostic: Diagnostic, locale: str) -> str:
    """What is wrong with a definition."""
    return messages().message(diagnostic, locale)


def code_text(code: str, locale: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence of a code; the code itself where no catalogue has one."""
    return messages().text(code, locale, params)
