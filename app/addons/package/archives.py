"""Archives of packages: `.tar.gz`, `.tgz` and `.spl` (the same under Splunk's name), read as hostile, written the same.

Reading never unpacks to disk and never holds more than `ArchiveLimits` allow: the gzip stream is decompressed in small
pieces, every tar header is judged before the bytes of its file are taken, and a fault names the entry. Headers are
`ustar` (POSIX.1-1988); PAX records (POSIX.1-2001) are taken only where they say nothing about names or sizes.
Rules of names and contents: `app/addons/package/entries.py`.
"""

import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.addons.package.conf import MAX_CONF_BYTES
from app.addons.package.entries import ArchiveFault, PathIndex, check_content, check_path, is_conf, shown
from app.addons.package.files import Package

_MIB = 1024 * 1024
_BLOCK: Final = 512
_PIECE: Final = 64 * 1024
_GZIP_WINDOW: Final = 31
"""zlib's `wbits` for a gzip stream with its header and checksum."""
_FILE_TYPES: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)
_PAX_TYPES: Final = (tarfile.XHDTYPE, tarfile.XGLTYPE)
_REFUSED_TYPES: Final = {
    tarfile.SYMTYPE: ("link", "the entry is a symbolic link"),
    tarfile.LNKTYPE: ("link", "the entry is a hard link"),
    tarfile.CHRTYPE: ("device", "the entry is a character device"),
    tarfile.BLKTYPE: ("device", "the entry is a block device"),
    tarfile.FIFOTYPE: ("device", "the entry is a named pipe"),
    tarfile.CONTTYPE: ("unknown-entry-type", "the entry is a contiguous file"),
    tarfile.GNUTYPE_LONGNAME: ("long-name", "the entry is a GNU header that replaces the next entry's name"),
    tarfile.GNUTYPE_LONGLINK: ("link", "the entry is a GNU header of a long link"),
    tarfile.GNUTYPE_SPARSE: ("sparse", "the entry is a sparse file"),
    tarfile.SOLARIS_XHDTYPE: ("pax-header", "the entry is a Solaris extended header"),
}
_HARMLESS_PAX: Final = frozenset(
    {"atime", "charset", "comment", "ctime", "gid", "gname", "mtime", "uid", "uname"}
)  # fmt: skip
"""PAX keywords (pax(1)) that say nothing about name, size, links or kind. Times and owners are not kept."""
_HARMLESS_PAX_VENDORS: Final = (
    "LIBARCHIVE.",
    "SCHILY.xattr.",
    "SCHILY.acl.",
    "SCHILY.dev",
    "SCHILY.ino",
    "SCHILY.nlink",
)
"""What macOS and star add about attributes; no reader of ours looks at them."""
_PAX_LENGTH: Final = re.compile(rb"([1-9][0-9]{0,7}) ")
_FOLDER_MODE: Final = 0o755
_FILE_MODE: Final = 0o644


@dataclass(frozen=True)
class ArchiveLimits:
    """How much an archive may hold, in bytes and entries. The defaults are far beyond any add-on of conf files."""

    packed_bytes: int = 32 * _MIB
    """Of the compressed file."""
    unpacked_bytes: int = 64 * _MIB
    """Of the tar stream, padding and headers too: all of it is held in memory."""
    file_bytes: int = 16 * _MIB
    """Of one file; only lookups come near."""
    entries: int = 2_000
    """Files and folders."""
    pax_bytes: int = 64 * 1024
    """Of one extended header; macOS writes some hundred bytes."""
    ratio: int = 250
    """Unpacked to packed, counted once `ratio_from` bytes are unpacked. Repetitive lookups reach 50, a bomb 1,000."""
    ratio_from: int = _MIB


DEFAULT_LIMITS: Final = ArchiveLimits()


