"""The test cases beside rules and decisions, run on the text that is being typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from builder.definitions import AppDefinitions
from builder.web.context import site
from builder.web.wording import code_text
from engines.core import BudgetExceeded, DefinitionError
from engines.feel import EvaluationContext
from engines.rules import compile_decision, run_case_file

# Kinds of definitions that have cases beside them, or are such cases.
CASED = ("rules:", "decision:", "cases:", "case_table:")
# Cases that are told of.
MOST = 200
Told = dict[str, Any]


def cases_of(definitions: AppDefinitions, key: str) -> list[Told]:
    """How each case goes that is about a definition: its name, whether it passed, what was found and expected.

    None of what cannot be compiled: what is wrong with that is told elsewhere.
    """
    kind, _colon, name = key.partition(":")
    if not key.startswith(CASED):
        return []
    files = [(kind, name)] if kind in ("cases", "case_table") else [("cases", name), ("case_table", name)]
    told: list[Told] = []
    try:
        for file in files:
            told += _of_file(definitions, *file)
        if kind == "decision":
            told += _examples(definitions, name)
    except DefinitionError:
        return told
    except BudgetExceeded as error:
        told.append(_told("", passed=False, found=code_text(error.code, site().locale, error.params)))
    return told[:MOST]


def _of_file(definitions: AppDefinitions, kind: str, name: str) -> Iterator[Told]:
    found = definitions.get(kind, name)
    results = run_case_file(found, definitions) if found is not None else None
    for result in results or ():
        yield _told(result.case.name, passed=result.passed, found=result.found, expected=result.expected)


def _examples(definitions: AppDefinitions, name: str) -> Iterator[Told]:
    """The examples that a decision carries itself."""
    model = definitions.get("decision", name)
    if model is None or not model.tests:
        return
    for check in compile_decision(model, definitions).check_examples(EvaluationContext(now=site().formats.now)):
        shown = {} if check.passed else {"found": _plain(check.found), "expected": _plain(check.expected)}
        yield _told(check.name, passed=check.passed, **shown)


def _plain(value: Any) -> str:
    return "–" if value is None else site().formats.plain(value) if not isinstance(value, dict | list) else str(value)


def _told(name: str, *, passed: bool, found: str = "", expected: str = "") -> Told:
    return {"name": name, "passed": passed, "found": found, "expected": expected}
