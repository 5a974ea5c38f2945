"""JSON as the service accepts it: RFC 8259 without its loopholes.

Refused, each with its place: duplicate keys, NaN and Infinity, NUL and lone surrogates in text (PostgreSQL cannot
hold them), integers of absurd length, nesting deeper than 64, more than 20,000 values, invalid UTF-8.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

MAX_DEPTH = 64
"""Deeper documents have no use here and cost stack; orjson and PostgreSQL's jsonb refuse far deeper ones too."""

MAX_DIGITS = 100
"""Longest integer literal: no field of a request holds a longer one, and Python itself refuses above 4,300."""

MAX_VALUES = 20_000
"""Most members and elements of a document: a contract of a thousand columns has about ten thousand. Each that is wrong
becomes a fault of the answer, so they cost far more than their bytes."""

LONG_BYTES = 1 << 16
"""A longer text is read in a thread by whoever has an event loop to keep free: it takes some 10 ms and more."""

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)


class InvalidJsonError(ValueError):
    """The text is not JSON as the service accepts it."""


def _finite(literal: str) -> float:
    value = float(literal)
    if value in (float("inf"), float("-inf")):
        raise InvalidJsonError("a number is beyond the range of double precision")
    return value


def loads(body: bytes, real: Callable[[str], Any] = _finite) -> Any:
    """The document. Raises `InvalidJsonError` which says why.

    Args:
        body: JSON in UTF-8.
        real: makes a value of a number with a fraction or an exponent: a float, or with `exact` what was written.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJsonError(f"not UTF-8 at byte {error.start}") from error
    _check_size(text)
    try:
        document = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_bounded_int, parse_float=real
        )
    except json.JSONDecodeError as error:
        raise InvalidJsonError(f"{error.msg} at line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise InvalidJsonError("nested too deeply") from error
    if isinstance(document, str):
        _check_text(document)
    elif isinstance(document, list):
        _check_items(document)
    return document


def _check_size(text: str) -> None:
    """Return when the text is neither nested too deeply nor made of too many values. One pass, when one is needed."""
    if text.count("[") + text.count("{") <= MAX_DEPTH and text.count(",") < MAX_VALUES:
        return
    depth = commas = 0
    for found in _TOKEN.finditer(text):
        mark = text[found.start()]
        if mark == ",":
            commas += 1
        elif mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise InvalidJsonError(f"nested deeper than {MAX_DEPTH} levels")
        if commas >= MAX_VALUES:
            raise InvalidJsonError(f"more than {MAX_VALUES} values")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        _check_text(key)
        if key in found:
            raise InvalidJsonError(f"the key {key!r} occurs twice in one object")
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, list):
            _check_items(value)
        found[key] = value
    return found


def _check_items(items: list[Any]) -> None:
    for item in items:
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, list):
            _check_items(item)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise InvalidJsonError("text holds the character NUL")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidJsonError("text holds a lone surrogate") from error


def _no_constant(name: str) -> Any:
    raise InvalidJsonError(f"{name} is not JSON")


def exact(literal: str) -> Decimal:
    """The number with every digit, when it is within the range of doubles. Raises `InvalidJsonError`."""
    _finite(literal)
    return Decimal(literal)


def _bounded_int(literal: str) -> int:
    if len(literal) > MAX_DIGITS:
        raise InvalidJsonError(f"an integer has more than {MAX_DIGITS} digits")
    return int(literal)