def read_archive(content: bytes, limits: ArchiveLimits = DEFAULT_LIMITS) -> Package:
    """The package of that archive; raises ArchiveFault, which names the entry, for anything that is not plainly one."""
    view = memoryview(content)
    return _read((view[at : at + _PIECE].tobytes() for at in range(0, len(content), _PIECE)), limits)


def read_archive_file(path: Path, limits: ArchiveLimits = DEFAULT_LIMITS) -> Package:
    """The package of that archive on disk, read in pieces; raises ArchiveFault, and OSError where it cannot be read."""
    with path.open("rb") as file:
        return _read(iter(lambda: file.read(_PIECE), b""), limits)


def write_archive(package: Package) -> bytes:
    """The package as a `.tar.gz` with one top folder: the same bytes for the same package, read back to the same.

    Sorted names, time 0, owner root, fixed modes, a gzip header without name and time. Raises ArchiveFault for a
    package that `read_archive` would refuse.
    """
    entries = _Entries(DEFAULT_LIMITS)
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP_WINDOW)
    if not package.files:
        raise ArchiveFault("empty", "the package holds no file", package.name)
    if len(check_path(package.name)) > 1:
        raise ArchiveFault("name-not-plain", "the package's name is more than one folder", package.name)
    packed = [packer.compress(_header(f"{package.name}/", None))]
    written = {package.name}
    for path in sorted(package.files):
        content = package.files[path]
        full = f"{package.name}/{path}"
        entries.add(full, content)
        parts = full.split("/")
        for length in range(2, len(parts)):
            folder = "/".join(parts[:length])
            if folder not in written:
                written.add(folder)
                packed.append(packer.compress(_header(f"{folder}/", None)))
        packed.append(packer.compress(_header(full, len(content)) + content + b"\0" * (-len(content) % _BLOCK)))
    packed += [packer.compress(b"\0" * (2 * _BLOCK)), packer.flush()]
    return b"".join(packed)


def _header(name: str, size: int | None) -> bytes:
    """The `ustar` header of a file of that size; of a folder where the size is None."""
    info = tarfile.TarInfo(name.rstrip("/"))
    info.type = tarfile.DIRTYPE if size is None else tarfile.REGTYPE
    info.mode = _FOLDER_MODE if size is None else _FILE_MODE
    info.size = size or 0
    info.uname = info.gname = "root"
    try:
        return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
    except (ValueError, UnicodeError) as error:
        raise ArchiveFault("path-too-long", f"no tar header can hold the name: {error}", name) from error


class _Entries:
    """The files of one archive while it is read or written, and what they may be."""

    def __init__(self, limits: ArchiveLimits) -> None:
        self.files: dict[str, bytes] = {}
        self.top: str | None = None
        self._limits = limits
        self._index = PathIndex()
        self._count = 0

    def check_size(self, path: str, size: int) -> None:
        """Refuse a file before its bytes are read."""
        most = min(self._limits.file_bytes, MAX_CONF_BYTES) if is_conf(path) else self._limits.file_bytes
        if size > most:
            code = "conf-too-large" if is_conf(path) else "file-too-large"
            raise ArchiveFault(code, f"the file has {size} bytes, at most {most} are taken", path)

    def parts_below(self, path: str) -> tuple[str, ...]:
        """The parts of the entry's path, its top folder the same as that of all others."""
        self._count += 1
        if self._count > self._limits.entries:
            raise ArchiveFault("too-many-entries", f"more than {self._limits.entries} entries", path)
        parts = check_path(path)
        if self.top is not None and parts[0] != self.top:
            raise ArchiveFault(
                "many-top-folders", f"the archive has the top folder {shown(self.top)}, and only one may be", path
            )
        return parts

    def add_folder(self, path: str) -> None:
        """Take in a folder."""
        parts = self.parts_below(path)
        self.top = parts[0]
        self._index.add_folder(parts)

    def add(self, path: str, content: bytes) -> None:
        """Take in a file with its content."""
        parts = self.parts_below(path)
        if len(parts) == 1:
            raise ArchiveFault("file-at-root", "the file stands outside of the package's folder", path)
        self.top = parts[0]
        self.check_size(path, len(content))
        self._index.add_file(parts)
        check_content(path, content)
        self.files["/".join(parts[1:])] = content


