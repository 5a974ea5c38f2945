"""`spyne backup`: the database and the stored objects that its rows name, as of one moment, while the service runs.

An object is written before the row that names it and removed after it, so: one snapshot, the dump of it, then the
objects that its rows name. The backup appears, under its name, when it is complete.
"""

import asyncio
import hashlib
import shutil
import tarfile
from importlib.metadata import version
from pathlib import Path

import asyncpg

from app.audit.seals.proofs import checkpoint
from app.audit.seals.signing import SealingKey
from app.commands import environment_repository as rows
from app.commands.environment import Environment, NoEnvironmentError
from app.commands.manifest import DUMP, MANIFEST, OBJECTS, Manifest, SavedObject, fingerprint, sha256_of
from app.kernel.dumping import repository as copied
from app.kernel.dumping.engine import dump_into, exported_snapshot
from app.kernel.runtime.resources import Resources
from app.kernel.storage.object_storage import ObjectNotFound, ObjectStorage


async def back_up(environment: Environment, target: Path) -> Manifest:
    """Write a backup: a directory, or one file when the name ends in `.tar`. Raises `NoEnvironmentError`."""
    if target.exists():  # noqa: ASYNC240 - before anything goes on beside it
        raise NoEnvironmentError(f"{target} is there already.")
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        (part / OBJECTS).mkdir(parents=True, mode=0o700)
        part.chmod(0o700)
        async with environment.resources() as resources:
            manifest = await _fill(environment, resources, part)
        (part / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        if target.suffix == ".tar":
            await asyncio.to_thread(_pack, part, target)
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
        await dump_into(part / DUMP, environment.urls.owner, major, [f"--snapshot={snapshot}"])
        saved, gone = await _save_objects(connection, resources.storage, part / OBJECTS)
        return Manifest(
            version=version("spyne"),
            migration=await copied.migration(connection),
            taken_at=resources.clock().isoformat(timespec="seconds"),
            server=major,
            secret=fingerprint(environment.secret),
            dump_sha256=await asyncio.to_thread(sha256_of, part / DUMP),
            objects=saved,
            gone=gone,
            app_relations=await copied.relations_of(connection, environment.settings.database.app_role),
            role_settings=await rows.role_statements(connection, environment.settings.database),
            checkpoint=sealed.document(),
        )


async def _save_objects(
    connection: asyncpg.Connection, storage: ObjectStorage, folder: Path
) -> tuple[list[SavedObject], list[str]]:
    saved: dict[str, SavedObject] = {}
    gone: list[str] = []
    async for named in rows.named_objects(connection):
        if named.key in saved:
            continue
        try:
            saved[named.key] = await _save(storage, named.key, folder)
        except ObjectNotFound:
            gone.append(named.key)
    return sorted(saved.values(), key=lambda each: each.key), sorted(gone)


async def _save(storage: ObjectStorage, key: str, folder: Path) -> SavedObject:
    path = folder / key
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


def _pack(folder: Path, target: Path) -> None:
    packed = folder.with_name(f"{folder.name}.tar")
    try:
        with tarfile.open(packed, "w") as archive:
            archive.add(folder, arcname="backup")
        packed.chmod(0o600)
        packed.rename(target)
    finally:
        packed.unlink(missing_ok=True)
