"""Puts a snapshot back into an empty, migrated database: all of it in one transaction, or nothing."""

import asyncio
import tempfile
from pathlib import Path

import asyncpg

from app.kernel.db import migrations
from app.kernel.dumping import repository as copied
from app.kernel.dumping.engine import RestoreContext
from app.kernel.dumping.engine import restore as restore_dump
from app.kernel.security.secrets import ServiceSecret
from app.operations.exports.snapshot.archive import DUMP, Manifest, unpack
from app.operations.exports.snapshot.repository import STILL_UNTOUCHED, is_untouched

REPLACE = ("--clean", "--if-exists")
"""What the migrations have made gives way to what the snapshot holds, which is the same and has rows."""


class CannotRestoreError(RuntimeError):
    """The database is not one to restore into; the message says why. Nothing was changed."""


async def restore(url: str, path: Path, secret: ServiceSecret, app_role: str) -> Manifest:
    """Put the snapshot of a file into the database of the owner's URL.

    Args:
        url: of the owner's login.
        path: of the file, packed or not.
        secret: the service secret; the snapshot bears its tags.
        app_role: the runtime login here.

    Raises:
        NotASnapshotError: the file is no snapshot of this secret's, was changed, or was cut.
        CannotRestoreError: the database was used before, is at another migration, or has other logins.
        ProgramError: the database refuses, or there are no programs for it.
    """
    with tempfile.TemporaryDirectory(prefix=".spyne-restore-", dir=path.parent) as scratch:
        dump = Path(scratch) / DUMP
        manifest = await asyncio.to_thread(unpack, path, dump, secret)
        if manifest.app_role != app_role:
            raise CannotRestoreError(f"The runtime login of the snapshot is {manifest.app_role}, not {app_role}.")
        connection = await migrations.connect(url)
        try:
            await _require_fitting(connection, manifest)
            context = RestoreContext(manifest.app_relations, app_role, first=STILL_UNTOUCHED, more=REPLACE)
            await restore_dump(connection, url, dump, manifest.server, context)
        finally:
            await connection.close()
    return manifest


async def _require_fitting(connection: asyncpg.Connection, manifest: Manifest) -> None:
    try:
        head = await copied.migration(connection)
    except asyncpg.UndefinedTableError:
        raise CannotRestoreError("The database is not migrated: run `spyne migrate` first.") from None
    if head != manifest.migration:
        raise CannotRestoreError(
            f"The snapshot was taken at migration {manifest.migration}, the database is at {head}. Restore with the "
            "version of Spyne that took it, then migrate."
        )
    if not await is_untouched(connection):
        raise CannotRestoreError("The database was used before: a snapshot is restored into a fresh one alone.")
