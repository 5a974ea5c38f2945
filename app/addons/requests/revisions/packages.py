"""Packages in the object storage: one archive per revision, always written by the service itself."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.addons.package.archives import read_archive, write_archive
from app.addons.package.entries import ArchiveFault
from app.addons.package.files import Package
from app.addons.requests.revisions.models import TARevision
from app.addons.requests.revisions.problems import InvalidPackage, PackageGone
from app.addons.requests.samples.service import PREFIX
from app.kernel.storage.object_storage import ObjectStorage, StoredObject


def package_key(request_id: UUID, revision_id: UUID) -> str:
    """The key of a revision's archive."""
    return f"{PREFIX}/{request_id}/revisions/{revision_id}"


@dataclass(frozen=True, slots=True)
class StoredPackage:
    """A package that is kept."""

    name: str
    stored: StoredObject
    files: list[dict[str, Any]]
    """Path, bytes and SHA-256 of every file, by path."""


@dataclass(frozen=True, slots=True)
class KeptRevision:
    """What is needed of a revision's row to read the archive when the row's session is over."""

    package_name: str
    version: int
    sha256: str
    object_key: str | None

    @classmethod
    def of(cls, row: TARevision) -> "KeptRevision":
        """The revision of a row."""
        return cls(row.package_name, row.version, row.sha256, row.object_key)


class Packages:
    """Keeps and reads packages."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage

    async def keep(self, key: str, package: Package) -> StoredPackage:
        """The package, kept under the key. Raises `StorageUnavailable`."""
        archive = await asyncio.to_thread(write_archive, package)
        async with self._storage.writer(key) as writer:
            await writer.write(archive)
        return StoredPackage(package.name, writer.stored, file_list(package))

    async def archive(self, revision: KeptRevision) -> bytes:
        """The archive of a revision. Raises `PackageGone`, `StorageUnavailable`."""
        if revision.object_key is None:
            raise PackageGone(f"Version {revision.version} was removed by a rule of retention.")
        return b"".join([block async for block in self._storage.get_stream(revision.object_key)])

    async def package(self, revision: KeptRevision) -> Package:
        """The package of a revision. Raises `PackageGone`, `StorageUnavailable`."""
        archive = await self.archive(revision)
        return await asyncio.to_thread(read_archive, archive)

    async def discard(self, key: str) -> None:
        """Remove an archive, if it is there. Raises `StorageUnavailable`."""
        await self._storage.delete(key)


async def package_of(archive: bytes, name: str) -> Package:
    """The package in an uploaded archive, which is of the add-on of this name. Raises `InvalidPackage`."""
    try:
        package = await asyncio.to_thread(read_archive, archive)
    except ArchiveFault as fault:
        raise InvalidPackage.of(fault) from None
    if package.name != name:
        message = f"The package's folder is {package.name[:100]}; this request is for {name}."
        raise InvalidPackage("wrong-name", message, package.name[:200])
    return package


def file_list(package: Package) -> list[dict[str, Any]]:
    """Path, bytes and SHA-256 of every file, by path."""
    return [
        {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in sorted(package.files.items())
    ]
