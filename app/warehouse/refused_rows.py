"""The refused rows of one batch: all are counted, the first are kept, and too many of them end the batch.

Memory and work are bounded whatever the batch holds: a portion of rows, a sample, counts of so many different faults.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.kernel.problems import InvalidRequest
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, RejectionSink

PORTION = 1000
"""Refused rows handed to the sink at once; about 2 MB at the longest raw texts."""

SAMPLE = 20
"""Refused rows that a problem or report shows."""

KEPT_ROWS = 10_000
"""Refused rows of a batch that are kept, enough to find what is wrong: about 20 MB at the longest raw texts."""

REFUSED_AT_FIRST = 100_000
"""Refused rows without an accepted one after which nothing is expected of a batch; read in a few seconds."""

MAX_NOTICES = 20
"""Notices of a batch that its report shows."""

MAX_FAULT_KINDS = 100
"""Different faults (code, column) that are counted apart: names of unknown columns are the sender's to choose."""


class RejectLimitExceeded(InvalidRequest):
    """More rows were refused than the batch allows; nothing of the batch is stored."""

    code, title = "reject-limit-exceeded", "Too many rows were refused"


@dataclass(frozen=True, slots=True)
class RejectLimits:
    """How many refused rows a batch may have before it fails as a whole; None is unlimited."""

    rows: int | None = None
    share: float | None = None
    """Share of the rows received, between 0 and 1."""


UNLIMITED = RejectLimits()


@dataclass(frozen=True, slots=True)
class RefusalBounds:
    """How much work and room a batch may cost by its refused rows."""

    kept: int = KEPT_ROWS
    """Rows that are kept; the rest is counted."""
    at_first: int = REFUSED_AT_FIRST
    """Reading ends after so many refused rows when none was accepted before."""


USUAL_BOUNDS = RefusalBounds()


@dataclass(frozen=True, slots=True)
class FaultCount:
    """How many rows have a fault."""

    code: str
    column: str | None
    rows: int

    def document(self) -> dict[str, Any]:
        """The count as reports and problems show it."""
        return {"code": self.code, "column": self.column, "rows": self.rows}


