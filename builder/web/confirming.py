"""What rules ask to be confirmed: shown with the form, and named by the next attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from builder.web.context import CONFIRMED, site
from builder.web.wording import problem_text
from engines.core import InputProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Questions of rules, and the rules confirmed once they are answered."""

    texts: tuple[str, ...]
    rules: tuple[str, ...]


def confirmation(problems: Sequence[InputProblem]) -> Confirmation | None:
    """What is to be confirmed; None where anything else is wrong, too, or nothing is asked."""
    if not problems or any(problem.code != "rules.confirm" for problem in problems):
        return None
    rules = (*request.form.getlist(CONFIRMED), *(str(problem.params["rule"]) for problem in problems))
    return Confirmation(
        texts=tuple(problem_text(problem, site().locale) for problem in problems), rules=tuple(dict.fromkeys(rules))
    )
