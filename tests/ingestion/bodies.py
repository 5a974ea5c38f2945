"""A contract with a column of every type, and ways to read bodies through it."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from itertools import pairwise

import asyncpg

from app.ingestion.rows.row_model import ChangePolicy, RowModel
from app.warehouse import ddl
from app.warehouse.copying import copy_rows
from app.warehouse.naming import RelationName, governed_relation
from app.warehouse.plan import Checks, Column, Mode, RelationPlan, Resolution
from app.warehouse.rejections import Chunk, Rejection
from app.warehouse.types import parse_type

Reader = Callable[[AsyncIterator[bytes], RowModel], AsyncIterator[Chunk]]


def plan_of(*columns: Column, key: Sequence[str] = ("id",), mode: Mode = Mode.UPSERT) -> RelationPlan:
    """Key id (bigint) and at (event time) come first, then the columns, then got (processing time)."""
    return RelationPlan(
        governed_relation("things", 1),
        (
            Column("id", parse_type("bigint")),
            Column("at", parse_type("timestamptz")),
            *columns,
            Column("got", parse_type("timestamptz")),
        ),
        tuple(key),
        "at",
        "got",
        mode,
        Resolution.LATEST_WINS,
        timedelta(hours=24),
    )


def column(name: str, type_text: str, *, nullable: bool = True, **checks: object) -> Column:
    return Column(name, parse_type(type_text), nullable, Checks(**checks))  # type: ignore[arg-type]


async def pieces(body: bytes, cuts: Sequence[int] = ()) -> AsyncIterator[bytes]:
    """The body in pieces, cut at the given places."""
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    for low, high in pairwise(places):
        yield body[low:high]


async def read(
    reader: Reader,
    body: bytes,
    plan: RelationPlan,
    cuts: Sequence[int] = (),
    unknown: ChangePolicy = ChangePolicy.FREEZE,
) -> tuple[bytes, list[Rejection], int]:
    """All accepted rows as COPY input, all refused rows, and how many were accepted."""
    payload, refused, accepted = b"", [], 0
    async for chunk in reader(pieces(body, cuts), RowModel(plan, unknown)):
        payload += chunk.payload
        refused += chunk.rejected
        accepted += chunk.accepted
    return payload, refused, accepted


async def staged(
    store: asyncpg.Connection, plan: RelationPlan, payload: bytes, columns: str = "*"
) -> list[asyncpg.Record]:
    """The rows that PostgreSQL makes of COPY input, by their ids."""
    staging = RelationName("pg_temp", "staging")
    await store.execute(f"{ddl.drop(staging)}; {ddl.create_staging(plan, staging)}")
    await copy_rows(store, plan, staging, pieces(payload))
    found: list[asyncpg.Record] = await store.fetch(f"SELECT {columns} FROM {staging.sql} ORDER BY id")
    return found
