"""The directives of TIME_FORMAT: what each one reads, and which part of the time that is.

The list is Splunk's "Date and time format variables" (Search Reference), so far as a variable can be read from text;
the widths are POSIX's strptime: leading zeros are accepted but not required.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Part(Enum):
    """A part of a time; a format that names one part twice contradicts itself. IGNORED parts are read and dropped."""

    YEAR = "the year"
    SHORT_YEAR = "the year of two digits"
    CENTURY = "the century"
    MONTH = "the month"
    MONTH_NAME = "the name of the month"
    DAY = "the day of the month"
    DAY_OF_YEAR = "the day of the year"
    HOUR = "the hour of 24"
    HALF_HOUR = "the hour of 12"
    MINUTE = "the minute"
    SECOND = "the second"
    FRACTION = "the fraction of the second"
    HALF = "AM or PM"
    EPOCH = "the seconds since 1970"
    ZONE = "the zone"
    ZONE_MINUTES = "the zone in minutes"
    IGNORED = "a part that the time does not need"


@dataclass(frozen=True)
class Directive:
    """One directive as a piece of a regular expression. `fixed` is its pattern beside another run of digits.

    `longest` is the greatest number of characters that are read of usual text.
    """

    part: Part
    pattern: str
    longest: int
    fixed: str = ""


MONTHS: Mapping[str, int] = MappingProxyType(
    {
        name: number
        for number, names in enumerate(
            (
                ("jan", "january"), ("feb", "february"), ("mar", "march"), ("apr", "april"), ("may",),
                ("jun", "june"), ("jul", "july"), ("aug", "august"), ("sep", "sept", "september"),
                ("oct", "october"), ("nov", "november"), ("dec", "december"),
            ),
            start=1,
        )
        for name in names
    }
)  # fmt: skip
"""Months by their English names in lower case: Splunk reads names by the locale of its server, mostly English."""
MONTH_NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))
DAY_NAMES = "(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
OFFSET = r"[+-](?:0\d|1[0-4])(?::?[0-5]\d)?"
ZONE_NAME = r"(?:(?:utc|gmt)[+-]\d{1,2}(?::?\d\d)?|[a-z]{3,14}(?:/[a-z0-9_+-]{2,20}){1,2}|[a-z]{1,5})"

_DAY = Directive(Part.DAY, r" ?(?:3[01]|[12]\d|0[1-9]|[1-9])", 2, r"(?:3[01]|[12]\d|0[1-9])")
_HOUR = Directive(Part.HOUR, r"(?:2[0-3]|[01]\d|\d)", 2, r"(?:2[0-3]|[01]\d)")
_HALF_HOUR = Directive(Part.HALF_HOUR, r"(?:1[0-2]|0\d|[1-9])", 2, r"(?:1[0-2]|0\d)")
_MONTH_NAME = Directive(Part.MONTH_NAME, f"(?:{MONTH_NAMES})", 9)
_DAY_NAME = Directive(Part.IGNORED, DAY_NAMES, 9)
_WEEK = Directive(Part.IGNORED, r"[0-5]?\d", 2, r"[0-5]\d")
_WEEKDAY = Directive(Part.IGNORED, r"[0-7]", 1, r"[0-7]")


def _spaced(plain: Directive) -> Directive:
    """The same with a space in the place of a leading zero, also beside other digits."""
    return Directive(plain.part, f" ?{plain.pattern}", plain.longest, f"(?: \\d|{plain.fixed})")


def _fraction(digits: int) -> Directive:
    """A fraction of a second. All digits that stand there are read, fewer or more than asked for, at most twelve.

    Only where another number follows directly does the number of digits count.
    """
    return Directive(Part.FRACTION, r"\d{1,12}", max(digits, 9), rf"\d{{{digits}}}")


DIRECTIVES: Mapping[str, Directive] = MappingProxyType(
    {
        "Y": Directive(Part.YEAR, r"\d{4}", 4),
        "y": Directive(Part.SHORT_YEAR, r"\d{2}", 2),
        "C": Directive(Part.CENTURY, r"\d{2}", 2),
        "m": Directive(Part.MONTH, r" ?(?:1[0-2]|0[1-9]|[1-9])", 2, r"(?:1[0-2]|0[1-9])"),
        "b": _MONTH_NAME,
        "B": _MONTH_NAME,
        "h": _MONTH_NAME,
        "d": _DAY,
        "e": _spaced(_DAY),
        "j": Directive(Part.DAY_OF_YEAR, r"\d{1,3}", 3, r"\d{3}"),
        "H": _HOUR,
        "k": _spaced(_HOUR),
        "I": _HALF_HOUR,
        "l": _spaced(_HALF_HOUR),
        "M": Directive(Part.MINUTE, r"[0-5]?\d", 2, r"[0-5]\d"),
        "S": Directive(Part.SECOND, r"(?:60|[0-5]?\d)", 2, r"(?:60|[0-5]\d)"),
        "p": Directive(Part.HALF, r"[ap]\.?m\.?", 4),
        "a": _DAY_NAME,
        "A": _DAY_NAME,
        "w": _WEEKDAY,
        "u": _WEEKDAY,
        "U": _WEEK,
        "V": _WEEK,
        "W": _WEEK,
        "g": Directive(Part.IGNORED, r"\d{2}", 2),
        "G": Directive(Part.IGNORED, r"\d{4}", 4),
        "s": Directive(Part.EPOCH, r"\d{1,10}", 10, r"\d{10}"),
        "N": _fraction(9),
        "Q": _fraction(3),
        "f": _fraction(6),
        **{f"{digits}{letter}": _fraction(digits) for digits in (3, 6, 9) for letter in "NQ"},
        "z": Directive(Part.ZONE, f"(?:z|{OFFSET})", 6),
        ":z": Directive(Part.ZONE, f"(?:z|{OFFSET})", 6),
        "::z": Directive(Part.ZONE, rf"(?:z|{OFFSET}(?::?[0-5]\d)?)", 9),
        ":::z": Directive(Part.ZONE, r"(?:z|[+-](?:0\d|1[0-4]))", 3),
        "Z": Directive(Part.ZONE, f"(?:{OFFSET}|{ZONE_NAME})", 6),
        "Ez": Directive(Part.ZONE_MINUTES, r"[+-]?\d{1,3}", 4),
    }
)
"""By what stands behind the percent sign. `%f` is listed as microseconds; `%N` alone is `%9N`, `%Q` alone is `%3Q`.

`%s` reads ten digits at most: of epoch milliseconds it leaves the rest, which `%s%3N` reads. `%Z` reads an offset too.
"""
COMPOSED: Mapping[str, str] = MappingProxyType(
    {
        "T": "%H:%M:%S",
        "X": "%H:%M:%S",
        "R": "%H:%M",
        "r": "%I:%M:%S %p",
        "F": "%Y-%m-%d",
        "D": "%m/%d/%y",
        "x": "%m/%d/%Y",
        "c": "%a %b %e %H:%M:%S %Y",
        "+": "%a %b %e %H:%M:%S %Z %Y",
        "n": "\n",
        "t": "\t",
    }
)
"""Directives that stand for several; %c, %x, %X and %+ in the English locale, as Splunk's documentation shows them."""
