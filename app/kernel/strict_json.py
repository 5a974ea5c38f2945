"""JSON as the service accepts it: RFC 8259 without its loopholes.

Refused, each with its place: duplicate keys, NaN and Infinity, NUL and lone surrogates in text (PostgreSQL cannot
hold them), integers of absurd length, nesting deeper than 64, invalid UTF-8.
"""

import json
from typing import Any

MAX_DEPTH = 64
"""Deeper documents have no use here and cost stack; orjson and PostgreSQL's jsonb refuse far deeper ones too."""

MAX_DIGITS = 100
"""Longest integer literal: no field of a request holds a longer one, and Python itself refuses above 4,300."""


class InvalidJsonError(ValueError):
    """The text is not JSON as the service accepts it."""


def loads(body: bytes) -> Any:
    """The document. Raises `InvalidJsonError` which says why."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJsonError(f"not UTF-8 at byte {error.start}") from error
    _check_depth(text)
    try:
        document = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_bounded_int, parse_float=_finite
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


def _check_depth(text: str) -> None:  # noqa: C901 - one scan, one small state machine
    depth = 0
    in_string = escaped = False
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidJsonError(f"nested deeper than {MAX_DEPTH} levels")
        elif character in "]}":
            depth -= 1


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


def _finite(literal: str) -> float:
    value = float(literal)
    if value in (float("inf"), float("-inf")):
        raise InvalidJsonError("a number is beyond the range of double precision")
    return value


def _bounded_int(literal: str) -> int:
    if len(literal) > MAX_DIGITS:
        raise InvalidJsonError(f"an integer has more than {MAX_DIGITS} digits")
    return int(literal)
