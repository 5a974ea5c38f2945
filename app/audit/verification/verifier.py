"""Whether a log is as it was sealed: seals and rows go in, findings come out. Pure, and bounded in memory.

The same for a log in a database and for one in a file; whoever feeds it brings the rows in the order of seals and
leaves, then what is not sealed.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.audit.archives.statements import NO_ARCHIVE, Archive
from app.audit.seals.chain import NO_SEAL, Checkpoint, Present, Seal
from app.audit.seals.merkle import TreeHead
from app.audit.seals.signing import PublicKey

MAX_FINDINGS = 1_000
"""More are counted, not listed."""
MAX_BOUNDS = 10_000
"""Earlier seals by which the time of a row is judged."""
CLOCK_TOLERANCE = 60_000_000
"""Microseconds by which a row may seem older or younger than its seals allow: clocks are set, and step."""


class Kind(StrEnum):
    """What may be wrong with a log."""

    ROW_EDITED = "row-edited"
    ROW_MISSING = "row-missing"
    ROW_INSERTED = "row-inserted"
    """A row that no seal covers, though its transaction was over when one was made, or has not begun."""
    ROW_MISDATED = "row-misdated"
    """A row whose time cannot be: before its transaction, or after it was sealed."""
    MEMBERS_ALTERED = "members-altered"
    """The list of a seal's rows is not the sealed one."""
    ROOT_MISMATCH = "root-mismatch"
    SEAL_FORGED = "seal-forged"
    """The signature is not that of the seal's key, or the key is not trusted."""
    SEAL_MISSING = "seal-missing"
    CHAIN_BROKEN = "chain-broken"
    """A seal that does not name the seal before it."""
    CHECKPOINT_FORGED = "checkpoint-forged"
    LOG_CUT = "log-cut"
    """The checkpoint has seen more of the log than there is."""
    LOG_REPLACED = "log-replaced"
    """The log is another one than the checkpoint has seen."""
    ARCHIVE_FORGED = "archive-forged"
    """A statement about archived rows that is not ours, does not follow on the one before, or fits no seal."""
    ARCHIVE_DAMAGED = "archive-damaged"
    """The file of archived rows is not the one that was stated."""
    EXPORT_DAMAGED = "export-damaged"
    """The file does not read as an export from its first line to its last."""


@dataclass(frozen=True, slots=True)
class LogFinding:
    """Something that is wrong, and where."""

    kind: Kind
    detail: str
    seal: int | None = None
    entry_id: str | None = None