class _Unpacked:
    """The decompressed stream: yields no more bytes than were asked for, and none beyond the limits."""

    def __init__(self, pieces: Iterable[bytes], limits: ArchiveLimits) -> None:
        self._pieces = iter(pieces)
        self._limits = limits
        self._unpacker = zlib.decompressobj(_GZIP_WINDOW)
        self._taken = 0
        self._given = 0
        self._kept = b""
        self.entry: str | None = None

    def read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end of the stream."""
        parts: list[bytes] = []
        missing = size
        while missing and not self._unpacker.eof:
            packed = self._unpacker.unconsumed_tail or self._next_piece()
            try:
                part = self._unpacker.decompress(packed, min(missing, _PIECE))
            except zlib.error as error:
                raise ArchiveFault("not-gzip", f"the gzip stream is broken: {error}", self.entry) from error
            self._given += len(part)
            self._check_amounts()
            if not part and not packed and not self._unpacker.eof:
                raise ArchiveFault("truncated", "the file ends within the gzip stream", self.entry)
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def check_end(self) -> None:
        """Refuse a file that goes on after the gzip stream, or ends before the stream's checksum."""
        while not self._unpacker.eof:
            if self.read(_PIECE).strip(b"\0"):
                raise ArchiveFault("trailing-garbage", "bytes stand after the end of the tar archive", self.entry)
        if self._unpacker.unused_data or self._next_piece():
            raise ArchiveFault("trailing-garbage", "bytes stand after the end of the gzip stream", self.entry)

    def _next_piece(self) -> bytes:
        piece = next(self._pieces, b"")
        self._taken += len(piece)
        if self._taken > self._limits.packed_bytes:
            raise ArchiveFault("too-large", f"the archive has more than {self._limits.packed_bytes} bytes", self.entry)
        return piece

    def _check_amounts(self) -> None:
        if self._given > self._limits.unpacked_bytes:
            reason = f"the archive unpacks to more than {self._limits.unpacked_bytes} bytes"
            raise ArchiveFault("too-large-unpacked", reason, self.entry)
        used = max(1, self._taken - len(self._unpacker.unconsumed_tail))
        if self._given > self._limits.ratio_from and self._given > used * self._limits.ratio:
            reason = f"the archive unpacks to more than {self._limits.ratio} times its bytes"
            raise ArchiveFault("bomb", reason, self.entry)


def _read(pieces: Iterator[bytes], limits: ArchiveLimits) -> Package:
    first = next(pieces, b"")
    _check_kind(first)
    stream = _Unpacked(_after(first, pieces), limits)
    entries = _Entries(limits)
    for info in _members(stream, limits):
        path = info.name.removeprefix("./")
        if info.isdir():
            if path != ".":
                entries.add_folder(path)
            continue
        entries.check_size(path, info.size)
        entries.add(path, _data(stream, info.size))
    stream.check_end()
    if entries.top is None or not entries.files:
        raise ArchiveFault("empty", "the archive holds no file", entries.top)
    return Package(entries.top, entries.files)


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _check_kind(first: bytes) -> None:
    """Refuse what is no gzip file, by its first bytes."""
    if not first:
        raise ArchiveFault("empty", "the file is empty")
    if first.startswith(b"PK"):
        raise ArchiveFault("not-gzip", "the file is a ZIP archive; Splunk installs .tar.gz, .tgz and .spl")
    if first[257:262] == b"ustar":
        raise ArchiveFault("not-gzip", "the file is a tar archive that is not compressed by gzip")
    if not first.startswith(b"\x1f\x8b"):
        raise ArchiveFault("not-gzip", "the file is no gzip file; a package is a .tar.gz, .tgz or .spl")


