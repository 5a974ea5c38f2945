"""All matching rows as NDJSON: one snapshot, constant memory, and a last line that only a whole answer has."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson
from sqlalchemy import Row
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.audit.log.repository import AuditReads
from app.audit.log.schemas import AuditFilter, entry_fields
from app.kernel.db.database import Database, ReadSession

JSON = "application/json"
NDJSON = "application/x-ndjson"


class NdjsonResponse(StreamingResponse):
    """Streams lines; however it ends, what they are read from is closed before it returns."""

    media_type = NDJSON

    def __init__(self, lines: AsyncGenerator[bytes, None]) -> None:
        super().__init__(lines)
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines."""
        async with contextlib.aclosing(self._lines):
            await super().__call__(scope, receive, send)


async def entries_as_ndjson(database: Database, wanted: AuditFilter) -> NdjsonResponse:
    """The rows, newest first, then `{"end":{"rows":n}}`. The first rows are there before anything is answered."""
    lines = _lines(database, wanted)
    first = await anext(lines)

    async def from_the_first() -> AsyncGenerator[bytes, None]:
        async with contextlib.aclosing(lines):
            yield first
            async for chunk in lines:
                yield chunk

    return NdjsonResponse(from_the_first())


async def _lines(database: Database, wanted: AuditFilter) -> AsyncGenerator[bytes, None]:
    count = 0
    async with database.snapshot() as session:
        async for lines, rows in entry_lines(session, wanted):
            count += rows
            yield lines
    yield orjson.dumps({"end": {"rows": count}}, option=_OPTIONS)


async def entry_lines(session: ReadSession, wanted: AuditFilter) -> AsyncIterator[tuple[bytes, int]]:
    """The rows as lines, newest first, some hundred at a time, each time with how many they are."""
    async for rows in AuditReads(session).every(wanted):
        yield (
            b"".join(
                orjson.dumps(_shown(row), str, _OPTIONS)  # the driver's ids are a kind of their own
                for row in rows
            ),
            len(rows),
        )


_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


def _shown(row: Row[Any]) -> dict[str, Any]:
    """The row in the same form as in a page; its documents are PostgreSQL's own text, whose numbers have any length."""
    sides = {side: getattr(row, side) for side in ("before", "after")}
    return entry_fields(row) | {side: None if text is None else orjson.Fragment(text) for side, text in sides.items()}
