"""Frames between the service and the process: a length of 8 bytes (big-endian), and as many bytes."""

from typing import BinaryIO, Final

LENGTH_BYTES: Final = 8


def frame(content: bytes) -> bytes:
    """The content as a frame."""
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def read_frame(source: BinaryIO) -> bytes:
    """The content of the next frame. Raises EOFError."""
    return _exactly(source, int.from_bytes(_exactly(source, LENGTH_BYTES), "big"))


def _exactly(source: BinaryIO, size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise EOFError
    return found
