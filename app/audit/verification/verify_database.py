"""Verifies the log in the database, in pieces: a piece at a time over HTTP, all at once on the command line."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.audit.archives.archive_repository import ArchiveReads
from app.audit.archives.statements import Archive
from app.audit.seals.canonical import COLUMNS, encode
from app.audit.seals.chain import Checkpoint
from app.audit.seals.merkle import leaf_hash
from app.audit.seals.seal_repository import MAX_BIGINT, Member, SealReads, microseconds
from app.audit.seals.signing import PublicKey
from app.audit.seals.walking import Step, Stray, strays, walk
from app.audit.verification.verifier import Report, Verifier
from app.kernel.db.database import ReadSession
from app.kernel.paging import decode_cursor, encode_cursor
from app.kernel.problems import Fault, InvalidRequest

LOG_ROWS = 5_000
EARLIER_SEALS = 1_000
"""Seals in front of the first one verified, by which the times of its rows are judged."""
_TIME, _TRANSACTION = COLUMNS.index("time"), COLUMNS.index("transaction_id")
_NIL, _LAST = str(UUID(int=0)), str(UUID(int=2**128 - 1))
NOTHING = (-MAX_BIGINT, _NIL)
"""Transaction and id before those of every row."""


class InvalidPosition(InvalidRequest):
    """The cursor was not made by a verification."""

    code, title = "invalid-cursor", "The cursor is not valid"

    def __init__(self) -> None:
        super().__init__(
            faults=[
                Fault(pointer="/cursor", code=self.code, message="Take it from `next_cursor` of the answer before.")
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which part of the log; everything when nothing is said."""

    since: datetime | None = None
    until: datetime | None = None
    """`since` and `until` compare with the time when seals were made."""
    first_seal: int | None = None
    last_seal: int | None = None

    @property
    def everything(self) -> bool:
        """Whether no part is left out."""
        return self == Scope()


@dataclass(frozen=True, slots=True)
class Verified:
    """What one piece of work has found, and where the next one begins."""

    report: Report
    cursor: str | None
    """None at the end of what was asked for."""


class LogVerification:
    """Verifies within one snapshot."""

    def __init__(self, session: ReadSession, trusted: Collection[PublicKey], checkpoint: Checkpoint | None) -> None:
        """Binds to a session of one snapshot, the keys whose seals count, and what was seen of the log before."""
        self._seals = SealReads(session)
        self._archives = ArchiveReads(session)
        self._verifier = Verifier(trusted, checkpoint)
        self._checkpoint = checkpoint

    async def verify(self, scope: Scope, cursor: str | None = None, seconds: float | None = None) -> Verified:
        """What is wrong with the part of the log from the cursor on, within about so many seconds, or to the end.

        Raises:
            InvalidPosition: the cursor was not made here.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        phase, position, entry = _position(cursor)
        first, last = await self._numbers(scope)
        if self._checkpoint is not None and not scope.everything:
            self._verifier.compare(await self._seals.numbered(self._checkpoint.seals))
        if phase == "seals":
            done = await self._over_seals(max(first, position + 1), last, deadline)
            if done < last:
                return Verified(self._verifier.report, encode_cursor(f"seals:{done}:{_NIL}"))
            position, entry = NOTHING
        else:
            self._verifier.resume(await self._seals.before(last + 1, EARLIER_SEALS))
        return await self._over_log(first, last, (position, entry), deadline, everything=scope.everything)

    async def archives(self) -> list[Archive]:
        """Every archive of the log, in order."""
        return await self._archives.over(1, MAX_BIGINT)

    async def _numbers(self, scope: Scope) -> tuple[int, int]:
        newest = await self._seals.last()
        first, last = 1, 0 if newest is None else newest.number
        if scope.since is not None or scope.until is not None:
            first, last = await self._seals.numbers_within(_micros(scope.since), _micros(scope.until))
        return max(first, scope.first_seal or 1), min(last, scope.last_seal or MAX_BIGINT)

    async def _over_seals(self, first: int, last: int, deadline: float | None) -> int:
        """The number of the last seal that was verified."""
        if first > 1:
            self._verifier.resume(await self._seals.before(first, EARLIER_SEALS))
        self._verifier.archives(await self._archives.over(first, last))
        done = first - 1
        async for upto, steps in walk(self._seals, first - 1, last):
            async for step in steps:
                self._note(step)
            done = upto
            if deadline is not None and time.monotonic() >= deadline:
                break
        return done

    def _note(self, step: Step) -> None:
        if isinstance(step, Member):
            self._take(step)
        elif isinstance(step, Stray):
            self._verifier.stray_member(step.seal, step.entry_id)
        else:
            self._verifier.seal(step)

    def _take(self, member: Member) -> None:
        values = member.values
        if values is None:
            self._verifier.missing_row(member.leaf, member.entry_id, member.leaf_hash)
            return
        self._verifier.row(
            member.leaf,
            member.entry_id,
            leaf_hash(encode(values)),
            member.leaf_hash,
            int(values[_TRANSACTION] or 0),
            microseconds(values[_TIME] or "0"),
        )

    async def _over_log(
        self, first: int, last: int, after: tuple[int, str], deadline: float | None, *, everything: bool
    ) -> Verified:
        """Rows without a seal, in the order of transactions; of a part of the log, those of its transactions."""
        present, _ = await self._seals.present()
        until = MAX_BIGINT
        if not everything:
            before, end = await self._seals.numbered(first - 1), await self._seals.numbered(last)
            after = max(after, (before.horizon - 1 if before is not None else -MAX_BIGINT, _LAST))
            until = end.horizon if end is not None else -MAX_BIGINT
        else:
            async for step in strays(self._seals, last, MAX_BIGINT):
                self._note(step)
        while True:
            rows = await self._seals.log(*after, until, LOG_ROWS)
            for row in rows:
                if row.unsealed:
                    self._verifier.unsealed_row(row.entry_id, row.transaction, row.time, present)
            if len(rows) < LOG_ROWS:
                return Verified(self._verifier.ended() if everything else self._verifier.report, None)
            after = (rows[-1].transaction, rows[-1].entry_id)
            if deadline is not None and time.monotonic() >= deadline:
                return Verified(self._verifier.report, encode_cursor(f"log:{after[0]}:{after[1]}"))


def _position(cursor: str | None) -> tuple[str, int, str]:
    if cursor is None:
        return "seals", 0, _NIL
    try:
        phase, number, entry = decode_cursor(cursor).split(":")
        position = int(number)
        entry = str(UUID(entry))
    except ValueError as error:
        raise InvalidPosition from error
    if phase not in {"seals", "log"} or abs(position) > MAX_BIGINT:
        raise InvalidPosition
    return phase, position, entry


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1_000_000)
