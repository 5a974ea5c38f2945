"""Values of eval expressions: null, text, number, truth and several texts, and how one becomes another."""

import math
import re

Value = None | str | float | bool | tuple[str, ...]
_NUMBER = re.compile(r"\s*[+-]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][+-]?\d{1,3})?\s*\Z", re.ASCII)
MAX_TEXT_CHARACTERS = 100_000
"""A text that an expression makes is cut there: `replace` and `.` could double a text again and again."""
_WHOLE = 1e15
"""Beyond, a float holds no exact whole numbers."""


def as_number(value: Value) -> float | None:
    """The number, or that which the text says; None for what is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float | int):
        return float(value)
    text = _one(value)
    if text is None or not _NUMBER.match(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def as_text(value: Value) -> str | None:
    """The text; numbers without needless decimals, truth as True and False, None for null and for several values."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float | int):
        return number_text(float(value))
    text = _one(value)
    return None if text is None else text[:MAX_TEXT_CHARACTERS]


def as_texts(value: Value) -> tuple[str, ...]:
    """All values as texts; none for null."""
    if isinstance(value, tuple):
        return value
    text = as_text(value)
    return () if text is None else (text,)


def from_texts(texts: tuple[str, ...]) -> Value:
    """The value of a field: null, one text, or several."""
    if not texts:
        return None
    return texts[0] if len(texts) == 1 else texts


def number_text(number: float) -> str:
    """The number as Splunk writes it: 3 and not 3.0."""
    if not math.isfinite(number):
        return ""
    return str(int(number)) if number.is_integer() and abs(number) < _WHOLE else repr(number)


def _one(value: str | tuple[str, ...] | None) -> str | None:
    if isinstance(value, tuple):
        return value[0] if len(value) == 1 else None
    return value
