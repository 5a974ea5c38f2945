"""Puts a snapshot back into an empty, migrated database: all of it in one transaction, or nothing."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app.kernel import migrations
from app.operations.exports.snapshot.archive import Archive, NotASnapshotError, Tally
from app.operations.exports.snapshot.catalog_repository import (
    TEXT_SETTINGS,
    Connection,
    Relation,
    Rows,
    clear,
    is_untouched,
    make,
    own_for,
    release,
    schema_head,
    set_sequence,
)


class CannotRestoreError(RuntimeError):
    """The database is not one to restore into; the message says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back."""

    tables: int
    relations: int
    rows: int
    taken_at: str
    sealing_key: str


async def restore(url: str, path: Path) -> Restored:
    """Put the snapshot of a file into the database of the owner's URL.

    Raises:
        NotASnapshotError: the file is no snapshot, is damaged, or was cut.
        CannotRestoreError: the database was used before, or is at another migration.
        asyncpg.PostgresError: the database refuses.
    """
    with contextlib.closing(Archive(path)) as archive:
        connection = await migrations.connect(url)
        try:
            async with connection.transaction():
                await connection.execute(TEXT_SETTINGS)
                await _require_fitting(connection, archive)
                return await _restore(connection, archive)
        finally:
            await connection.close()


async def _require_fitting(connection: Connection, archive: Archive) -> None:
    try:
        head = await schema_head(connection)
    except asyncpg.UndefinedTableError:
        raise CannotRestoreError("The database is not migrated: run `spyne migrate` first.") from None
    if head != archive.head["schema_head"]:
        raise CannotRestoreError(
            f"The snapshot was taken at migration {archive.head['schema_head']}, the database is at {head}. Restore "
            "with the version of Spyne that took it, then migrate."
        )
    if not await is_untouched(connection):
        raise CannotRestoreError("The database was used before: a snapshot is restored into a fresh one alone.")


async def _restore(connection: Connection, archive: Archive) -> Restored:
    control = [Rows(**each) for each in archive.head["control"]]
    relations = [Relation(**each) for each in archive.head["relations"]]
    data = [Rows(**each) for each in archive.head["data"]]
    owners = sorted({relation.owner for relation in relations})
    await own_for(connection, owners)
    await clear(connection, control)
    for relation in relations:
        await make(connection, relation)
    tallies = {table.label: await _fill(connection, archive, table) for table in [*control, *data]}
    for statement in (statement for relation in relations for statement in relation.after):
        await connection.execute(statement)
    end = archive.end()
    found = {label: tally.document() for label, tally in tallies.items()}
    if found != end["tables"]:
        wrong = sorted(label for label in found if found[label] != end["tables"].get(label))
        raise NotASnapshotError(f"The archive is damaged: {', '.join(wrong)} differ from their checksums.")
    for name, value in end["sequences"].items():
        await set_sequence(connection, name, value)
    await release(connection, owners)
    return Restored(
        tables=len(control),
        relations=len(relations),
        rows=sum(tally.rows for tally in tallies.values()),
        taken_at=archive.head["taken_at"],
        sealing_key=archive.head["sealing_key"],
    )


async def _fill(connection: Connection, archive: Archive, table: Rows) -> Tally:
    tally = Tally()

    async def parts() -> AsyncIterator[bytes]:
        for part in archive.parts(table.label):
            yield tally.take(part)

    await connection.copy_to_table(table.name, schema_name=table.schema, columns=table.columns, source=parts())
    return tally
