"""Days counted by calendar units: the first day of a month, a day so many months on, moments of midnights. Pure."""

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"), ("february", "feb"), ("march", "mar"), ("april", "apr"), ("may",), ("june", "jun"),
            ("july", "jul"), ("august", "aug"), ("september", "sep", "sept"), ("october", "oct"),
            ("november", "nov"), ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}  # fmt: skip
MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAY_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNITS: Final = ("day", "week", "month", "quarter", "year")


def start_of(day: date, unit: str) -> date:
    """The first day of the day's week (a Monday), month, quarter or year; the day itself of a day."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return date(day.year, 1, 1) if unit == "year" else day


first_of = start_of


def shifted(day: date, unit: str, count: int) -> date:
    """The day so many units later; the last day of a month where the month is too short, as PostgreSQL has it."""
    if unit in {"day", "week"}:
        return day + timedelta(days=count * (7 if unit == "week" else 1))
    months = {"month": 1, "quarter": 3, "year": 12}[unit] * count
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which the day begins in the zone, with the offset that is in force then."""
    return datetime.combine(day, time.min, tzinfo=zone)
