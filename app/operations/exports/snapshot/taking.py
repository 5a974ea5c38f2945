"""`snapshot`: every control table and every governed relation, of one moment, in one archive.

What logs in is inside: password hashes, digests of keys, sealed secrets. So it is an ADMIN's, and to be kept as such.
Adopted relations belong to others, and are not.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any, ClassVar, Final

from app.audit.seals import SealingKey
from app.kernel.authorization import Permission
from app.kernel.database import ReadSession, snapshot_connection
from app.kernel.resources import Resources
from app.operations.exports.forms import Format
from app.operations.exports.snapshot.archive import (
    END,
    HEAD,
    PART_BYTES,
    TAR_END,
    VERSION,
    Tally,
    document,
    member,
)
from app.operations.exports.snapshot.catalog_repository import (
    TEXT_SETTINGS,
    Connection,
    Rows,
    control_tables,
    governed_relations,
    schema_head,
    sequences,
)
from app.operations.exports.sources import Content, FilterParams, Piece, Pieces, Source, Subject

AHEAD: Final = 4
"""Portions of COPY that may wait for who writes them; a portion has some hundred KiB."""


class SnapshotSource(Source[FilterParams]):
    """Everything."""

    name: ClassVar[str] = "snapshot"
    permission: ClassVar[Permission] = Permission.SYSTEM_WRITE
    formats: ClassVar[frozenset[Format]] = frozenset({Format.TAR})

    async def content(self, resources: Resources, subject: Subject, form: Format) -> Content:  # noqa: ARG002 - of the protocol
        """The archive."""

        async def write(session: ReadSession) -> AsyncIterator[Piece]:
            async for piece in snapshot(session, resources):
                yield piece

        return Pieces(write)


async def snapshot(session: ReadSession, resources: Resources) -> AsyncIterator[Piece]:
    """The archive in pieces, from a session of one snapshot."""
    connection = await snapshot_connection(session)
    await connection.execute(TEXT_SETTINGS)
    now = resources.clock()
    moment = int(now.timestamp())
    control = await control_tables(connection)
    relations, data = await governed_relations(connection)
    head: dict[str, Any] = {
        "spyne_snapshot": VERSION,
        "schema_head": await schema_head(connection),
        "taken_at": now.isoformat(),
        "sealing_key": SealingKey(resources.secret).public.raw.hex(),
        "control": [asdict(table) for table in control],
        "relations": [asdict(relation) for relation in relations],
        "data": [asdict(table) for table in data],
    }
    yield Piece(member(HEAD, document(head), moment))
    tallies: dict[str, Tally] = {}
    for table in [*control, *data]:
        tallies[table.label] = tally = Tally()
        before, number = 0, 0
        async for part in _parts(connection, table, tally):
            yield Piece(member(f"{table.label}/{number:06}", part, moment), tally.rows - before)
            before, number = tally.rows, number + 1
    end = {
        "tables": {label: tally.document() for label, tally in tallies.items()},
        "sequences": await sequences(connection),
    }
    yield Piece(member(END, document(end), moment) + TAR_END)


async def _parts(connection: Connection, table: Rows, tally: Tally) -> AsyncIterator[bytes]:
    pending = bytearray()
    async for portion in _copied(connection, table.statement()):
        pending += tally.take(portion)
        if len(pending) >= PART_BYTES:
            yield bytes(pending)
            pending.clear()
    if pending:
        yield bytes(pending)


async def _copied(connection: Connection, sql: str) -> AsyncIterator[bytes]:
    """The portions of a COPY as they come; it waits for who takes them, and ends when nobody does any more."""
    portions: asyncio.Queue[bytes | None] = asyncio.Queue(AHEAD)

    async def copy() -> None:
        try:
            await connection.copy_from_query(sql, output=portions.put)
        finally:
            await portions.put(None)

    copying = asyncio.create_task(copy(), name="snapshot-copy")
    try:
        while (portion := await portions.get()) is not None:
            yield portion
        await copying
    finally:
        if not copying.done():
            copying.cancel()
            while not copying.done():  # it may wait for room to say that it has ended
                while not portions.empty():
                    portions.get_nowait()
                await asyncio.wait({copying}, timeout=0.05)