class FaultCounts:
    """Counts rows by fault: by code and column, as long as there are few; beyond that by code alone."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str | None]] = Counter()

    def add(self, code: RejectionCode, column: str | None, rows: int = 1) -> None:
        """Count rows that have this fault."""
        kind: tuple[str, str | None] = (code.value, column)
        if kind not in self._rows and len(self._rows) >= MAX_FAULT_KINDS:
            kind = (code.value, None)
        self._rows[kind] += rows

    def add_row(self, row: Rejection) -> None:
        """Count all faults of a row; one that it has several times counts once."""
        for code, column in dict.fromkeys((fault.code, fault.column) for fault in row.faults):
            self.add(code, column)

    def listed(self) -> list[FaultCount]:
        """The counts, the largest first: at most `MAX_FAULT_KINDS`, and one more for each code."""
        kinds = sorted(self._rows.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
        return [FaultCount(code, column, rows) for (code, column), rows in kinds]


class RefusedRows:
    """Takes the rows of a batch as they come, and its refused ones to where they are kept."""

    def __init__(self, sink: RejectionSink, limits: RejectLimits, bounds: RefusalBounds) -> None:
        """Binds to where refused rows are kept, and to what the batch may have of them."""
        self._sink = sink
        self._limits = limits
        self._bounds = bounds
        self._pending: list[Rejection] = []
        self._handed_over = 0
        self.received = 0
        self.accepted = 0
        """Rows that are as the contract demands, when each is looked at by itself."""
        self.rejected = 0
        """Rows that were refused, without conflicts."""
        self.set_aside = 0
        """Those of them that were set aside until the schema knows what they bring: no limit counts them."""
        self.sample: list[Rejection] = []
        self.faults = FaultCounts()
        self.notices: dict[str, None] = {}
        """What readers left out, each once, in the order in which it came up."""

    @property
    def kept(self) -> int:
        """Rows that are kept, or will be with the next portions."""
        return self._handed_over + len(self._pending)

    @property
    def due(self) -> bool:
        """Whether a portion waits."""
        return len(self._pending) >= PORTION

    @property
    def hopeless(self) -> bool:
        """Whether so many rows were refused before any was accepted that the rest is not worth reading.

        Rows that were set aside say nothing of it: they are refused for what the schema does not know yet.
        """
        return not self.accepted and self._limited > self._bounds.at_first

    @property
    def _limited(self) -> int:
        """Refused rows that the limits count."""
        return self.rejected - self.set_aside

    def take(self, chunk: Chunk) -> None:
        """Count a chunk in, and keep its refused rows while there is room. Raises `RejectLimitExceeded`."""
        self.accepted += chunk.accepted
        self.received += chunk.received
        for notice in chunk.notices:
            if len(self.notices) < MAX_NOTICES:
                self.notices[notice] = None
        if chunk.rejected:
            for row in chunk.rejected:
                self.faults.add_row(row)
            self._keep(chunk.rejected)
            self.set_aside += sum(1 for row in chunk.rejected if row.set_aside)
            self.reject(len(chunk.rejected))

    def reject(self, rows: int) -> None:
        """Count rows as rejected. Raises `RejectLimitExceeded`."""
        self.rejected += rows
        if self._limits.rows is not None and self._limited > self._limits.rows:
            raise self._too_many(f"more than {self._limits.rows} rows were refused")

    def guard_share(self) -> None:
        """Return when the share of rejected rows among all that came is allowed. Raises `RejectLimitExceeded`."""
        share = self._limits.share
        if share is not None and self._limited > share * self.received:
            raise self._too_many(f"more than {share:.2%} of the rows were refused")

    def still_wanted(self, rows: int) -> int:
        """How many of so many further rows `keep` has a use for."""
        return min(rows, max(self._bounds.kept - self.kept, SAMPLE - len(self.sample)))

    async def keep(self, row: Rejection) -> None:
        """Keep a row that was counted, while there is room."""
        self._keep((row,))
        if self.due:
            await self.hand_over()

    def _keep(self, rows: Sequence[Rejection]) -> None:
        self.sample.extend(rows[: SAMPLE - len(self.sample)])
        self._pending.extend(rows[: self._bounds.kept - self.kept])

    async def hand_over(self) -> None:
        """Give the sink what waits, in portions."""
        for start in range(0, len(self._pending), PORTION):
            await self._sink(self._pending[start : start + PORTION])
        self._handed_over += len(self._pending)
        self._pending.clear()

    def _too_many(self, reason: str) -> RejectLimitExceeded:
        return RejectLimitExceeded(f"{reason}; nothing was stored", **self.document())

    def document(self) -> dict[str, Any]:
        """What a problem says about the refused rows."""
        return {
            "received_rows": self.received,
            "rejected_rows": self.rejected,
            "fault_counts": [count.document() for count in self.faults.listed()],
            "rejected_sample": [_shown(row) for row in self.sample],
        }


def _shown(row: Rejection) -> dict[str, Any]:
    faults = [{"code": fault.code.value, "column": fault.column, "message": fault.message} for fault in row.faults]
    return {"line": row.line, "code": row.code.value, "column": row.column, "message": row.message, "faults": faults}


class Portion:
    """The payloads of chunks until a portion of refused rows is due, or the chunks end."""

    def __init__(self, rows: RefusedRows, chunks: AsyncIterator[Chunk]) -> None:
        """Binds; takes nothing yet."""
        self.exhausted = False
        self._rows = rows
        self._chunks = chunks

    async def payloads(self) -> AsyncIterator[bytes]:
        """The accepted rows of each chunk, as COPY reads them."""
        async for chunk in self._chunks:
            self._rows.take(chunk)
            if chunk.payload:
                yield chunk.payload
            if self._rows.hopeless:
                break
            if self._rows.due:
                return
        self.exhausted = True
