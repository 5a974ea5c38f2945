"""The members of an archive that somebody handed over, a folder or a tar: each asked for by name, in its order.

Nothing in an archive is believed: no name in it becomes a path, no size makes room in memory, nothing is unpacked. A
reader says which member comes next and how large it may be; whatever else stands there is refused. Of tar that is what
`spyne` writes: plain files under short names, without the extensions in which a header may announce gigabytes.
"""

import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Protocol

BLOCK_BYTES: Final = 1024 * 1024
TAR_END: Final = b"\x00" * (2 * tarfile.BLOCKSIZE)
_PACKED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00")
"""How files of gzip, zstd, bzip2 and xz begin."""


class BadMemberError(ValueError):
    """What stands in the archive is not what has to come next; the message says how, and nothing of its content."""


class PackedError(BadMemberError):
    """The file is compressed."""


class Members(Protocol):
    """An archive, read member by member."""

    def expect(self, name: str, largest: int) -> int:
        """The size in bytes of the next member. Raises `BadMemberError`: it is another one, or larger than that."""

    def blocks(self, name: str) -> Iterator[bytes]:
        """The content of a member that was expected before; it may be read again. Raises `BadMemberError`, OSError."""

    def end(self) -> None:
        """Return when nothing else is in the archive. Raises `BadMemberError`."""


class FolderMembers:
    """The files of a folder. What else lies in it is never looked at."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def expect(self, name: str, largest: int) -> int:
        """As the protocol."""
        with self._opened(name) as file:
            size = os.fstat(file.fileno()).st_size
        if size > largest:
            raise BadMemberError(f"{name} has more bytes than it may have")
        return size

    def blocks(self, name: str) -> Iterator[bytes]:
        """As the protocol."""
        with self._opened(name) as file:
            while block := file.read(BLOCK_BYTES):
                yield block

    def end(self) -> None:
        """A folder has no end that could be missed."""

    def _opened(self, name: str) -> IO[bytes]:
        """The file, when it is a plain one: opening a pipe would wait for ever, a link may lead anywhere."""
        try:
            descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise BadMemberError(f"{name} is not there, or no plain file") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise BadMemberError(f"{name} is no plain file")
        return os.fdopen(descriptor, "rb")


class TarMembers:
    """The members of an unpacked tar, below one folder."""

    def __init__(self, file: IO[bytes], folder: str) -> None:
        """Takes a file that can be read from any place; names are those below the folder."""
        self._file = file
        self._folder = folder
        self._next = 0
        self._places: dict[str, tuple[int, int]] = {}

    def expect(self, name: str, largest: int) -> int:
        """As the protocol."""
        self._file.seek(self._next)
        header = read_header(self._file)
        if header is None:
            raise BadMemberError(f"{name} is missing")
        if header.name != f"{self._folder}/{name}":
            raise BadMemberError(f"something else stands where {name} has to")
        if header.size > largest:
            raise BadMemberError(f"{name} has more bytes than it may have")
        begin = self._next + tarfile.BLOCKSIZE
        self._places[name] = (begin, header.size)
        self._next = begin + header.size + -header.size % tarfile.BLOCKSIZE
        return header.size

    def blocks(self, name: str) -> Iterator[bytes]:
        """As the protocol."""
        position, left = self._places[name]
        while left:
            self._file.seek(position)
            block = self._file.read(min(left, BLOCK_BYTES))
            if not block:
                raise BadMemberError(f"{name} is cut")
            yield block
            position, left = position + len(block), left - len(block)

    def end(self) -> None:
        """As the protocol."""
        self._file.seek(self._next)
        if read_header(self._file) is not None:
            raise BadMemberError("it holds more than it says")


def read_header(file: IO[bytes]) -> tarfile.TarInfo | None:
    """The header of a plain file, from 512 bytes; None at the end of the archive. No extension of tar is followed.

    Raises:
        PackedError: a compressed file begins here.
        BadMemberError: this is no header, or that of a link, a device, a folder or an extension.
    """
    block = file.read(tarfile.BLOCKSIZE)
    if block.startswith(_PACKED):
        raise PackedError("it is compressed")
    if block == TAR_END[: tarfile.BLOCKSIZE]:
        return None
    try:
        header = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise BadMemberError("it is cut, or no tar") from error
    if header.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or header.size < 0:
        raise BadMemberError("it holds something else than plain files")
    return header


def header_of(name: str, size: int, moment: int) -> bytes:
    """The header of a member, which `read_header` reads.

    Args:
        name: path within the archive, of at most 100 ASCII characters.
        size: bytes of its content, which follows, filled up to a multiple of 512.
        moment: seconds since 1970.
    """
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, moment, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)  # a size beyond 8 GiB still needs no second header


def padding(size: int) -> bytes:
    """What fills a content of this size up."""
    return b"\x00" * (-size % tarfile.BLOCKSIZE)
