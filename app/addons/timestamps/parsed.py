"""What was read as an event's time."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ParsedTime:
    """A time found in an event: `text[start:end]` is what it was read from.

    `moment` is aware. Where the text names no zone, the zone is the one that was handed in and `zone_known` is False;
    where it names no year, the year is the last one in which the time is not later than a day after the reference.
    """

    moment: datetime
    start: int
    end: int
    zone_known: bool = True
    year_known: bool = True
