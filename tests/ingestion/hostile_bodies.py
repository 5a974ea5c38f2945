"""Bodies that cost far more than their bytes wherever work is done on them all at once, by the contract they are for.

Sizes are such that each of them held up the loop for longer than is allowed, before it was read in turns. The dearest
are as short as that needs; `SPYNE_TEST_LONG_BODIES` lets them be as long as what was met first.
"""

import gzip
import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import zstandard

from tests.ingestion.steps import COLUMNS, JSON, NDJSON

LONG = "SPYNE_TEST_LONG_BODIES" in os.environ
AT = "2026-01-01T00:00:00Z"
ROW = f'{{"id":1,"at":"{AT}"}}'
WIDE = [f"c{number}" for number in range(990)]

DOCUMENTS: list[dict[str, Any]] = [
    {"name": "id", "type": "bigint"},
    {"name": "at", "type": "timestamptz"},
    {"name": "doc", "type": "jsonb"},
    {"name": "n", "type": "numeric"},
    {"name": "b", "type": "bytea"},
    {"name": "t", "type": "text", "checks": [{"type": "pattern", "value": "^(a|aa)+$"}]},
]
MANY = [*COLUMNS, *({"name": name, "type": "text"} for name in WIDE)]

CONTRACTS: dict[str, dict[str, Any]] = {
    "narrow": {},
    "discarding": {"unknown_columns": "discard_value"},
    "wide": {"unknown_columns": "discard_value", "columns": MANY},
    "documents": {"columns": DOCUMENTS},
    "undeclared": {"declared": False},
}


@dataclass(frozen=True)
class Hostile:
    """A body, what it says it is, and the contract it is sent to."""

    contract: str
    name: str
    make: Callable[[], str | bytes]
    media: str = NDJSON
    coding: str = "identity"

    @property
    def body(self) -> bytes:
        """The bytes that are sent."""
        return encoded(self.make())


def sized(short: int, long: int) -> int:
    """How often something is repeated in a body, which this run has short or long."""
    return long if LONG else short


