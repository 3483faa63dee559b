"""Types whose values are days, times, instants and durations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from engines.feel import DATE, DATE_TIME, DAYS_TIME, TIME, FeelType
from engines.form.definition import FieldDefinition
from engines.form.types.base import Coerce, FieldType, Refused, Storage, StoredColumn, TypeContext, setting

_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_DURATION = re.compile(r"(-)?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,6}))?S)?)?", re.ASCII)
_DAY_LIMITS: Mapping[str, Any] = {"min": {"type": "string"}, "max": {"type": "string"}}


def parse_day(value: Any) -> date | None:
    """A calendar day from a date or an ISO (or Chinese) text; an instant is refused, as its zone would decide."""
    if type(value) is date:
        return value
    if isinstance(value, datetime):
        raise Refused("form.not_date")
    text = str(value).strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        match = _DAY.fullmatch(text)
    try:
        if match:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    raise Refused("form.not_date")


def parse_duration(text: str) -> timedelta:
    """A days-and-time duration from ISO 8601 text, for example "P1DT2H"."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()[1:]):
        raise Refused("form.not_duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:6])
    micros = int((match[7] or "").ljust(6, "0"))
    try:
        span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=micros)
    except OverflowError:
        raise Refused("form.not_duration") from None
    return -span if match[1] else span


def format_duration(span: timedelta) -> str:
    """ISO 8601 text of a duration: the opposite of ``parse_duration``."""
    sign, span = ("-", -span) if span < timedelta(0) else ("", span)
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{span.microseconds:06d}".rstrip("0") if span.microseconds else ""
    clock = "".join(
        (f"{hours}H" * bool(hours), f"{minutes}M" * bool(minutes), f"{seconds}{fraction}S" * bool(seconds or fraction))
    )
    days = f"{span.days}D" if span.days else ""
    return f"{sign}P{days}{'T' + clock if clock else ''}" if days or clock else "PT0S"


class DateType(FieldType):
    """A calendar day."""

    name = "date"
    group = "date"
    config: ClassVar[Mapping[str, Any]] = {**_DAY_LIMITS, "yearly": {"type": "boolean"}}
    can_be_unique = True

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return DATE

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.DATE)

    def coercer(self, field: FieldDefinition) -> Coerce:
        low, high = (parse_day(setting(field, key)) if setting(field, key) else None for key in ("min", "max"))

        def coerce(value: Any) -> date | None:
            day = parse_day(value)
            if day is None:
                return None
            if low is not None and day < low:
                raise Refused("form.below_min", min=low)
            if high is not None and day > high:
                raise Refused("form.above_max", max=high)
            return day

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


class TimeType(FieldType):
    """A time of day, without a zone."""

    name = "time"
    group = "date"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return TIME

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.TIME)

    def coercer(self, field: FieldDefinition) -> Coerce:
        def coerce(value: Any) -> time | None:
            if isinstance(value, time):
                found = value
            else:
                text = str(value).strip()
                if not text:
                    return None
                try:
                    found = time.fromisoformat(text)
                except ValueError:
                    raise Refused("form.not_time") from None
            if found.tzinfo is not None:
                raise Refused("form.not_time")
            return found

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$"}


class DateTimeType(FieldType):
    """An instant, kept in UTC. What comes without a zone is read in the workspace's zone."""

    name = "datetime"
    group = "date"
    can_be_unique = True

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return DATE_TIME

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.INSTANT)

    def coercer(self, field: FieldDefinition) -> Coerce:
        def coerce(value: Any) -> datetime | None:
            if isinstance(value, datetime):
                found = value
            else:
                text = str(value).strip()
                if not text:
                    return None
                try:
                    found = datetime.fromisoformat(text)
                except ValueError:
                    raise Refused("form.not_datetime") from None
            return found.astimezone(UTC) if found.tzinfo is not None else found

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class DurationType(FieldType):
    """A length of time in days, hours, minutes and seconds."""

    name = "duration"
    group = "date"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        return DAYS_TIME

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        return StoredColumn(storage=Storage.DURATION)

    def coercer(self, field: FieldDefinition) -> Coerce:
        def coerce(value: Any) -> timedelta | None:
            if isinstance(value, timedelta):
                return value
            text = str(value).strip()
            return parse_duration(text) if text else None

        return coerce

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "format": "duration"}


TYPES: tuple[FieldType, ...] = (DateType(), TimeType(), DateTimeType(), DurationType())
