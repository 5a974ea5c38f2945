"""What the decoder alone takes for sound rows of NDJSON and JSON, by what the rows are made of.

usage: python -m benchmarks.decoding [--rows N] [--rounds N]

Prints microseconds per row, the best of the rounds; no database, no HTTP. To compare two versions, run each in turns.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from app.ingestion.decoding.body import BodyFormat, Representation
from app.ingestion.decoding.inflate import Coding
from app.ingestion.rows.row_model import RowModel
from app.warehouse.naming import governed_relation
from app.warehouse.plan import Column, Mode, RelationPlan, Resolution
from app.warehouse.types import parse_type

PIECE = 1 << 16
"""Bytes that a server hands over at once."""

Kind = tuple[dict[str, str], dict[str, Any]]
KINDS: dict[str, Kind] = {
    "plain": ({"name": "text", "n": "integer", "ok": "boolean"}, {"name": "some text", "n": 17, "ok": True}),
    "decimals": ({"name": "text", "amount": "numeric(12,2)"}, {"name": "some text", "amount": 123.45}),
    "decimals as text": ({"name": "text", "amount": "numeric(12,2)"}, {"name": "some text", "amount": "123.45"}),
    "doubles": ({"x": "double precision", "y": "double precision"}, {"x": 13.37654321, "y": 52.12345678}),
    "documents": ({"doc": "jsonb", "name": "text"}, {"doc": {"a": [1, 2], "b": {"c": "x"}}, "name": "some text"}),
    "escapes": ({"name": "text", "amount": "numeric"}, {"name": 'a "quoted"\ntext', "amount": 1}),
    "absent": ({f"c{n}": "text" for n in range(20)}, {"c3": "x"}),
}
"""Types of columns beside a key and an event time, and the values of a row."""


def plan_of(types: dict[str, str]) -> RelationPlan:
    """A contract of these columns, with a key and times."""
    columns = {"id": "bigint", "at": "timestamptz", **types, "got": "timestamptz"}
    return RelationPlan(
        governed_relation("rows", 1),
        tuple(Column(name, parse_type(text)) for name, text in columns.items()),
        ("id",),
        "at",
        "got",
        Mode.UPSERT,
        Resolution.LATEST_WINS,
        timedelta(hours=1),
    )


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]


async def _seconds(body: bytes, form: BodyFormat, plan: RelationPlan, rows: int) -> float:
    begin, accepted = time.process_time(), 0
    async for chunk in Representation(form, Coding.IDENTITY).chunks(_pieces(body), RowModel(plan)):
        accepted += chunk.accepted
    assert accepted == rows
    return time.process_time() - begin


def main() -> None:
    """Measure every kind in both formats."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for kind, (types, values) in KINDS.items():
        plan = plan_of(types)
        texts = [
            json.dumps({"id": n, "at": f"2026-01-01T00:00:{n % 60:02}.123456Z"} | values) for n in range(options.rows)
        ]
        bodies = {BodyFormat.NDJSON: "\n".join(texts).encode(), BodyFormat.JSON: f"[{','.join(texts)}]".encode()}
        for form, body in bodies.items():
            rounds = [asyncio.run(_seconds(body, form, plan, options.rows)) for _ in range(options.rounds)]
            print(f"{kind:18} {form.name:7} {min(rounds) / options.rows * 1e6:6.2f} µs/row")


if __name__ == "__main__":
    main()
