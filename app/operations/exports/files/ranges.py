"""A range of bytes of a file, as requests ask for it (RFC 9110 section 14). Pure."""

import re
from dataclasses import dataclass
from typing import Final

_ONE: Final = re.compile(r"bytes=\s*(?:(\d{1,19})-(\d{1,19})?|-(\d{1,19}))\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to before `stop`."""

    start: int
    stop: int

    def content_range(self, size: int) -> str:
        """The header of the answer."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


class UnsatisfiableError(ValueError):
    """The range has no byte of the file."""


def wanted_range(header: str | None, size: int) -> ByteRange | None:
    """The range, or None when the whole file is to be answered.

    A header that is malformed, of another unit, or of several ranges is ignored, as RFC 9110 section 14.2 allows.

    Raises:
        UnsatisfiableError: it is sound and lies outside of the file.
    """
    match = _ONE.fullmatch(header) if header is not None else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        length = int(suffix)
        if length == 0 or size == 0:
            raise UnsatisfiableError
        return ByteRange(max(0, size - length), size)
    start = int(first)
    stop = size if last is None else min(int(last) + 1, size)
    if last is not None and int(last) < start:
        return None
    if start >= size:
        raise UnsatisfiableError
    return ByteRange(start, stop)


def range_holds(if_range: str | None, etag: str) -> bool:
    """Whether a Range header counts: there is no `If-Range`, or it names this strong ETag (RFC 9110 section 13.1.5).

    A date never does: a file can be made anew within a second.
    """
    return if_range is None or if_range.strip() == etag


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether `If-None-Match` names the ETag, by the weak comparison (RFC 9110 section 13.1.2)."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