def _members(stream: _Unpacked, limits: ArchiveLimits) -> Iterator[tarfile.TarInfo]:
    """The headers of files and folders in turn; the caller reads the bytes of each file before the next."""
    while True:
        block = stream.read(_BLOCK)
        if len(block) < _BLOCK:
            raise ArchiveFault("truncated", "the tar archive ends without its closing blocks", stream.entry)
        if not block.strip(b"\0"):
            second = stream.read(_BLOCK)
            if len(second) < _BLOCK:
                raise ArchiveFault("truncated", "the tar archive ends within its closing blocks", stream.entry)
            if second.strip(b"\0"):
                raise ArchiveFault("trailing-garbage", "bytes stand after the end of the tar archive", stream.entry)
            return
        info = _parsed_header(block, stream.entry)
        stream.entry = info.name
        _check_header(info)
        if info.type not in _PAX_TYPES:
            yield info
            continue
        if info.size > limits.pax_bytes:
            raise ArchiveFault("pax-header", f"an extended header of {info.size} bytes", info.name)
        _check_pax(_data(stream, info.size), info.name)


def _parsed_header(block: bytes, before: str | None) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except UnicodeDecodeError as error:
        name = block[:100].rstrip(b"\0").decode("utf-8", errors="backslashreplace")
        raise ArchiveFault("undecodable-name", "the name is not UTF-8", name) from error
    except tarfile.HeaderError as error:
        reason = "no tar header follows this entry: its size is wrong or the archive is broken"
        raise ArchiveFault("broken-header", reason if before else "the first block is no tar header", before) from error
    for field in (block[:100], block[345:500] if block[257:262] == b"ustar" else b""):
        if field.partition(b"\0")[2].strip(b"\0") and info.type != tarfile.GNUTYPE_SPARSE:
            raise ArchiveFault("control-character", "the name goes on after a NUL", info.name)
    return info


def _check_header(info: tarfile.TarInfo) -> None:
    if info.type in _REFUSED_TYPES:
        code, reason = _REFUSED_TYPES[info.type]
        raise ArchiveFault(code, reason, info.name)
    if info.type not in (*_FILE_TYPES, *_PAX_TYPES, tarfile.DIRTYPE):
        raise ArchiveFault("unknown-entry-type", f"the entry is of the unknown type {info.type!r}", info.name)
    if info.size < 0:
        raise ArchiveFault("size-lies", "the entry's size is negative", info.name)
    if info.isdir() and info.size:
        raise ArchiveFault("size-lies", "a folder that claims to have bytes", info.name)
    if info.linkname:
        raise ArchiveFault("link", "the entry names another entry as its target", info.name)


def _data(stream: _Unpacked, size: int) -> bytes:
    """The entry's bytes, its padding read and dropped."""
    content = stream.read(size)
    padding = stream.read(-size % _BLOCK)
    if len(content) < size or len(padding) < -size % _BLOCK:
        raise ArchiveFault("truncated", "the archive ends within the entry", stream.entry)
    return content


def _check_pax(records: bytes, entry: str) -> None:
    """Raise ArchiveFault for records that are malformed or say more than times, owners and attributes."""
    at = 0
    while at < len(records):
        found = _PAX_LENGTH.match(records, at)
        record = b"" if found is None else records[found.end() : at + int(found[1])]
        keyword, equals, _ = record.partition(b"=")
        if found is None or not record.endswith(b"\n") or not equals or at + int(found[1]) > len(records):
            raise ArchiveFault("pax-header", "an extended header that cannot be read", entry)
        name = keyword.decode("utf-8", errors="replace")
        if name not in _HARMLESS_PAX and not name.startswith(_HARMLESS_PAX_VENDORS):
            code = "sparse" if name.startswith("GNU.sparse") else "pax-header"
            raise ArchiveFault(code, f"an extended header that redefines {name[:40]!r}", entry)
        at += int(found[1])
