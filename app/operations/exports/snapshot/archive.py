"""The form of a snapshot: a tar of a head, of a PostgreSQL dump in parts of bounded size, and of a manifest.

Every member is written when it is complete, so that nobody ever holds more than a part; and every member begins with a
tag (HMAC-SHA-256 over the tag before and the content, by a key of the service secret). So a reader uses nothing
that was not checked, no member can be changed, moved or left out, and an archive without its manifest was cut.
"""

import gzip
import hashlib
import hmac
import zlib
from pathlib import Path
from typing import IO, Final, Literal, cast

import zstandard
from pydantic import Field, ValidationError

from app.kernel.dumping.engine import Copy
from app.kernel.dumping.members import BadMemberError, header_of, padding, read_header
from app.kernel.schemas import StrictModel
from app.kernel.security.secrets import ServiceSecret
from app.warehouse.naming import DATA_SCHEMA

VERSION: Final = 3
HEAD: Final = "snapshot.json"
DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"
PART_BYTES: Final = 4 * 1024 * 1024
MANIFEST_BYTES: Final = 64 * 1024 * 1024
"""A hundred bytes for each of half a million tables."""
_TAG_BYTES: Final = 32
_UNREADABLE: Final = (BadMemberError, OSError, EOFError, zlib.error, zstandard.ZstdError, ValidationError)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_LARGEST_WINDOW: Final = 128 * 1024 * 1024
"""What unpacking may hold in memory: zstd's own bound for archives of unknown origin."""

_EARLIER: Final = (
    "was taken by an earlier version of Spyne, whose snapshots were not signed and are not read any more. Restore it "
    "with the version that took it, and take a new one."
)


class NotASnapshotError(RuntimeError):
    """The file is no snapshot, or is damaged; the message says how."""


class Head(StrictModel, extra="ignore"):
    """What a reader has to know before it can check anything."""

    spyne_snapshot: int = Field(ge=0, le=999)
    secret: str = Field("", description="Shows whether a service secret is the one; gives nothing of it away.")


class Manifest(Copy):
    """What is in a snapshot. Sealed secrets open, and seals are made, with the secret of this sealing key alone."""

    spyne_snapshot: Literal[3] = VERSION
    app_role: str = Field(description="The runtime login.", min_length=1, max_length=63)
    sealing_key: str = Field(description="Public key of the audit seals, in hexadecimal.", pattern="^[0-9a-f]{64}$")
    tables: dict[str, int] = Field(description="Number of rows by table; a partitioned one has none of its own.")

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(self.tables.values())

    @property
    def relations(self) -> int:
        """Tables that are governed relations; the others are control tables."""
        return sum(name.startswith(f"{DATA_SCHEMA}.") for name in self.tables)


class Chain:
    """The tags of an archive's members, in their order."""

    def __init__(self, secret: ServiceSecret) -> None:
        self._key = secret.key("snapshot:members")
        self._last = bytes(_TAG_BYTES)

    def signed(self, content: bytes) -> bytes:
        """The next member: its tag, then the content."""
        self._last = hmac.digest(self._key, self._last + content, "sha256")
        return self._last + content

    def checked(self, data: bytes) -> bytes:
        """The content of the next member. Raises `BadMemberError`: its tag is not right."""
        content = data[_TAG_BYTES:]
        if not hmac.compare_digest(self.signed(content)[:_TAG_BYTES], data[:_TAG_BYTES]):
            raise BadMemberError("it was changed after it was written, or taken under another SPYNE_SECRET")
        return content


def head(secret: ServiceSecret) -> bytes:
    """The content of the first member."""
    return Head(spyne_snapshot=VERSION, secret=fingerprint(secret)).model_dump_json().encode()


def fingerprint(secret: ServiceSecret) -> str:
    """The mark by which a snapshot knows the service secret: 64 bits of a key that is used for nothing else."""
    return secret.key("snapshot:fingerprint").hex()[:16]


def member(name: str, content: bytes, moment: int) -> bytes:
    """A member of the archive, whole.

    Args:
        name: path within the archive.
        content: all of it.
        moment: seconds since 1970.
    """
    return header_of(name, len(content), moment) + content + padding(len(content))


def part_name(number: int) -> str:
    """The name of one part of the dump."""
    return f"{DUMP}/{number:06}"


def unpack(path: Path, target: Path, secret: ServiceSecret) -> Manifest:
    """The manifest of a snapshot, whose dump is written to the target. Raises `NotASnapshotError`."""
    try:
        with path.open("rb") as file, target.open("wb") as dump, _unpacked(file) as archive:
            return _read(path, archive, dump, secret)
    except _UNREADABLE as error:
        why = "its manifest has another form" if isinstance(error, ValidationError) else error
        raise NotASnapshotError(f"{path} is no snapshot that this version reads, or is damaged: {why}.") from error


def _read(path: Path, archive: IO[bytes], dump: IO[bytes], secret: ServiceSecret) -> Manifest:
    chain, digest, number = Chain(secret), hashlib.sha256(), 0
    _check_head(path, archive, secret, chain)
    while True:
        name, data = _member(archive, {part_name(number): PART_BYTES, MANIFEST: MANIFEST_BYTES})
        content = chain.checked(data)
        if name == MANIFEST:
            manifest = Manifest.model_validate_json(content)
            if manifest.dump_sha256 != digest.hexdigest():
                raise BadMemberError("the dump in it differs from its checksum")
            return manifest
        number += 1
        digest.update(content)
        dump.write(content)


def _check_head(path: Path, archive: IO[bytes], secret: ServiceSecret, chain: Chain) -> None:
    """Return when this is the head of a snapshot that was taken under the secret."""
    name, data = _member(archive, {HEAD: PART_BYTES, part_name(0): PART_BYTES})
    signed = data[_TAG_BYTES:]
    found = _head(data) or _head(signed)
    if name != HEAD or (found is not None and found.spyne_snapshot < VERSION):
        raise NotASnapshotError(f"{path} {_EARLIER}")
    if found is not None and found.spyne_snapshot > VERSION:
        raise NotASnapshotError(f"{path} is a snapshot of version {found.spyne_snapshot}; this one reads {VERSION}.")
    if found is not None and found.secret != fingerprint(secret):
        raise NotASnapshotError(
            f"{path} was taken under another SPYNE_SECRET: without it nobody can tell whether it was changed, and "
            "nothing sealed in it can be opened. Set SPYNE_SECRET to that one, run `spyne migrate`, and restore again."
        )
    chain.checked(data)


def _head(data: bytes) -> Head | None:
    try:
        return Head.model_validate_json(data)
    except ValidationError:
        return None


def _member(archive: IO[bytes], largest: dict[str, int]) -> tuple[str, bytes]:
    """Name and data of the next member, of those that may stand here, with the bytes that their content may have."""
    header = read_header(archive)
    if header is None:
        raise BadMemberError("it is not whole")
    if header.name not in largest:
        raise BadMemberError("something else stands where a part has to")
    if header.size > largest[header.name] + _TAG_BYTES:
        raise BadMemberError("a part is larger than parts are")
    data = archive.read(header.size)
    archive.read(len(padding(header.size)))
    if len(data) != header.size:
        raise BadMemberError("it is cut")
    return header.name, data


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(_GZIP):
        return cast("IO[bytes]", gzip.open(file))
    if magic == _ZSTD:
        bounded = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        return cast("IO[bytes]", bounded.stream_reader(file, closefd=False))
    return file
