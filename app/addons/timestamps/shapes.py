"""The shapes in which times are written in events, and where they stand in a text.

The shapes are a subset of what Splunk's datetime.xml recognises ("How timestamp assignment works", Getting Data In):
ISO 8601 with its variants, syslog, access logs, ctime, RFC 2822, numbers with slashes, dots or dashes, compact digits,
epochs. A time of day alone is no time, and a date alone is none either. Shapes that only a TIME_FORMAT reads, and not
the recognition, are marked. What a shape's named groups stand for: `Y` year, `y` year of two digits, `m` `b` month by
number and name, `d` day, `H` `M` `S` time of day, `f` `g` `h` fraction, `p` AM or PM, `z` zone, `a` weekday, `s` epoch;
`n1` to `n3` are day, month and year in an order that the text does not tell.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from app.addons.timestamps.directives import DAY_NAMES, MONTH_NAMES
from app.addons.timestamps.zones import ABBREVIATIONS

BARE_EPOCH_BEFORE = 32
"""A bare epoch that no key announces is a time only this near to the beginning: later ones are counts and numbers."""
_ZONE_WORDS = "|".join(sorted((name for name in ABBREVIATIONS if len(name) > 1), key=len, reverse=True))
_OFFSET = r"[+-](?:0\d|1[0-4]):?(?:00|15|30|45)(?!\d)"
_ZONE = (
    rf"(?:(?P<z>Z(?![A-Za-z0-9])|[+-](?:0\d|1[0-4])(?![\d:])|{_OFFSET}| ?(?:{_ZONE_WORDS})(?![A-Za-z0-9])| {_OFFSET}))?"
)
_HALF = r"(?: ?(?P<p>[AP]\.?M\b\.?))?"
_POINT = r"\.(?P<f>\d{1,9})|,(?P<h>\d{3}(?:\d{3}){0,2})(?![\d.,])"
"""A fraction behind a comma has three, six or nine digits: another number may be the next column."""
_FRACTION = rf"(?:{_POINT}|:(?P<g>\d{{3}})(?!\d))?"
_HOUR = r"(?P<H>2[0-3]|[01]?\d)"
_CLOCK = rf"{_HOUR}:(?P<M>[0-5]\d):(?P<S>60|[0-5]\d){_FRACTION}(?!\d|:\d){_HALF}{_ZONE}"
_SHORT_CLOCK = rf"{_HOUR}:(?P<M>[0-5]\d)(?::(?P<S>60|[0-5]\d){_FRACTION})?(?!\d|:\d){_HALF}{_ZONE}"
_YEAR = r"(?P<Y>19[7-9]\d|20\d\d)"
_MONTH = r"(?P<m>1[0-2]|0?[1-9])"
_DAY = r"(?P<d>3[01]|[12]\d|0?[1-9])"
_NAME = rf"(?P<b>{MONTH_NAMES})\.?"
_WEEKDAY = rf"(?:(?P<a>{DAY_NAMES}),? {{1,3}})"
_TIME_KEY = r"""["']?[,;]? {0,2}["']?time["']? ?[=:] ?["']?"""


class Reader(Enum):
    """Who reads times of a shape: the recognition and any TIME_FORMAT, or a TIME_FORMAT alone."""

    RECOGNITION = "recognition"
    FORMAT_ALONE = "format alone"


@dataclass(frozen=True)
class Shape:
    """One way of writing a time, anchored at its first character."""

    name: str
    regex: re.Pattern[str]
    reader: Reader = Reader.RECOGNITION


@dataclass(frozen=True)
class ShapeMatch:
    """A text that has the shape of a time; whether such a moment exists is not asked here."""

    shape: Shape
    found: re.Match[str]


def _shape(name: str, pattern: str, reader: Reader = Reader.RECOGNITION) -> Shape:
    return Shape(name, re.compile(pattern, re.ASCII | re.IGNORECASE), reader)


_EPOCH = r"(?P<s>1\d{9})(?:\.(?P<f>\d{1,9})|(?P<g>\d{3}|\d{6}|\d{9}))?(?![\w-])(?!\.\d)"
EPOCH = _shape("epoch", _EPOCH)
"""Seconds since 1970 of ten digits (2001 to 2033), with a fraction, or as milli-, micro- or nanoseconds."""
_COMPACT_DAY = r"(?P<m>1[0-2]|0[1-9])(?P<d>3[01]|[12]\d|0[1-9])"
_COMPACT_CLOCK = r"(?P<H>2[0-3]|[01]\d)(?P<M>[0-5]\d)(?P<S>60|[0-5]\d)"
_GAP = r"(?:[ \t]{1,3}|[:T_-]|, ?)"
_BY_DIGIT = (
    _shape("iso", rf"{_YEAR}(?P<sep>[-/.]){_MONTH}(?P=sep){_DAY}(?:{_GAP}|{_TIME_KEY}){_SHORT_CLOCK}"),
    _shape("iso with dots", rf"{_YEAR}-{_MONTH}-{_DAY}[ T-](?P<H>2[0-3]|[01]\d)\.(?P<M>[0-5]\d)\.(?P<S>60|[0-5]\d)"
           rf"(?:\.(?P<f>\d{{1,9}}))?(?![\d.]){_ZONE}", Reader.FORMAT_ALONE),
    _shape("compact", rf"(?P<Y>20\d\d){_COMPACT_DAY}(?:T|[ _-])?{_COMPACT_CLOCK}"
           rf"(?:{_POINT}|(?P<g>\d{{3}}))?(?!\d){_ZONE}(?!\w)"),
    _shape("compact date", rf"(?P<Y>20\d\d){_COMPACT_DAY}[T _-]{_CLOCK}"),
    _shape("year month day", rf"{_YEAR}(?P<sep>[-/. ]){_NAME}(?P=sep) ?{_DAY},?{_GAP}{_CLOCK}"),
    _shape("day month year", rf"{_DAY}(?P<sep>[-/. ]){_NAME}(?:(?P=sep)|, ?){_YEAR}{_GAP}{_SHORT_CLOCK}"),
    _shape("day month short year", rf"{_DAY}(?P<sep>[-/]){_NAME}(?P=sep)(?P<y>\d\d){_GAP}{_CLOCK}"),
    _shape("numbers", rf"(?P<n1>\d{{1,2}})(?P<sep>[-/.])(?P<n2>\d{{1,2}})(?P=sep)(?P<n3>19[7-9]\d|20\d\d)"
           rf"{_GAP}{_SHORT_CLOCK}"),
    _shape("short numbers", rf"(?P<n1>\d\d|\d(?=[/-]))(?P<sep>[-/.])(?P<n2>\d\d|\d(?=[/-]))(?P=sep)(?P<n3>\d\d)"
           rf"{_GAP}{_CLOCK}"),
    _shape("short compact date", rf"(?P<y>\d\d){_COMPACT_DAY} {{1,2}}{_CLOCK}"),
    _shape("short compact", rf"(?P<y>\d\d){_COMPACT_DAY} {_COMPACT_CLOCK}(?![\w.:-])", Reader.FORMAT_ALONE),
    _shape("month and day", rf"{_MONTH}/{_DAY}-{_CLOCK}", Reader.FORMAT_ALONE),
    _shape("level and day", rf"(?<=^[IWEF]){_COMPACT_DAY} {_CLOCK}", Reader.FORMAT_ALONE),
    EPOCH,
)  # fmt: skip
"""Among them Snort's `01/02-15:04:05.123456` and the log of Kubernetes (klog), `I0102 15:04:05.123456`."""
_BY_NAME = (
    _shape("syslog", rf"{_NAME} {{1,2}}{_DAY} {{1,2}}{_CLOCK}"),
    _shape("syslog with year", rf"{_NAME} {{1,2}}{_DAY},? {{1,2}}{_YEAR},?(?: {{1,2}}|:)(?:at )?{_SHORT_CLOCK}"),
    _shape("ctime", rf"{_WEEKDAY}{_NAME} {{1,2}}{_DAY} {{1,2}}{_CLOCK} {_YEAR}(?![\w:])"),
    _shape("weekday", rf"{_WEEKDAY}{_NAME} {{1,2}}{_DAY} {{1,2}}{_CLOCK}"),
    _shape("weekday with year",
           rf"{_WEEKDAY}{_NAME} {{1,2}}{_DAY},? {{1,2}}{_YEAR},?(?: {{1,2}}|:)(?:at )?{_SHORT_CLOCK}"),
    _shape("mail", rf"{_WEEKDAY}{_DAY}[ -]{_NAME}[ -]{_YEAR} {{1,3}}{_CLOCK}"),
)  # fmt: skip
_CANDIDATE = re.compile(
    rf"(?<![A-Za-z0-9_.+])(?<![A-Za-z0-9][/-])(?<!\d:)(?:(?=\d)|(?=(?:{MONTH_NAMES}|{DAY_NAMES})[., ]))"
    r"|(?<=^[IWEF])(?=\d{4} )",
    re.ASCII | re.IGNORECASE,
)
"""Where a time may begin: not within a word, a path, a version, an address; names only before a space."""

_OPENED = re.compile(r"[\s\[({<\"'@#|]*", re.ASCII)
_AFTER_KEY = re.compile(
    r"(?:time|stamp|date|epoch|created|updated|\b(?:at|ts|rt|start|end|t))[\"']?(?:=|:\s+)[\"'(\[{]{0,2}$|\baudit\($",
    re.ASCII | re.IGNORECASE,
)
"""What announces an epoch: a key that speaks of time. Splunk reads none directly behind a colon."""
_AFTER_COLON = re.compile(
    r"(?:time|stamp|date|epoch|created|updated|\b(?:at|ts|rt|start|end|t))[\"']?:[\"']?$", re.ASCII | re.IGNORECASE
)
_KEY_CHARACTERS = 48


def shape_matches(text: str, start: int, end: int, reader: Reader) -> Iterator[Sequence[ShapeMatch]]:
    """The matches at each place of `text[start:end]` where a time may begin, from the left, the longest first.

    A reader of a format alone sees all shapes. The places may overlap: whoever takes one goes on behind its end.
    """
    for place in _CANDIDATE.finditer(text, start, end):
        position = place.start()
        shapes = _BY_DIGIT if text[position].isdigit() else _BY_NAME
        matches = [
            ShapeMatch(shape, found)
            for shape in shapes
            if (shape.reader is Reader.RECOGNITION or reader is Reader.FORMAT_ALONE)
            and (found := shape.regex.match(text, position, end)) is not None
            and (shape is not EPOCH or _announced(text, start, found, reader))
        ]
        if matches:
            yield sorted(matches, key=lambda each: -each.found.end())


def _announced(text: str, start: int, found: re.Match[str], reader: Reader) -> bool:
    """Whether the digits are an epoch by what stands before: nothing, a key that speaks of time, or one short token."""
    position = found.start()
    before = text[max(start, position - _KEY_CHARACTERS) : position]
    if position - start <= BARE_EPOCH_BEFORE:
        tokens = before.split()
        bare = position == start or text[position - 1] in " \t,|[("
        if _OPENED.fullmatch(before) or (bare and len(tokens) <= 1 and not re.search(r"[=:]$", before)):
            return True
    if _AFTER_KEY.search(before):
        return True
    return reader is Reader.FORMAT_ALONE and _AFTER_COLON.search(before) is not None