@dataclass(slots=True)
class Report:
    """What was looked at, and what was found."""

    seals: int = 0
    rows: int = 0
    """Sealed rows."""
    archived: int = 0
    """Sealed rows that are kept elsewhere, for which an archive vouches."""
    unsealed: int = 0
    """Rows that wait for their seal: nothing vouches for them yet."""
    lineages: int = 0
    """Changes of the database under the log: 1 in a log that was never restored elsewhere."""
    findings: list[LogFinding] = field(default_factory=list)
    more_findings: int = 0
    last: Seal | None = None

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def find(self, kind: Kind, detail: str, seal: int | None = None, entry_id: str | None = None) -> None:
        """Note a finding."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(LogFinding(kind, detail, seal, entry_id))
        else:
            self.more_findings += 1


class Verifier:
    """Takes a log piece by piece."""

    def __init__(self, trusted: Collection[PublicKey], checkpoint: Checkpoint | None = None) -> None:
        """Knows the keys whose seals count, and what somebody has seen of this log before."""
        self.report = Report()
        self._keys = {key.fingerprint: key for key in trusted}
        self._checkpoint = checkpoint
        self._previous: Seal | None = None
        self._horizon = 0
        self._bounds: deque[tuple[int, int]] = deque(maxlen=MAX_BOUNDS)
        """The first transaction that had not begun, and when that was, of each earlier seal of this lineage."""
        self._vouched: dict[int, Archive] = {}
        """Archives by their last seals."""
        self._archived = (0, 0)
        """First and last seal for which genuine archives vouch."""
        self._open_batch()
        if checkpoint is not None and (not checkpoint.genuine() or checkpoint.public_key.fingerprint not in self._keys):
            self.report.find(Kind.CHECKPOINT_FORGED, "The checkpoint is not signed by a trusted key.")

    def _open_batch(self) -> None:
        self._tree = TreeHead()
        self._leaves_sound = True
        self._times: list[tuple[str, int, int]] = []

    def resume(self, earlier: list[Seal]) -> None:
        """Go on after these seals, which were verified before: the last ones in front of what comes, in order."""
        for seal in earlier:
            self._remember(seal)
        self.report.lineages = 0

    def archives(self, archives: Sequence[Archive]) -> None:
        """What vouches for rows that are not there: the archives over the seals that come, in order, none left out."""
        before: Archive | None = None
        first = last = 0
        for archive in archives:
            if not self._follows(archive, before):
                self.report.find(Kind.ARCHIVE_FORGED, f"Archive {archive.number} is not genuine.", archive.last_seal)
                break
            first, last = first or archive.first_seal, archive.last_seal
            self._vouched[archive.last_seal] = before = archive
        self._archived = (first, last)

    def _follows(self, archive: Archive, before: Archive | None) -> bool:
        key = self._keys.get(archive.key)
        if key is None or not key.verifies(archive.signature, archive.content()):
            return False
        if before is None:
            return archive.number != 1 or (archive.first_seal, archive.previous) == (1, NO_ARCHIVE)
        following = (before.number + 1, before.last_seal + 1, before.digest())
        return following == (archive.number, archive.first_seal, archive.previous)

    def follow(self, seal: Seal | None) -> None:
        """Go on after this seal, which stands at the begin of a part of the log; None at the begin of all."""
        if seal is None:
            return
        key = self._keys.get(seal.key)
        if key is None or not key.verifies(seal.signature, seal.content()):
            self.report.find(Kind.SEAL_FORGED, "The seal before this part is not genuine.", seal.number)
        self.resume([seal])

    def row(self, index: int, entry_id: str, leaf: bytes, recorded: bytes, transaction: int, time: int) -> None:
        """Take a row of the seal that comes next; `index` is its recorded place in the batch, `time` in microseconds.

        `leaf` is the hash of the row as it is. Nothing rests on `recorded`, the hash as it was: it only says which row
        was changed.
        """
        if index != self._tree.size:
            self._leaves_sound = False
        if leaf != recorded:
            self.report.find(Kind.ROW_EDITED, "The row is not as it was sealed.", self._next(), entry_id)
        self._tree.add(leaf)
        self._times.append((entry_id, transaction, time))

    def missing_row(self, index: int, entry_id: str, recorded: bytes) -> None:
        """A row of the seal that comes next, of which nothing but this record is there."""
        if index != self._tree.size:
            self._leaves_sound = False
        self.report.find(Kind.ROW_MISSING, "The row was removed.", self._next(), entry_id)
        self._tree.add(recorded)

    def stray_member(self, number: int, entry_id: str) -> None:
        """A row is recorded under a seal that is not there."""
        self.report.find(Kind.MEMBERS_ALTERED, "The row is recorded under a seal that is not there.", number, entry_id)

    def seal(self, seal: Seal) -> None:
        """The seal of the rows since the last one."""
        self._chained(seal)
        key = self._keys.get(seal.key)
        if key is None:
            self.report.find(Kind.SEAL_FORGED, "The seal's key is not trusted.", seal.number)
        elif not key.verifies(seal.signature, seal.content()):
            self.report.find(Kind.SEAL_FORGED, "The seal's signature is not valid.", seal.number)
        archive = self._vouched.get(seal.number)
        if archive is not None and archive.seal_hash != seal.digest():
            self.report.find(Kind.ARCHIVE_FORGED, f"Archive {archive.number} names another seal.", seal.number)
        # Rows leave by whole seals: where some of them are there, all must be.
        if self._tree.size == 0 and self._archived[0] <= seal.number <= self._archived[1]:
            self.report.archived += seal.count
        else:
            self._check_members(seal)
        self._check_times(seal)
        if self._checkpoint is not None and self._checkpoint.seals == seal.number:
            self.compare(seal)
        self.report.seals += 1
        self.report.rows += self._tree.size
        self.report.last = seal
        self._remember(seal)
        self._open_batch()

    def _check_members(self, seal: Seal) -> None:
        if self._tree.size != seal.count or not self._leaves_sound:
            self.report.find(
                Kind.MEMBERS_ALTERED, f"{self._tree.size} rows are recorded, {seal.count} were sealed.", seal.number
            )
        if self._tree.root() != seal.root:
            self.report.find(Kind.ROOT_MISMATCH, "The rows are not those that were sealed.", seal.number)

    def unsealed_row(self, entry_id: str, transaction: int, time: int, present: Present) -> None:
        """Take a row that no seal covers, after the last seal; `time` in microseconds, `present` of its database."""
        self.report.unsealed += 1
        last = self._previous
        if last is None or last.lineage != present.lineage or self._horizon == 0:
            return  # it waits to be adopted
        if transaction < self._horizon:
            self.report.find(Kind.ROW_INSERTED, "The row came after its transaction was sealed.", None, entry_id)
        elif transaction >= present.snapshot_end:
            self.report.find(Kind.ROW_INSERTED, "The row's transaction has not begun yet.", None, entry_id)
        elif not self._possible(transaction, time, present.time):
            self.report.find(Kind.ROW_MISDATED, "The row's time is not that of its transaction.", None, entry_id)

    def damaged(self, detail: str) -> None:
        """The file cannot be read at some place."""
        self.report.find(Kind.EXPORT_DAMAGED, detail)

    def compare(self, seal: Seal | None) -> None:
        """Hold the seal, which has the checkpoint's number, against the checkpoint; None when there is no such seal."""
        seen = self._checkpoint
        if seen is None or seen.seals == 0:
            return
        if seal is None:
            self.report.find(Kind.LOG_CUT, f"The checkpoint has seen seal {seen.seals}, which is not there.")
        elif (seen.hash, seen.size) != (seal.digest(), seal.total):
            self.report.find(Kind.LOG_REPLACED, "The checkpoint has seen another seal of this number.", seal.number)

    def ended(self) -> Report:
        """The report, after the log's end: a checkpoint beyond it shows that the log was cut."""
        seen = self._checkpoint
        if seen is not None and seen.seals > self._number():
            self.report.find(Kind.LOG_CUT, f"The checkpoint has seen {seen.seals} seals, there are {self._number()}.")
        return self.report

    def _number(self) -> int:
        return 0 if self._previous is None else self._previous.number

    def _next(self) -> int:
        return self._number() + 1

    def _chained(self, seal: Seal) -> None:
        number, previous = self._number(), self._previous
        if seal.number != number + 1:
            self.report.find(Kind.SEAL_MISSING, f"Seals between {number} and {seal.number} are missing.", seal.number)
        named, total = (NO_SEAL, 0) if previous is None else (previous.digest(), previous.total)
        if seal.previous != named:
            self.report.find(Kind.CHAIN_BROKEN, "The seal does not follow on the one before it.", seal.number)
        if seal.total != total + seal.count:
            self.report.find(Kind.CHAIN_BROKEN, "The seal counts other rows than the ones before it.", seal.number)

    def _check_times(self, seal: Seal) -> None:
        if self._previous is not None and self._previous.lineage != seal.lineage:
            self._bounds.clear()
        for entry_id, transaction, time in self._times:
            if seal.adopted:
                if time > seal.sealed_at + CLOCK_TOLERANCE:
                    self.report.find(Kind.ROW_MISDATED, "The row is younger than its seal.", seal.number, entry_id)
            elif not self._possible(transaction, time, seal.sealed_at):
                self.report.find(
                    Kind.ROW_MISDATED, "The row's time is not that of its transaction.", seal.number, entry_id
                )

    def _possible(self, transaction: int, time: int, latest: int) -> bool:
        """Whether the time lies between the last seal made before the transaction began, and the latest moment."""
        if time > latest + CLOCK_TOLERANCE:
            return False
        if not self._bounds:
            return True
        end, sealed_at = self._bounds[-1]
        if end > transaction:
            before = bisect_right(self._bounds, transaction, key=lambda bound: bound[0])
            if before == 0:
                return True
            sealed_at = self._bounds[before - 1][1]
        return time >= sealed_at - CLOCK_TOLERANCE

    def _remember(self, seal: Seal) -> None:
        if self._previous is None or self._previous.lineage != seal.lineage:
            self._bounds.clear()
            self.report.lineages += 1
        self._bounds.append((seal.snapshot_end, seal.sealed_at))
        self._horizon = seal.horizon
        self._previous = seal
