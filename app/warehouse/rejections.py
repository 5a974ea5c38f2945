"""Rows that do not make it into the relation, and the stable codes that say why."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MAX_RAW_CHARACTERS = 2000
"""How much of a refused row's text is kept for quarantine."""

MAX_NAME_CHARACTERS = 200
"""How much of a column's name; PostgreSQL's own names have at most 63 bytes."""

MAX_MESSAGE_CHARACTERS = 500
"""How much of what is said about a fault."""

MAX_FAULTS = 20
"""Faults of one row that are listed: a row with more is no row of this contract, and each costs storage."""


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
    NOT_EXACT = "not-exact"
    TOO_MANY_FIELDS = "too-many-fields"


@dataclass(frozen=True, slots=True)
class RowFault:
    """One thing that is wrong with a row. Name and message are cut, and written so that PostgreSQL can store them."""

    code: RejectionCode
    column: str | None
    message: str
    set_aside: bool = False
    """Whether the schema may come to know what is wrong here, and its contract has such rows set aside until then."""

    def __post_init__(self) -> None:
        """Cut what a sender may have written: a name that the contract does not know is as long as they like."""
        if self.column is not None:
            object.__setattr__(self, "column", clip(self.column, MAX_NAME_CHARACTERS))
        object.__setattr__(self, "message", clip(self.message, MAX_MESSAGE_CHARACTERS))


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refused row: where it stood, why, what it said. `rejection_of` makes one of all that is wrong with a row."""

    line: int
    """From 1: the physical line (NDJSON, CSV) or the position of the element or row (JSON array, Parquet)."""
    code: RejectionCode
    column: str | None
    message: str
    """Code, column and message are those of the first fault."""
    raw: str
    """The row's text, cut to `MAX_RAW_CHARACTERS`; bytes that are no UTF-8 are written as in `\\xff`."""
    clipped: bool = False
    """Whether the row's text goes on beyond `raw`."""
    faults: tuple[RowFault, ...] = ()
    """All that is wrong with the row, at most `MAX_FAULTS`; never empty."""
    set_aside: bool = False
    """Whether all that is wrong with the row, listed or not, is of the kind that the contract has set aside: then no
    limit of refused rows counts the row."""

    def __post_init__(self) -> None:
        """Let a single fault be the list of faults, and the first of them be what a short report shows."""
        first = self.faults[0] if self.faults else RowFault(self.code, self.column, self.message)
        object.__setattr__(self, "column", first.column)
        object.__setattr__(self, "message", first.message)
        if not self.faults:
            object.__setattr__(self, "faults", (first,))


def rejection_of(line: int, raw: str | bytes, faults: Sequence[RowFault]) -> Rejection:
    """The refusal of a row for these faults, of which there is at least one."""
    first = faults[0]
    kept, set_aside = tuple(faults[:MAX_FAULTS]), all(fault.set_aside for fault in faults)
    return Rejection(line, first.code, first.column, first.message, clip(raw), is_clipped(raw), kept, set_aside)


RejectionSink = Callable[[Sequence[Rejection]], Awaitable[None]]
"""Takes refused rows in bounded portions. Called while no other statement runs on the batch's connection."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A bounded piece of a batch after decoding: accepted rows ready for COPY, refused rows beside them."""

    accepted: int
    payload: bytes
    """The accepted rows as `copying.encode_rows` writes them."""
    rejected: tuple[Rejection, ...] = ()
    notices: tuple[str, ...] = ()
    """What was left out of rows and refuses none of them, in words, such as columns that are ignored. The report of the
    batch shows each once, so the same words may come with every chunk."""

    @property
    def received(self) -> int:
        """Rows in this piece, accepted or not."""
        return self.accepted + len(self.rejected)


def clip(text: str | bytes, characters: int = MAX_RAW_CHARACTERS) -> str:
    r"""The text as quarantine keeps it: so many characters at most; what PostgreSQL cannot store is written as escapes.

    NUL becomes `\x00`, a byte that is no UTF-8 `\xff`, a lone surrogate `\ud800`.
    """
    if isinstance(text, bytes):
        text = text[: 4 * characters].decode("utf-8", "backslashreplace")
    head = text[:characters].encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    return head[:characters]


def is_clipped(text: str | bytes) -> bool:
    """Whether `clip` leaves out an end of the text."""
    if isinstance(text, bytes):
        if len(text) <= MAX_RAW_CHARACTERS:
            return False
        text = text[: 4 * MAX_RAW_CHARACTERS + 1].decode("utf-8", "backslashreplace")
    return len(text) > MAX_RAW_CHARACTERS
