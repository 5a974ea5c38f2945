"""Rows that do not make it into the relation, and the stable codes that say why."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MAX_RAW_CHARACTERS = 2000
"""How much of a refused row's text is kept for quarantine."""


class RejectionCode(StrEnum):
    """Why a row was refused. Clients may rely on these."""

    MALFORMED_LINE = "malformed-line"
    DUPLICATE_FIELD = "duplicate-field"
    MISSING_KEY = "missing-key"
    NOT_NULL = "not-null"
    UNKNOWN_COLUMN = "unknown-column"
    WRONG_TYPE = "wrong-type"
    OUT_OF_RANGE = "out-of-range"
    TOO_LONG = "too-long"
    INVALID_TEXT = "invalid-text"
    PATTERN = "pattern"
    ONE_OF = "one-of"
    UNIQUE = "unique"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refused row: where it stood, why, and what it said."""

    line: int
    """From 1: the physical line (NDJSON, CSV) or the position of the element or row (JSON array, Parquet)."""
    code: RejectionCode
    column: str | None
    message: str
    raw: str
    """The row's text, cut to `MAX_RAW_CHARACTERS`; undecodable bytes replaced."""


RejectionSink = Callable[[Sequence[Rejection]], Awaitable[None]]
"""Takes refused rows in bounded portions. Called while no other statement runs on the batch's connection."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A bounded piece of a batch after decoding: accepted rows ready for COPY, refused rows beside them."""

    accepted: int
    payload: bytes
    """The accepted rows as `copying.encode_rows` writes them."""
    rejected: tuple[Rejection, ...] = ()

    @property
    def received(self) -> int:
        """Rows in this piece, accepted or not."""
        return self.accepted + len(self.rejected)


def clip(text: str | bytes) -> str:
    """The text as quarantine keeps it: decoded, without NUL, at most `MAX_RAW_CHARACTERS`."""
    if isinstance(text, bytes):
        text = text[: 4 * MAX_RAW_CHARACTERS].decode("utf-8", "replace")
    head = text[:MAX_RAW_CHARACTERS].replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return head.encode("utf-8", "replace").decode()
