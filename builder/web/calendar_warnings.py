"""Working calendars that do not know the public holidays of this year, or from October on of the next."""

from __future__ import annotations

from collections.abc import Iterable

from builder.definitions import CompiledApp
from builder.runtime.calendars import missing_year
from builder.web.context import site
from builder.web.wording import code_text


def calendar_warnings(apps: Iterable[CompiledApp]) -> list[str]:
    """A sentence for each calendar of the apps that counts such a year by weekdays alone."""
    here = site()
    today = here.workspace.clock.now().astimezone(here.formats.zone).date()
    found = []
    for app in apps:
        for calendar in app.calendars.values():
            warning = missing_year(calendar, today)
            if warning is not None:
                told = {**warning.params, "app": here.text(app.label), "calendar": here.text(calendar.label)}
                found.append(code_text(warning.code, here.locale, told))
    return found
