"""Texts of our own pages in the visitor's language, and how dates, numbers and amounts read there."""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Request

LOCALES = Path(__file__).resolve().parent.parent / "locales"
# Languages of the product, with the name each has for itself.
LANGUAGES: Mapping[str, str] = {"zh": "中文", "en": "English"}
# The yuan and the yen share a sign: here it is the yuan's.
SIGNS: Mapping[str, str] = {"CNY": "¥", "JPY": "JP¥"}
_BABEL = {"zh": "zh_Hans_CN", "en": "en"}


@cache
def translations(locale: str) -> gettext.NullTranslations:
    """The catalogue of a language, compiled from its .po file when first asked for."""
    path = LOCALES / locale / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def preferred(request: Request, chosen: str | None) -> str:
    """The language to answer in: the one chosen before, else what the browser asks for, else Chinese."""
    for language in (chosen, request.cookies.get("dg_locale")):
        if language in LANGUAGES:
            return str(language)
    if "Accept-Language" not in request.headers:
        return "zh"
    return request.accept_languages.best_match(list(LANGUAGES)) or "zh"


class Formats:
    """Values as people read them, in one language and time zone."""

    def __init__(self, locale: str, zone: ZoneInfo, now: datetime) -> None:
        self.locale = locale
        self.zone = zone
        self.now = now
        self._babel = Locale.parse(_BABEL.get(locale, "en"))

    def number(self, value: Decimal | int, scale: int | None = None) -> str:
        """With grouped thousands; ``scale`` decimals where given, else as many as there are."""
        number = Decimal(value)
        places = scale if scale is not None else max(0, -int(number.normalize().as_tuple().exponent))
        pattern = "#,##0" + ("." + "0" * places if places else "")
        return numbers.format_decimal(number, pattern, locale=self._babel)

    def money(self, value: Decimal, currency: str, scale: int = 2) -> str:
        """An amount with its currency's sign."""
        pattern = "¤#,##0" + ("." + "0" * scale if scale else "")
        if currency in SIGNS:
            pattern = pattern.replace("¤", f"'{SIGNS[currency]}'")
        return numbers.format_currency(value, currency, pattern, locale=self._babel, currency_digits=False)

    def percent(self, value: Decimal, scale: int | None = None) -> str:
        """A fraction as a percentage."""
        return self.number(value * 100, scale) + "%"

    def date(self, value: date) -> str:
        """A calendar day."""
        return value.isoformat() if self.locale == "zh" else dates.format_date(value, "d MMM y", locale=self._babel)

    def time(self, value: time) -> str:
        """A time of day, to the minute."""
        return value.strftime("%H:%M")

    def instant(self, value: datetime) -> str:
        """An instant in the workspace's zone, to the minute."""
        local = value.astimezone(self.zone)
        return f"{self.date(local.date())} {local:%H:%M}"

    def instant_seconds(self, value: datetime) -> str:
        """An instant in the workspace's zone, to the second."""
        return f"{self.instant(value)}:{value.astimezone(self.zone):%S}"

    def ago(self, value: datetime) -> str:
        """How long ago (or ahead) an instant is, in words; further than 30 days, the date."""
        delta = value - self.now
        if abs(delta) < timedelta(minutes=1):
            return translations(self.locale).gettext("just now")
        if abs(delta) > timedelta(days=30):
            return self.date(value.astimezone(self.zone).date())
        return dates.format_timedelta(delta, add_direction=True, locale=self._babel)

    def duration(self, value: timedelta) -> str:
        """A length of time in words, in its largest unit."""
        return dates.format_timedelta(value, locale=self._babel, threshold=1.5)

    def span(self, value: timedelta) -> str:
        """A length of time in words, none of it left out."""
        sign, value = ("-", -value) if value < timedelta(0) else ("", value)
        hours, rest = divmod(value.seconds, 3600)
        minutes, seconds = divmod(rest, 60)
        text = translations(self.locale)
        words = [
            text.ngettext("%(num)s day", "%(num)s days", value.days) % {"num": value.days} if value.days else "",
            text.ngettext("%(num)s hour", "%(num)s hours", hours) % {"num": hours} if hours else "",
            text.ngettext("%(num)s minute", "%(num)s minutes", minutes) % {"num": minutes} if minutes else "",
            text.ngettext("%(num)s second", "%(num)s seconds", seconds) % {"num": seconds} if seconds else "",
        ]
        return sign + (" ".join(word for word in words if word) or "0")

    def plain(self, value: Any) -> str:
        """Any value, for places that know no field type."""
        match value:
            case None | "":
                return "—"
            case bool():
                return translations(self.locale).gettext("Yes") if value else translations(self.locale).gettext("No")
            case Decimal() | int():
                return self.number(value)
            case datetime():
                return self.instant(value)
            case date():
                return self.date(value)
            case time():
                return self.time(value)
            case timedelta():
                return self.duration(value)
            case list() | tuple():
                return (
                    "、".join(self.plain(item) for item in value)
                    if self.locale == "zh"
                    else ", ".join(self.plain(item) for item in value)
                )
        return str(value)
