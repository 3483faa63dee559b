"""Sentences for problems and conflicts, from the catalogues that each engine brings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from engines.core import Diagnostic, InputProblem, MessageCatalogue

PACKAGES = (
    "engines.core",
    "engines.feel",
    "engines.form",
    "engines.process",
    "engines.rules",
    "engines.report",
    "builder.workspace",
    "builder.identity",
    "builder.runtime",
)


@cache
def catalogue() -> MessageCatalogue:
    """The sentences of all parts that bring some."""
    return MessageCatalogue([package for package in PACKAGES if (resources.files(package) / "messages").is_dir()])


def problem_text(problem: InputProblem, locale: str) -> str:
    """What is wrong with an entry, in the words of its definition or of the catalogue."""
    if problem.text:
        from engines.core import LocalizedText

        return LocalizedText.of(problem.text).get(locale)
    return catalogue().text(problem.code, locale, problem.params)


def diagnostic_text(diagnostic: Diagnostic, locale: str) -> str:
    """What is wrong with a definition."""
    return catalogue().message(diagnostic, locale)


def code_text(code: str, locale: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence of a code; the code itself where no catalogue has one."""
    return catalogue().text(code, locale, params)
