"""Sketches of the values of a column, small and the same for equal values wherever they come from. Pure.

Two columns whose sketches overlap hold the same values: the evidence for a rename that no catalog records. A bottom-k
sketch keeps the smallest hashes of the distinct values (Bar-Yossef et al. 2002, "Counting distinct elements in a data
stream"): the sketch of two parts together is made of the sketches of the parts.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from hashlib import blake2b
from heapq import nsmallest
from typing import Any

import msgspec

SKETCH_SIZE = 64
"""Hashes that a sketch keeps: the overlap of two columns is known to about an eighth (one by the root of the size)."""

HASH_BYTES = 8
"""A profile keeps hashes of 64 bits: among a million distinct values two that are equal come once in 30 million."""

LONGEST_NUMBER = 4000
"""Bits of an integer that is written in decimals: a longer one would take long, and is no value of any column."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,100})?(?:[eE][+-]?[0-9]{1,3})?")
_TIMED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:.*")
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted", enc_hook=str)


def canonical_text(value: Any) -> str:
    """The text that equal values share, in whatever type they come: `1`, `1.0` and `"1"` are one value.

    An instant is written in UTC; a document with its names in order. The value is no null.
    """
    match value:
        case bool():
            text = "true" if value else "false"
        case int() | float() | Decimal():
            text = _number(value)
        case str():
            text = _text(value)
        case datetime():
            text = _instant(value)
        case date() | time():
            text = value.isoformat()
        case bytes():
            text = "\\x" + value.hex()
        case dict() | list():
            text = _document(value)
        case _:
            text = str(value)
    return text


def _instant(value: datetime) -> str:
    try:
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    except OverflowError:  # before year 1 or after year 9999 in UTC
        return value.isoformat()


def _number(value: float | Decimal) -> str:
    """The digits without zeros at the end, and their exponent: `1e3` of 1000."""
    if isinstance(value, int):
        if value.bit_length() > LONGEST_NUMBER:
            return hex(value)
        written = str(value)
        whole = written.rstrip("0")
        return f"{whole}e{len(written) - len(whole)}" if value else "0e0"
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if not number.is_finite():
        return str(number)
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).rstrip("0")
    return f"{'-' if sign else ''}{text}e{exponent + len(digits) - len(text)}" if text else "0e0"


def _text(text: str) -> str:
    """The text, or what the number or instant is that stands in it."""
    if _NUMBER.fullmatch(text) is not None:
        return _number(Decimal(text))
    if _TIMED.fullmatch(text) is not None:
        try:
            return _instant(msgspec.convert(text, type=datetime))
        except msgspec.ValidationError:
            pass
    return text


def _document(value: Any) -> str:
    try:
        return _ENCODER.encode(value).decode()
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return repr(value)


def value_hash(value: Any) -> int:
    """The hash of a value, 64 bits: the same for equal values on every machine and in every version of Python."""
    text = canonical_text(value).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=HASH_BYTES).digest(), "big")


def sketch_of(values: Iterable[Any], before: frozenset[int] = frozenset()) -> frozenset[int]:
    """The sketch of some values, of which none is null, and of those that a sketch was made of before."""
    return frozenset(nsmallest(SKETCH_SIZE, before.union(map(value_hash, values))))
