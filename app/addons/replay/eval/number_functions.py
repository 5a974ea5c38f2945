"""Functions of eval on numbers and times; what does not fit gives null (Search reference, "Evaluation functions")."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from app.addons.replay.eval.values import Value, as_number, as_text, as_texts
from app.addons.timestamps.time_format import TimeFormatError, compile_time_format

MAX_DECIMALS = 15
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BASES = range(2, 37)
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def of_number(function: Callable[[float], float]) -> Callable[..., Value]:
    """The function of one argument that is null where the argument is no number or the result none."""

    def applied(value: Value) -> Value:
        number = as_number(value)
        if number is None:
            return None
        try:
            return float(function(number))
        except (ValueError, OverflowError):
            return None

    return applied


def rounded(value: Value, decimals: Value = None) -> Value:
    """The number to so many decimals, by default none; halves away from zero."""
    number, places = as_number(value), as_number(decimals)
    if number is None:
        return None
    scale = 10.0 ** max(-MAX_DECIMALS, min(MAX_DECIMALS, int(places or 0)))
    scaled = number * scale
    return math.copysign(math.floor(abs(scaled) + 0.5), scaled) / scale if math.isfinite(scaled) else number


def power(value: Value, exponent: Value) -> Value:
    """The number to that power."""
    base, times = as_number(value), as_number(exponent)
    if base is None or times is None:
        return None
    try:
        return math.pow(base, times)
    except (ValueError, OverflowError):
        return None


def tonumber(value: Value, base: Value = None) -> Value:
    """The number that the text says, in that base where given; null where the text is none."""
    wanted = as_number(base)
    if wanted is None:
        return as_number(value)
    text = as_text(value)
    if text is None or int(wanted) not in _BASES or len(text) > 64:  # noqa: PLR2004 - longer is no number of a log
        return None
    try:
        return float(int(text, int(wanted)))
    except ValueError:
        return None


def tostring(value: Value, form: Value = None) -> Value:
    """The value as text: as it is, or a number as `hex`, with `commas`, or as a `duration`."""
    kind, number = as_text(form), as_number(value)
    if kind is None or number is None:
        return as_text(value)
    if kind == "hex":
        return f"0x{int(number):X}"
    if kind == "commas":
        return f"{number:,.2f}" if not number.is_integer() else f"{int(number):,}"
    if kind == "duration":
        days, rest = divmod(int(number), _DAY)
        clock = f"{rest // _HOUR:02d}:{rest % _HOUR // _MINUTE:02d}:{rest % _MINUTE:02d}"
        return f"{days}+{clock}" if days else clock
    return None


def extreme(choose: Callable[..., float], choose_text: Callable[..., str]) -> Callable[..., Value]:
    """The least or greatest of numbers; where a text is among them, texts are greater than numbers."""

    def applied(*values: Value) -> Value:
        given = [value for value in values if value is not None]
        numbers = [number for number in map(as_number, given) if number is not None]
        texts = [text for value in given if as_number(value) is None for text in as_texts(value)]
        if texts and (not numbers or choose is max):
            return choose_text(texts)
        return choose(numbers) if numbers else None

    return applied


def strptime(value: Value, form: Value) -> Value:
    """Seconds since 1970 of the time that the text says in that format; null where the text does not fit."""
    text, pattern = as_text(value), as_text(form)
    if text is None or not pattern:
        return None
    try:
        found = compile_time_format(pattern).match(text, 0, _EPOCH + timedelta(days=365 * 56), UTC)
    except TimeFormatError:
        return None
    return None if found is None else (found.moment - _EPOCH).total_seconds()


def strftime(value: Value, form: Value) -> Value:
    """The time as text in UTC; `%N`, `%3N`, `%6N`, `%Q` and `%s` as Splunk has them."""
    seconds, pattern = as_number(value), as_text(form)
    if seconds is None or pattern is None:
        return None
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
        fraction = f"{moment.microsecond:06d}"
        for mark, digits in (("%3N", 3), ("%6N", 6), ("%9N", 9), ("%3Q", 3), ("%6Q", 6), ("%Q", 3), ("%N", 9)):
            pattern = pattern.replace(mark, f"{fraction:0<9}"[:digits])
        return moment.strftime(pattern.replace("%s", str(math.floor(seconds))))
    except (ValueError, OverflowError):
        return None
