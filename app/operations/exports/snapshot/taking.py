"""`snapshot`: every control table and every governed relation, of one moment, in one archive.

What logs in is inside: password hashes, digests of keys, sealed secrets. So it is an ADMIN's, and to be kept as such.
Adopted relations belong to others, and are not. pg_dump reads as the runtime login, in the snapshot of the session.
"""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib.metadata import version
from typing import ClassVar, Final

from app.audit.seals.signing import SealingKey
from app.kernel.clock import Clock
from app.kernel.db.database import Database, ReadSession, snapshot_connection
from app.kernel.dumping import repository as copied
from app.kernel.dumping.engine import dump
from app.kernel.dumping.members import TAR_END
from app.kernel.dumping.programs import NoProgramError
from app.kernel.ports.export_formats import Format
from app.kernel.ports.exports import Content, FilterParams, Piece, Pieces, Source, Subject
from app.kernel.security.authorization import Permission
from app.kernel.security.secrets import ServiceSecret
from app.operations.exports.problems import ExportBroken
from app.operations.exports.snapshot import repository as rows
from app.operations.exports.snapshot.archive import HEAD, MANIFEST, PART_BYTES, Chain, Manifest, head, member, part_name
from app.settings import Settings
from app.warehouse.naming import DATA_SCHEMA

SELECTED: Final = (
    *(f"--schema={schema}" for schema in rows.SCHEMAS),
    f"--exclude-table-data={rows.LEFT_OUT}",
    "--compress=none",  # the archive is packed as a whole, where that was asked for
)


class SnapshotSource(Source[FilterParams]):
    """Everything."""

    name: ClassVar[str] = "snapshot"
    permission: ClassVar[Permission] = Permission.SYSTEM_WRITE
    formats: ClassVar[frozenset[Format]] = frozenset({Format.TAR})

    async def content(self, subject: Subject, file_format: Format) -> Content:  # noqa: ARG002 - of the protocol
        """The archive."""
        return Pieces(snapshot)


async def snapshot(
    session: ReadSession, database: Database, secret: ServiceSecret, settings: Settings, clock: Clock
) -> AsyncGenerator[Piece, None]:
    """The archive in pieces, from a session of one snapshot.

    Raises:
        ExportBroken: there is no pg_dump here for the server.
        ProgramError: the dump failed.
    """
    connection = await snapshot_connection(session)
    now, app_role = clock(), settings.database.app_role
    server, number, moment = connection.get_server_version().major, 0, int(now.timestamp())
    arguments = [f"--snapshot={await copied.exported_snapshot(connection)}", *SELECTED]
    digest, chain = hashlib.sha256(), Chain(secret)
    yield Piece(member(HEAD, chain.signed(head(secret)), moment))
    try:
        async with aclosing(_parts(dump(database.url, server, arguments))) as parts:
            async for part in parts:
                digest.update(part)
                yield Piece(member(part_name(number), chain.signed(part), moment))
                number += 1
    except NoProgramError as error:
        raise ExportBroken(str(error)) from error
    manifest = Manifest(
        version=version("spyne"),
        migration=await copied.migration(connection),
        taken_at=now.isoformat(),
        server=server,
        dump_sha256=digest.hexdigest(),
        app_relations=[("data", name) for _, name in await copied.relations_of(connection, app_role, DATA_SCHEMA)],
        app_role=app_role,
        sealing_key=SealingKey(secret).public.raw.hex(),
        tables=await rows.row_counts(connection),
    )
    last = member(MANIFEST, chain.signed(manifest.model_dump_json(indent=1).encode()), moment)
    yield Piece(last + TAR_END, manifest.rows)


async def _parts(blocks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    pending = bytearray()
    async with aclosing(blocks):
        async for block in blocks:
            pending += block
            if len(pending) >= PART_BYTES:
                yield bytes(pending)
                pending.clear()
    if pending:
        yield bytes(pending)
