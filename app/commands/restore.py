"""`spyne restore`: a backup into an empty environment, whole or not at all as far as the database goes.

Everything is compared with the manifest before anything is written. The secret is not in a backup: it must be there.
"""

import asyncio
import lzma
import tarfile
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.commands import environment_repository as rows
from app.commands.environment import Environment, NoEnvironmentError
from app.commands.manifest import DUMP, OBJECTS, Manifest, SavedObject, blocks, check_secret, read_manifest, sha256_of
from app.kernel.db import migrations
from app.kernel.dumping import engine
from app.kernel.storage.object_storage import ObjectStorage

_UNREADABLE: Final = (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError)
"""What a damaged archive raises; `tarfile` also reads compressed ones, and lets the errors of the packers pass."""


@contextmanager
def opened(source: Path) -> Iterator[tuple[Path, Manifest]]:
    """The folder of a backup, unpacked for the while when the backup is one file, and its manifest.

    Raises `NoEnvironmentError`: the file cannot be read as a backup.
    """
    if source.is_dir():
        yield source, read_manifest(source)
        return
    with tempfile.TemporaryDirectory(prefix=".spyne-restore-", dir=source.parent) as scratch:
        try:
            with tarfile.open(source) as archive:
                archive.extractall(scratch, filter="data")
        except _UNREADABLE as error:
            raise NoEnvironmentError(f"{source} cannot be read as a backup.") from error
        folder = Path(scratch) / "backup"
        yield folder, read_manifest(folder)


async def restore(environment: Environment, folder: Path, manifest: Manifest) -> None:
    """Bring the backup's database and objects here; when that fails the database is empty as before.

    Raises `NoEnvironmentError`: the backup does not fit here, or cannot be read.
    """
    check_secret(manifest, environment.secret)
    await asyncio.to_thread(_check_files, folder, manifest)
    storage = ObjectStorage.open(environment.settings.storage_url or (environment.settings.home / "objects").as_uri())
    async for info in storage.list():
        raise NoEnvironmentError(
            f"The object storage is not empty: there is {info.key}. A backup goes into an empty place."
        )
    connection = await migrations.connect(environment.urls.owner)
    try:
        found = await rows.occupants(connection)
        if found:
            raise NoEnvironmentError(
                f"The database is not empty: there is {found[0]}. A backup goes into an empty place."
            )
        await migrations.prepare(environment.urls.owner, environment.settings.database, environment.secret)
        for saved in manifest.objects:  # before the rows that name them, as ever
            await _put(storage, saved, folder)
        app_role = environment.settings.database.app_role
        relations = manifest.app_relations
        await engine.restore(connection, environment.urls.owner, folder / DUMP, manifest.server, relations, app_role)
        await rows.set_up_roles(connection, manifest.role_settings)
    finally:
        await connection.close()


def _check_files(folder: Path, manifest: Manifest) -> None:
    if not (folder / DUMP).is_file() or sha256_of(folder / DUMP) != manifest.dump_sha256:
        raise NoEnvironmentError(f"{folder / DUMP} is not the file that was written.")
    for saved in manifest.objects:
        path = folder / OBJECTS / saved.key
        if not path.is_file() or path.stat().st_size != saved.size or sha256_of(path) != saved.sha256:
            raise NoEnvironmentError(f"The object {saved.key} of the backup is not what was written.")


async def _put(storage: ObjectStorage, saved: SavedObject, folder: Path) -> None:
    async def content() -> AsyncIterator[bytes]:
        for block in blocks(folder / OBJECTS / saved.key):
            yield block

    stored = await storage.put_stream(saved.key, content())
    if stored.sha256 != saved.sha256:
        raise NoEnvironmentError(f"The object {saved.key} changed on the way.")
