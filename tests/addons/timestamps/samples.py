"""Random times and the formats that hold all of them, for the property tests."""

from datetime import UTC, datetime

from hypothesis import strategies as st

REFERENCE = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def moments() -> st.SearchStrategy[datetime]:
    """Moments of UTC in milliseconds, in the years that two digits tell apart."""
    return st.datetimes(datetime(1970, 1, 2), datetime(2037, 12, 31)).map(  # noqa: DTZ001 - made aware here
        lambda each: each.replace(tzinfo=UTC, microsecond=each.microsecond // 1000 * 1000)
    )


def written(moment: datetime, directive: str) -> str:
    """What the directive writes of the moment, in English whatever the machine's locale is."""
    hour = moment.hour % 12 or 12
    own = {
        "b": MONTHS[moment.month - 1],
        "a": DAYS[moment.weekday()],
        "e": f"{moment.day:>2}",
        "k": f"{moment.hour:>2}",
        "I": f"{hour:02}",
        "l": f"{hour:>2}",
        "p": "PM" if moment.hour >= 12 else "AM",
        "Y": f"{moment.year:04}",
        "s": str(int(moment.timestamp())),
        "3N": f"{moment.microsecond // 1000:03}",
        "6N": f"{moment.microsecond:06}",
        "9N": f"{moment.microsecond * 1000:09}",
        "Q": f"{moment.microsecond // 1000:03}",
        "f": f"{moment.microsecond:06}",
        "z": "+0000",
        ":z": "+00:00",
        "Z": "UTC",
    }
    return own.get(directive) or moment.strftime(f"%{directive}")
