"""The form of a snapshot: a tar of a head, the rows of every table in parts of bounded size, and an end with checksums.

Parts are PostgreSQL's COPY text; joined in order they are what `COPY … FROM` reads. Every member is written when it is
complete, so that neither side ever holds more than a part.
"""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

import orjson
import zstandard

VERSION: Final = 1
HEAD: Final = "snapshot.json"
END: Final = "checksums.json"
PART_BYTES: Final = 4 * 1024 * 1024
TAR_END: Final = b"\x00" * (2 * tarfile.BLOCKSIZE)
_UNREADABLE: Final = (tarfile.TarError, OSError, EOFError, zlib.error, zstandard.ZstdError, ValueError)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class NotASnapshotError(RuntimeError):
    """The file is no snapshot, or is damaged; the message says how."""


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


def document(content: dict[str, Any]) -> bytes:
    """A document of the archive."""
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@dataclass(slots=True)
class Tally:
    """What went by of one table: rows, bytes and their SHA-256."""

    rows: int = 0
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def take(self, data: bytes) -> bytes:
        """The data, counted. COPY text has one line feed per row: those of values are escaped."""
        self.rows += data.count(b"\n")
        self.size += len(data)
        self.digest.update(data)
        return data

    def document(self) -> dict[str, Any]:
        """As it stands in the end."""
        return {"rows": self.rows, "bytes": self.size, "sha256": self.digest.hexdigest()}


class Archive:
    """A snapshot that is read, from its begin to its end, once."""

    def __init__(self, path: Path) -> None:
        """Raises `NotASnapshotError`."""
        self._path = path
        self._file = path.open("rb")
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        try:
            self._tar = tarfile.open(fileobj=_unpacked(self._file), mode="r|")  # noqa: SIM115 - by `close`
            self._members = iter(self._tar)
            name, first = self._next()
            self.head: dict[str, Any] = orjson.loads(first) if name == HEAD else {}
        except _UNREADABLE as error:
            raise NotASnapshotError(f"{self._path} is no snapshot: {error}") from error
        if self.head.get("spyne_snapshot") != VERSION:
            raise NotASnapshotError(f"{self._path} is no snapshot that this version reads.")
        self._name, self._content = self._next()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def parts(self, label: str) -> Iterator[bytes]:
        """The parts of a table, which come next in the archive. Raises `NotASnapshotError` when they are damaged."""
        while self._name.startswith(f"{label}/"):
            content = self._content
            self._name, self._content = self._next()
            yield content

    def end(self) -> dict[str, Any]:
        """The checksums. Raises `NotASnapshotError` when the archive goes on, or was cut."""
        if self._name != END:
            raise NotASnapshotError(f"{self._path} is not whole: {self._name or 'its end'} was not expected.")
        found: dict[str, Any] = orjson.loads(self._content)
        return found

    def _next(self) -> tuple[str, bytes]:
        try:
            info = next(self._members, None)
            file = None if info is None else self._tar.extractfile(info)
            return ("", b"") if info is None or file is None else (info.name, file.read())
        except _UNREADABLE as error:
            raise NotASnapshotError(f"{self._path} is damaged: {error}") from error


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(_GZIP):
        return cast("IO[bytes]", gzip.open(file))
    if magic == _ZSTD:
        return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(file))
    return file
