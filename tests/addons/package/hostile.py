"""Tar and gzip built byte by byte, so that tests can say what no archiver would."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterable

BLOCK = 512
END = b"\0" * (2 * BLOCK)
Parts = Iterable[bytes]


def header(
    name: bytes | str,
    size: int = 0,
    kind: bytes = tarfile.REGTYPE,
    *,
    link: bytes = b"",
    prefix: bytes = b"",
    size_field: bytes | None = None,
    magic: bytes = b"ustar\x0000",
) -> bytes:
    """One header block with its checksum."""
    encoded = name.encode() if isinstance(name, str) else name
    fields = [
        encoded.ljust(100, b"\0")[:100],
        b"0000644\0" + b"0000000\0" * 2,
        (size_field if size_field is not None else f"{size:011o}\0".encode()).ljust(12, b"\0"),
        b"00000000000\0",
        b" " * 8,
        kind,
        link.ljust(100, b"\0"),
        magic,
        b"\0" * 80,
        prefix.ljust(155, b"\0"),
        b"\0" * 12,
    ]
    block = b"".join(fields)
    assert len(block) == BLOCK
    checksum = f"{sum(block):06o}\0 ".encode()
    return block[:148] + checksum + block[156:]


def padded(content: bytes) -> bytes:
    """The content filled up to whole blocks."""
    return content + b"\0" * (-len(content) % BLOCK)


def file(name: bytes | str, content: bytes = b"x\n") -> bytes:
    """A file with its header."""
    return header(name, len(content)) + padded(content)


def folder(name: str) -> bytes:
    """A folder."""
    return header(name, kind=tarfile.DIRTYPE)


def special(name: str, kind: bytes, content: bytes = b"", link: bytes = b"") -> bytes:
    """An entry of another type."""
    return header(name, len(content), kind, link=link) + padded(content)


def pax(records: dict[str, str] | bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """An extended header."""
    body = records if isinstance(records, bytes) else b"".join(_record(*each) for each in records.items())
    return header("./PaxHeaders/x", len(body), kind) + padded(body)


def _record(keyword: str, value: str) -> bytes:
    rest = f" {keyword}={value}\n".encode()
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def archive(*parts: bytes) -> bytes:
    """A gzip file of those parts and the closing blocks."""
    return gzip.compress(b"".join(parts) + END, 6, mtime=0)


def bomb(name: str, size: int) -> bytes:
    """A gzip file whose one entry has that many zero bytes; made without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = io.BytesIO()
    packed.write(packer.compress(header(name, size)))
    piece = b"\0" * (1024 * 1024)
    for _ in range(size // len(piece)):
        packed.write(packer.compress(piece))
    packed.write(packer.compress(END) + packer.flush())
    return packed.getvalue()
