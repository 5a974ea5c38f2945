"""`spyne restore`: a backup brought into an empty place, whole or not at all.

The backup's tag is the first thing that is looked at, before a database is started or anything is written; then every
file is compared with the manifest that bears the tag. The secret is not in a backup: it must be there. What fails later
leaves the place as it was: one transaction makes logins, tables and rows, and objects that were put are taken away.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from app.commands import environment_repository as rows
from app.commands import login_settings
from app.commands.environment import Environment, NoEnvironmentError, embedded_server, open_environment
from app.commands.manifest import DUMP, MAC, MANIFEST, Manifest, SavedObject, Tag, explain, object_file, parse
from app.kernel.db import logins, migrations
from app.kernel.db.schema_state import is_superuser
from app.kernel.dumping import engine
from app.kernel.dumping.members import BadMemberError, FolderMembers, Members, PackedError, TarMembers
from app.kernel.security.secrets import ServiceSecret
from app.kernel.storage.object_storage import ObjectStorage, StorageUnavailable
from app.settings import DatabaseSettings, Settings

_ANY_SIZE: Final = 1 << 62
_MAC_BYTES: Final = 64
FOLDER: Final = "backup"
"""The folder that the members of a tar are in."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup whose tag was found right and whose files are those of its manifest."""

    manifest: Manifest
    members: Members
    dump: Path
    """A copy where nobody else writes: what was compared is what is restored."""


@contextmanager
def opened(source: Path, secret: ServiceSecret) -> Iterator[Backup]:
    """The backup in a folder or a tar, looked through. Raises `NoEnvironmentError`: none is there as it was made."""
    if not source.exists():
        raise NoEnvironmentError(f"{source} cannot be read as a backup: there is no such file.")
    room = source.parent if os.access(source.parent, os.W_OK) else Path(tempfile.gettempdir())
    with (
        contextlib.ExitStack() as open_files,
        tempfile.TemporaryDirectory(prefix=".spyne-restore-", dir=room) as scratch,
    ):
        try:
            members: Members = (
                FolderMembers(source)
                if source.is_dir()
                else TarMembers(open_files.enter_context(source.open("rb")), FOLDER)
            )
            backup = _looked_through(members, source, Path(scratch), secret)
        except PackedError as error:
            raise NoEnvironmentError(f"{source} is compressed: unpack it, and give what comes out.") from error
        except BadMemberError as error:
            raise NoEnvironmentError(f"{source} cannot be read as a backup: {error}.") from error
        except OSError as error:
            raise NoEnvironmentError(f"{source} cannot be read as a backup: {error.strerror}.") from error
        yield backup


def _looked_through(members: Members, source: Path, scratch: Path, secret: ServiceSecret) -> Backup:
    path, tag = scratch / MANIFEST, Tag(secret)
    members.expect(MANIFEST, _ANY_SIZE)
    with path.open("wb") as file:
        for block in members.blocks(MANIFEST):
            tag.update(block)
            file.write(block)
    if not _bears(members, tag):
        raise explain(path, source, secret)
    manifest = parse(path)
    _copy_dump(members, manifest, scratch / DUMP)
    for number, saved in enumerate(manifest.objects):
        if members.expect(object_file(number), saved.size) != saved.size or _sha256(members, number) != saved.sha256:
            raise NoEnvironmentError(f"The object {saved.key} of the backup is not what was written.")
    members.end()
    return Backup(manifest, members, scratch / DUMP)


def _bears(members: Members, tag: Tag) -> bool:
    try:
        members.expect(MAC, _MAC_BYTES)
    except BadMemberError:  # as of backups that were not signed yet
        return False
    return tag.matches(b"".join(members.blocks(MAC)))


def _copy_dump(members: Members, manifest: Manifest, target: Path) -> None:
    digest = hashlib.sha256()
    members.expect(DUMP, manifest.dump_size)
    with target.open("wb") as file:
        for block in members.blocks(DUMP):
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != manifest.dump_sha256:
        raise NoEnvironmentError(f"{DUMP} is not the file that was written.")


def _sha256(members: Members, number: int) -> str:
    digest = hashlib.sha256()
    for block in members.blocks(object_file(number)):
        digest.update(block)
    return digest.hexdigest()