def encoded(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body


def lines(line: str, times: int) -> Callable[[], bytes]:
    return lambda: f"{line}\n".encode() * times


def row(inner: Callable[[], str]) -> Callable[[], str]:
    """A row that is sound but for what is put into it."""
    return lambda: f'{{"id":1,"at":"{AT}",{inner()}}}\n'


def names(count: int, value: str = "1") -> str:
    return ",".join(f'"u{number}":{value}' for number in range(count))


def bomb() -> bytes:
    pump = zlib.compressobj(wbits=31)
    return b"".join(pump.compress(b"\0" * (1 << 20)) for _ in range(100)) + pump.flush()


OF_JSON = [
    Hostile("narrow", "empty objects", lines("{}", 12_000)),
    Hostile("narrow", "letters", lines("x", 12_000)),
    Hostile("narrow", "blank lines", lines("", 1_000_000)),
    Hostile("narrow", "numbers", lines("1", 12_000)),
    Hostile("narrow", "no event time", lines('{"id":1}', 8_000)),
    Hostile("narrow", "unknown fields", row(lambda: names(30_000))),
    Hostile("narrow", "one field again and again", row(lambda: ",".join(['"id":1'] * 60_000))),
    Hostile("narrow", "integers with a point", lines(f'{{"id":1.0,"at":"{AT}"}}', 8_000)),
    Hostile("narrow", "numbers beyond all", lines(f'{{"id":1e99999999999999999999,"at":"{AT}"}}', 8_000)),
    Hostile("narrow", "a million digits", row(lambda: f'"v":{"9" * 1_000_000}')),
    Hostile("narrow", "nested deeply", lambda: b"[" * 500_000),
    Hostile("narrow", "a text without an end", lambda: b'{"id":1,"at":"' + b"\\n" * 2_000_000),
    Hostile("narrow", "no UTF-8", lambda: f'{{"id":1,"at":"{AT}\xff"}}\n'.encode("latin-1") * 10_000),
    Hostile("narrow", "lone surrogates", lines(f'{{"id":1,"at":"{AT}","v":"\\ud800"}}', 8_000)),
    Hostile("narrow", "beyond the longest row", lambda: b"x" * (9 << 20)),
    Hostile("discarding", "many fields, the last one twice", row(lambda: names(40_000) + ',"u39999":1')),
    Hostile("discarding", "rows with a field twice", lines(f"{ROW[:-1]},{names(1_500)},{names(1)}}}", 50)),
    Hostile("discarding", "unknown fields", lines(f"{ROW[:-1]},{names(1_500)}}}", 50)),
    Hostile("discarding", "a large unknown document", row(lambda: f'"u":{{{names(250_000)}}}')),
    Hostile("discarding", "half a million unknown fields", row(lambda: names(500_000))),
    Hostile("wide", "sound and short", lambda: "".join(f'{{"id":{n},"at":"{AT}"}}\n' for n in range(500))),
    Hostile("wide", "empty objects", lines("{}", 8_000)),
    Hostile("wide", "unknown fields", row(lambda: names(20_000))),
    Hostile("wide", "columns backwards", row(lambda: ",".join(f'"{name}":""' for name in reversed(WIDE)))),
    Hostile("documents", "long numbers", row(lambda: f'"doc":[{",".join(["9" * 999] * 2_000)}]')),
    Hostile("documents", "large exponents", row(lambda: f'"doc":[1e9999,{",".join(["1"] * 500_000)}]')),
    Hostile("documents", "empty lists", row(lambda: f'"doc":[{",".join(["[]"] * 500_000)}]')),
    Hostile("documents", "NUL", lines(f'{{"id":1,"at":"{AT}","doc":"\\u0000"}}', 8_000)),
    Hostile("documents", "fields in a document", row(lambda: f'"doc":{{{names(200_000)}}},"n":1,"n":2')),
    Hostile("documents", "digits with a line", lines(f'{{"id":1,"at":"{AT}","n":"1_000"}}', 8_000)),
    Hostile("documents", "a million digits", row(lambda: f'"n":{"9" * 1_000_000}')),
    Hostile("documents", "no base64", row(lambda: f'"b":"{"?" * 1_000_000}"')),
    Hostile("documents", "no match", lines(f'{{"id":1,"at":"{AT}","t":"{"a" * 9_000}b"}}', 200)),
    Hostile("documents", "escapes", row(lambda: f'"t":"{chr(92)}u0001{(chr(92) + "u0001") * 300_000}"')),
    Hostile("narrow", "an array of numbers", lambda: b"[" + b"1," * 12_000 + b"1]", JSON),
    Hostile("narrow", "an array of arrays", lambda: b"[" + b"[]," * 12_000 + b"[]]", JSON),
    Hostile("narrow", "an array of empty objects", lambda: b"[" + b"{}," * 12_000 + b"{}]", JSON),
    Hostile("narrow", "an array in arrays", lambda: b"[" * 1_000_000, JSON),
    Hostile("narrow", "brackets of one element", lambda: b"[[" + b"[]," * sized(250_000, 700_000) + b"[]]]", JSON),
    Hostile("narrow", "an array without an end", lambda: b'["' + b"\\n" * 1_500_000, JSON),
    Hostile("narrow", "commas", lambda: b"[" + b"," * 1_000_000, JSON),
    Hostile("narrow", "the ends of rows in a text", lambda: b'[{"id":"' + b"},{" * 500_000, JSON),
    Hostile("discarding", "an element with many fields", lambda: f"[{ROW[:-1]},{names(100_000)}}}]", JSON),
    Hostile("narrow", "a bomb", bomb, NDJSON, "gzip"),
    Hostile("narrow", "members without content", lambda: gzip.compress(b"") * 20_000, NDJSON, "gzip"),
    Hostile("narrow", "frames without content", lambda: zstandard.compress(b"") * 50_000, NDJSON, "zstd"),
    Hostile(
        "narrow", "a dense frame", lambda: zstandard.compress(b"\n" * sized(8_000_000, 20_000_000)), NDJSON, "zstd"
    ),
    Hostile("undeclared", "a name for each row", lambda: "".join(f'{{"u{n}":1}}\n' for n in range(30_000))),
    Hostile("undeclared", "a row of names", lambda: f"{{{names(60_000)}}}\n"),
    Hostile("undeclared", "empty objects", lines("{}", 20_000)),
    Hostile("undeclared", "an array of numbers", lambda: b"[" + b"1," * 50_000 + b"1]", JSON),
]


def _register(schema: str) -> str:
    return f'{{"endpoint":"/api/v1/x","table_name":"x","schema":{{"columns":{schema}}}}}'


DOCUMENTS_OF_OTHERS: dict[str, Callable[[], str | bytes]] = {
    "members": lambda: f"{{{names(70_000)}}}",
    "members, as many as are taken": lambda: f"{{{names(19_000)}}}",
    "wrong columns": lambda: _register(json.dumps([{"name": n, "u": 1} for n in range(6_000)])),
    "numbers": lambda: _register(f"[{','.join(['1'] * 400_000)}]"),
    "as many numbers as are taken": lambda: _register(f"[{','.join(['1'] * 19_000)}]"),
    "nested deeply": lambda: b"[" * 900_000,
    "empty lists": lambda: b"[" + b"[]," * 300_000 + b"[]]",
    "a text": lambda: _register(f'"{"x" * 900_000}"'),
    "escapes": lambda: _register(f'"{(chr(92) + "n") * 450_000}"'),
    "a name twice": lambda: f'{{{names(19_000)},"u0":1}}',
    "a long number": lambda: _register("9" * 900_000),
}
"""Of an operation that takes JSON of up to a megabyte."""
