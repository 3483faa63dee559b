"""Working calendars in conditions."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from engines import feel
from engines.rules import calendar_functions
from engines.rules.calendars import TYPES
from tests.rules.apps import context


class Office:
    """Monday to Friday, but 4 March 2026."""

    def is_working_day(self, day: date) -> bool:
        return day.weekday() < 5 and day != date(2026, 3, 4)

    def add(self, start: datetime, working: timedelta) -> datetime:
        return start + working


FUNCTIONS = calendar_functions({"office": Office()}.get)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('is working day(@"2026-03-03", "office")', True),
        ('is working day(@"2026-03-04", "office")', False),
        ('is working day(@"2026-03-04T12:00:00Z", "office")', False),
        ('is working day(@"2026-03-03", "elsewhere")', None),
        ('is working day("tomorrow", "office")', None),
        ('working days between(@"2026-03-02", @"2026-03-09", "office")', 4),
        ('working days between(@"2026-03-09", @"2026-03-02", "office")', -4),
        ('working days between(@"2026-03-02", @"2026-03-02", "office")', 0),
        ('working days between(@"0001-01-01", @"2026-03-02", "office")', None),
        ('add working days(@"2026-03-03", 1, "office")', date(2026, 3, 5)),
        ('add working days(@"2026-03-05", -2, "office")', date(2026, 3, 2)),
        ('add working days(@"2026-03-07", 0, "office")', date(2026, 3, 7)),
        ('add working days(@"2026-03-03", 1.5, "office")', None),
        ('add working days(@"2026-03-03", 100000, "office")', None),
        ('add working days(null, 1, "office")', None),
    ],
)
def test_working_days(text: str, value: Any) -> None:
    found = feel.compile(text, feel.Scope(dict(TYPES))).evaluate({}, context(functions=FUNCTIONS)).value
    assert feel.to_python(found) == value