def restore_into(settings: Settings, backup: Backup) -> list[str]:
    """Bring a backup into the configured place; answers what was left out.

    Raises `NoEnvironmentError`, `ProgramError` or what the database says; the place is as before then, and what was
    not there, an embedded server included, is gone again.
    """
    server = embedded_server(settings) if settings.database.url is None else None
    fresh = server is not None and not server.exists()
    objects = settings.home / "objects"
    made_here = settings.storage_url is None and not objects.exists()
    restored = False
    try:
        with open_environment(settings) as here:
            left_out = asyncio.run(restore(here, backup))
            restored = True
            here.migrate()
    finally:
        if not restored and fresh and server is not None:
            server.discard()
        if not restored and made_here:
            shutil.rmtree(objects, ignore_errors=True)
    return left_out


async def restore(environment: Environment, backup: Backup) -> list[str]:
    """As `restore_into`, in an environment that is open; it is not migrated further."""
    settings = environment.settings
    _require_fitting(backup.manifest, settings.database)
    storage = ObjectStorage.open(settings.storage_url or (settings.home / "objects").as_uri())
    await _require_empty_storage(storage)
    connection = await migrations.connect(environment.urls.owner)
    stored: list[str] = []
    try:
        context = await _context(connection, environment, backup.manifest)
        for number, saved in enumerate(backup.manifest.objects):  # before the rows that name them, as ever
            stored.append(saved.key)
            await _put(storage, saved, backup.members, number)
        server = backup.manifest.server
        return await engine.restore(connection, environment.urls.owner, backup.dump, server, context)
    except BaseException:
        await _take_away(storage, stored)
        raise
    finally:
        await connection.close()


async def _require_empty_storage(storage: ObjectStorage) -> None:
    async for info in storage.list():
        raise NoEnvironmentError(
            f"The object storage is not empty: there is {info.key}. A backup goes into an empty place."
        )


async def _context(
    connection: asyncpg.Connection, environment: Environment, manifest: Manifest
) -> engine.RestoreContext:
    """What the database is made of beside the dump, when nothing is in it. Raises `NoEnvironmentError`."""
    found = await rows.occupants(connection)
    if found:
        raise NoEnvironmentError(f"The database is not empty: there is {found[0]}. A backup goes into an empty place.")
    settings = environment.settings.database
    try:
        first = await logins.statements(connection, settings, environment.secret)
    except logins.OwnerRightsError as error:
        raise NoEnvironmentError(str(error)) from error
    last = await _set_up(connection, manifest)
    return engine.RestoreContext(manifest.app_relations, settings.app_role, first=first, last=last, joins=True)


def _require_fitting(manifest: Manifest, settings: DatabaseSettings) -> None:
    if not migrations.is_known(manifest.migration):
        raise NoEnvironmentError(
            f"The backup is at migration {manifest.migration}, which this version of Spyne does not have. Version "
            f"{manifest.version} made it: restore it with that one, or a later one."
        )
    if (manifest.app_role, manifest.query_role) != (settings.app_role, settings.query_role):
        raise NoEnvironmentError(
            f"The logins of the backup are {manifest.app_role} and {manifest.query_role}, those here have other names. "
            "Set DATABASE_APP_ROLE and DATABASE_QUERY_ROLE."
        )


async def _set_up(connection: asyncpg.Connection, manifest: Manifest) -> list[str]:
    """What sets the logins up beyond their attributes: a superuser's to say, as in the migrations."""
    if not await is_superuser(connection):
        return []
    logged_in = ((manifest.app_role, manifest.app_login), (manifest.query_role, manifest.query_login))
    return [statement for role, wanted in logged_in for statement in login_settings.statements(role, wanted)]


async def _put(storage: ObjectStorage, saved: SavedObject, members: Members, number: int) -> None:
    async def content() -> AsyncIterator[bytes]:
        for block in members.blocks(object_file(number)):
            yield block

    stored = await storage.put_stream(saved.key, content())
    if stored.sha256 != saved.sha256:
        raise NoEnvironmentError(f"The object {saved.key} changed on the way.")


async def _take_away(storage: ObjectStorage, keys: list[str]) -> None:
    """Remove what was put, as far as the storage lets us."""
    for key in keys:
        with contextlib.suppress(StorageUnavailable):
            await storage.delete(key)
