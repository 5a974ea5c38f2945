"""The form of a snapshot: a tar of a PostgreSQL dump in parts of bounded size, and of what the copy says of itself.

Every member is written when it is complete, so that nobody ever holds more than a part. The manifest is the last: an
archive without one was cut.
"""

import gzip
import hashlib
import tarfile
import zlib
from pathlib import Path
from typing import IO, Final, Literal, cast

import zstandard
from pydantic import Field, ValidationError

from app.kernel.dumping.engine import Copy
from app.warehouse.naming import DATA_SCHEMA

VERSION: Final = 2
DUMP: Final = "database.dump"
MANIFEST: Final = "snapshot.json"
PART_BYTES: Final = 4 * 1024 * 1024
TAR_END: Final = b"\x00" * (2 * tarfile.BLOCKSIZE)
_UNREADABLE: Final = (tarfile.TarError, OSError, EOFError, zlib.error, zstandard.ZstdError, ValidationError)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class NotASnapshotError(RuntimeError):
    """The file is no snapshot, or is damaged; the message says how."""


class Manifest(Copy):
    """What is in a snapshot. Sealed secrets open, and seals are made, with the secret of this sealing key alone."""

    spyne_snapshot: Literal[2] = VERSION
    app_role: str = Field(description="The runtime login.")
    sealing_key: str = Field(description="Public key of the audit seals, in hexadecimal.")
    tables: dict[str, int] = Field(description="Number of rows by table; a partitioned one has none of its own.")

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(self.tables.values())

    @property
    def relations(self) -> int:
        """Tables that are governed relations; the others are control tables."""
        return sum(name.startswith(f"{DATA_SCHEMA}.") for name in self.tables)


def member(name: str, content: bytes, moment: int) -> bytes:
    """A member of the archive, whole.

    Args:
        name: path within the archive.
        content: all of it.
        moment: seconds since 1970.
    """
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(content), moment, 0o600
    padding = -len(content) % tarfile.BLOCKSIZE
    return info.tobuf(tarfile.PAX_FORMAT) + content + b"\x00" * padding


def part_name(number: int) -> str:
    """The name of one part of the dump."""
    return f"{DUMP}/{number:06}"


def unpack(path: Path, target: Path) -> Manifest:
    """The manifest of a snapshot, whose dump is written to the target. Raises `NotASnapshotError`."""
    digest, number = hashlib.sha256(), 0
    with path.open("rb") as file, target.open("wb") as dump:
        try:
            with tarfile.open(fileobj=_unpacked(file), mode="r|") as archive:
                for info in archive:
                    content = archive.extractfile(info)
                    data = b"" if content is None else content.read()
                    if info.name == MANIFEST:
                        return _matching(path, Manifest.model_validate_json(data), digest.hexdigest())
                    if info.name != part_name(number):
                        break
                    number += 1
                    digest.update(data)
                    dump.write(data)
        except _UNREADABLE as error:
            raise NotASnapshotError(f"{path} is no snapshot that this version reads, or is damaged: {error}") from error
    raise NotASnapshotError(f"{path} is no snapshot that this version reads, or is not whole.")


def _matching(path: Path, manifest: Manifest, sha256: str) -> Manifest:
    if manifest.dump_sha256 != sha256:
        raise NotASnapshotError(f"{path} is damaged: the dump in it differs from its checksum.")
    return manifest


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(_GZIP):
        return cast("IO[bytes]", gzip.open(file))
    if magic == _ZSTD:
        return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(file))
    return file
