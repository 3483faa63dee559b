"""FEEL, the expression language of OMG's DMN 1.5: every condition, formula, filter and measure is written in it."""

from engines.feel.batch import Batch
from engines.feel.browser import runs_in_browser
from engines.feel.budget import Budget
from engines.feel.convert import from_python, to_python
from engines.feel.expression import (
    Evaluation,
    EvaluationContext,
    Expression,
    check,
    check_unary_tests,
    compile,
    compile_unary_tests,
)
from engines.feel.printer import to_feel
from engines.feel.runtime import Failure
from engines.feel.scope import Scope
from engines.feel.sql import SqlColumn, SqlJoin, SqlSource, SqlUnsupportedError, to_sql, to_sql_condition
from engines.feel.types import (
    ANY,
    BOOLEAN,
    CONTEXT,
    DATE,
    DATE_TIME,
    DAYS_TIME,
    FUNCTION,
    IDENTIFIER,
    LIST,
    NULL,
    NUMBER,
    STRING,
    TIME,
    YEARS_MONTHS,
    ContextType,
    FeelType,
    FunctionType,
    ListType,
    RangeType,
)
from engines.feel.values import Date, DateTime, DaysTime, Function, Range, Time, YearsMonths

__all__ = [
    "ANY",
    "BOOLEAN",
    "CONTEXT",
    "DATE",
    "DATE_TIME",
    "DAYS_TIME",
    "FUNCTION",
    "IDENTIFIER",
    "LIST",
    "NULL",
    "NUMBER",
    "STRING",
    "TIME",
    "YEARS_MONTHS",
    "Batch",
    "Budget",
    "ContextType",
    "Date",
    "DateTime",
    "DaysTime",
    "Evaluation",
    "EvaluationContext",
    "Expression",
    "Failure",
    "FeelType",
    "Function",
    "FunctionType",
    "ListType",
    "Range",
    "RangeType",
    "Scope",
    "SqlColumn",
    "SqlJoin",
    "SqlSource",
    "SqlUnsupportedError",
    "Time",
    "YearsMonths",
    "check",
    "check_unary_tests",
    "compile",
    "compile_unary_tests",
    "from_python",
    "runs_in_browser",
    "to_feel",
    "to_python",
    "to_sql",
    "to_sql_condition",
]
