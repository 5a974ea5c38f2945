"""`spyne backup`: the database and the stored objects that its rows name, as of one moment, while the service runs.

An object is written before the row that names it and removed after it, so: one snapshot, the dump of it, then the
objects that its rows name. The backup appears, under its name, when it is complete.
"""

import asyncio
import hashlib
import os
import shutil
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import asyncpg

from app.audit.seals.proofs import checkpoint
from app.audit.seals.signing import SealingKey
from app.commands import environment_repository as rows
from app.commands.environment import Environment, NoEnvironmentError
from app.commands.login_settings import LoginSettings, is_known
from app.commands.manifest import DUMP, MAC, MANIFEST, Manifest, SavedObject, Tag, fingerprint, object_file, sha256_of
from app.commands.restore import FOLDER
from app.kernel.db.schema_state import is_superuser
from app.kernel.dumping import repository as copied
from app.kernel.dumping.engine import dump_into, exported_snapshot
from app.kernel.dumping.members import BLOCK_BYTES, TAR_END, header_of, padding
from app.kernel.quoting import quote_identifier
from app.kernel.runtime.resources import Resources
from app.kernel.security.secrets import ServiceSecret
from app.kernel.storage.object_storage import ObjectNotFound, ObjectStorage


async def back_up(environment: Environment, target: Path) -> Manifest:
    """Write a backup: a directory, or one file when the name ends in `.tar`. Raises `NoEnvironmentError`."""
    if target.exists():  # noqa: ASYNC240 - before anything goes on beside it
        raise NoEnvironmentError(f"{target} is there already.")
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(mode=0o700, parents=True)
        async with environment.resources() as resources:
            manifest = await _fill(environment, resources, part)
        _sign(manifest, environment.secret, part)
        if target.suffix == ".tar":
            await asyncio.to_thread(_pack, part, manifest, target)
        else:
            part.rename(target)
    except OSError as error:
        raise NoEnvironmentError(f"The backup cannot be written to {target}: {error.strerror}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


async def _fill(environment: Environment, resources: Resources, part: Path) -> Manifest:
    async with resources.database.read() as session:  # before the snapshot: the log there goes on from it
        sealed = await checkpoint(session, SealingKey(resources.secret), resources.clock())
    async with exported_snapshot(environment.urls.owner) as (connection, snapshot):
        major = connection.get_server_version().major
        selected, left_out = await _selected(connection)
        await dump_into(part / DUMP, environment.urls.owner, major, [f"--snapshot={snapshot}", *selected])
        saved, gone = await _save_objects(connection, resources.storage, part)
        roles = environment.settings.database
        return Manifest(
            version=version("spyne"),
            migration=await copied.migration(connection),
            taken_at=resources.clock().isoformat(timespec="seconds"),
            server=major,
            secret=fingerprint(environment.secret),
            dump_sha256=await asyncio.to_thread(sha256_of, part / DUMP),
            dump_size=(part / DUMP).stat().st_size,
            objects=saved,
            gone=gone,
            left_out=left_out,
            app_role=roles.app_role,
            query_role=roles.query_role,
            app_relations=_ours(await copied.relations_of(connection, roles.app_role)),
            app_login=await _login(connection, roles.app_role),
            query_login=await _login(connection, roles.query_role),
            checkpoint=sealed.document(),
        )


async def _selected(connection: asyncpg.Connection) -> tuple[list[str], list[str]]:
    """Arguments of pg_dump, and the relations that are not in the dump.

    A superuser dumps all of the database. Another owner dumps what is Spyne's and the schemas of adopted relations, but
    for relations in these that it may not read: the database may be shared, and is then others' to back up.
    """
    if await is_superuser(connection):
        return [], []
    schemas = [*rows.OURS, *await rows.adopted_schemas(connection)]
    unreadable = await copied.unreadable(connection, schemas)
    patterns = [f"{quote_identifier(schema)}.{quote_identifier(name)}" for schema, name in unreadable]
    return (
        [
            *(f"--schema={quote_identifier(schema)}" for schema in schemas),
            *(f"--exclude-table={each}" for each in patterns),
        ],
        [f"{schema}.{name}" for schema, name in unreadable],
    )


def _ours(relations: list[tuple[str, str]]) -> list[tuple[Literal["data", "staging"], str]]:
    """The relations that the runtime login makes: elsewhere it can make none that are not temporary."""
    schemas: tuple[Literal["data", "staging"], ...] = ("data", "staging")
    return [(ours, name) for ours in schemas for schema, name in relations if schema == ours]


async def _login(connection: asyncpg.Connection, role: str) -> LoginSettings:
    """What is set for a login, of what a backup holds."""
    limit, settings = await rows.login_settings(connection, role)
    known = {name: value for name, value in settings.items() if is_known(name, value)}
    return LoginSettings(connection_limit=limit, settings=known)


async def _save_objects(
    connection: asyncpg.Connection, storage: ObjectStorage, folder: Path
) -> tuple[list[SavedObject], list[str]]:
    saved: dict[str, SavedObject] = {}
    gone: list[str] = []
    async for named in rows.named_objects(connection):
        if named.key in saved:
            continue
        try:
            saved[named.key] = await _save(storage, named.key, folder / object_file(len(saved)))
        except ObjectNotFound:
            gone.append(named.key)
    return list(saved.values()), sorted(gone)


async def _save(storage: ObjectStorage, key: str, path: Path) -> SavedObject:
    digest, size = hashlib.sha256(), 0
    stream = storage.get_stream(key)
    first = await anext(stream, b"")  # before the file is made
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        await asyncio.to_thread(file.write, first)
        digest.update(first)
        size += len(first)
        async for block in stream:
            await asyncio.to_thread(file.write, block)
            digest.update(block)
            size += len(block)
    return SavedObject(key=key, size=size, sha256=digest.hexdigest())


def _sign(manifest: Manifest, secret: ServiceSecret, folder: Path) -> None:
    """Write the manifest and its tag, last of all: what has no tag is no backup."""
    written, tag = manifest.model_dump_json(indent=1).encode(), Tag(secret)
    tag.update(written)
    (folder / MANIFEST).write_bytes(written)
    (folder / MAC).write_text(tag.hexdigest(), encoding="ascii")


def _pack(folder: Path, manifest: Manifest, target: Path) -> None:
    """Put all of it into one file, in the order in which it is believed: the tag vouches for what comes after it."""
    packed = folder.with_name(f"{folder.name}.tar")
    moment = int(datetime.fromisoformat(manifest.taken_at).timestamp())
    names = (MANIFEST, MAC, DUMP, *(object_file(number) for number in range(len(manifest.objects))))
    packed.unlink(missing_ok=True)
    try:
        with open(packed, "xb", opener=_for_us_alone) as archive:
            for name in names:
                size = (folder / name).stat().st_size
                archive.write(header_of(f"{FOLDER}/{name}", size, moment))
                with (folder / name).open("rb") as file:
                    shutil.copyfileobj(file, archive, BLOCK_BYTES)
                archive.write(padding(size))
            archive.write(TAR_END)
        packed.rename(target)
    finally:
        packed.unlink(missing_ok=True)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
