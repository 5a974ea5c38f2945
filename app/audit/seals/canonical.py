"""The canonical bytes of an audit row, encoding 1: what is sealed. Pure; the same whoever reads the row.

A row is one JSON object in UTF-8 without white space, strings escaped as RFC 8785 section 3.2.2.2 says, the members of
every object ordered by their names' code points. Members are the columns; a column that is NULL is left out, so a
nullable column may be added later without another encoding. Every value is a string: ids in lower case with hyphens,
`transaction_id` in decimal digits, `time` as whole microseconds since 1970-01-01T00:00:00Z in decimal digits. `before`
and `after` are the JSON documents themselves, their numbers exact: the digits without zeros at either end, then, unless
it is 0, `e` and the power of ten (`1200` and `1.2e3` are `12e2`, `0.50` is `5e-1`, any zero is `0`). A document nested
deeper than 200 levels is the member `before_text` or `after_text` instead, PostgreSQL's text of it as a string.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson

ENCODING = 1

COLUMNS = (
    "action",
    "actor_id",
    "actor_kind",
    "actor_label",
    "after",
    "before",
    "client_address",
    "correlation_id",
    "entity_id",
    "entity_label",
    "entity_type",
    "id",
    "outcome",
    "time",
    "trace_id",
    "transaction_id",
    "verb",
)
"""In the order in which `encode` takes their values."""

MAX_DEPTH = 200
_DOCUMENTS = frozenset({"before", "after"})
_SORTED = orjson.OPT_SORT_KEYS


def encode(values: Sequence[str | None]) -> bytes:
    """The canonical bytes of a row.

    Args:
        values: texts in the order of `COLUMNS`: `time` in microseconds, `before` and `after` as JSON in any spelling.
    """
    record: dict[str, Any] = {}
    for name, value in zip(COLUMNS, values, strict=True):
        if value is None:
            continue
        if name in _DOCUMENTS:
            document = _document(value)
            if document is None:
                record[name + "_text"] = value
                continue
            record[name] = document
        else:
            record[name] = value
    return orjson.dumps(record, option=_SORTED)


def number(literal: str) -> str:
    """The canonical spelling of a JSON number, exact."""
    sign, digits, exponent = Decimal(literal).as_tuple()
    assert isinstance(exponent, int)  # JSON knows no infinities
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    if not kept:
        return "0"
    exponent += len(text) - len(kept)
    return f"{'-' if sign else ''}{kept}{f'e{exponent}' if exponent else ''}"


def _number(literal: str) -> orjson.Fragment:
    return orjson.Fragment(number(literal).encode())


def _document(text: str) -> orjson.Fragment | None:
    """The document in canonical bytes; None when it is nested too deeply."""
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        return None
    parsed = json.loads(text, parse_int=_number, parse_float=_number)
    return orjson.Fragment(orjson.dumps(parsed, option=_SORTED))


def _depth(text: str) -> int:
    deepest = depth = 0
    in_string = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif in_string:
            escaped = character == "\\"
            in_string = character != '"'
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest
