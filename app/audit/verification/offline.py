"""Verifies an exported log: no database, no settings, no secret. Memory holds one row and the roots of one batch.

Whose seals count is decided by the keys that are given, else by the key of the checkpoint, else by the file's own key:
trusted on first use, which shows every change of the log but not that somebody else made all of it.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, Final

import orjson

from app.audit.archives.statements import Archive
from app.audit.seals.canonical import ENCODING
from app.audit.seals.chain import Checkpoint, Present, Seal
from app.audit.seals.merkle import leaf_hash
from app.audit.seals.seal_repository import microseconds
from app.audit.seals.signing import MalformedSealError, PublicKey
from app.audit.verification.exporting import HEAD, ROW, VERSIONS
from app.audit.verification.verifier import Report, Verifier

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
_HASH_DIGITS: Final = 64
_ROW_START: Final = len('{"leaf":"') + _HASH_DIGITS + len('","row":')


class NotAnExportError(ValueError):
    """The file does not begin as an export does, or another version wrote it."""


class Trust(StrEnum):
    """Why a key counts."""

    GIVEN = "given"
    CHECKPOINT = "checkpoint"
    FIRST_USE = "first-use"
    SERVICE = "service"
    """The service's own, derived from its secret."""


@dataclass(frozen=True, slots=True)
class ExportVerification:
    """The report, and the key on which it rests."""

    report: Report
    key: PublicKey
    trust: Trust
    part: "Part | None" = None
    """Which seals, when the file is a part of a log."""
    archives: Sequence[Archive] = ()
    """What vouches for the rows that the log does not hold."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some seals of a log."""

    first: int
    last: int
    after: Seal | None
    """The seal before them."""

    @property
    def empty(self) -> bool:
        """Whether it has no seal."""
        return self.last < self.first


class _DamagedError(ValueError):
    """A line that no export has."""


def verify_export(
    file: BinaryIO, given: Collection[str] = (), checkpoint: Checkpoint | None = None
) -> ExportVerification:
    """Verify the log in a file.

    Args:
        file: the export.
        given: trusted keys or their fingerprints, 64 hexadecimal digits each.
        checkpoint: what was seen of the log before.

    Raises:
        NotAnExportError: the file is no export that this version reads.
        MalformedSealError: a given key is none.
    """
    head_line = file.readline(MAX_LINE_BYTES)
    own, present, part = _head(head_line)
    trusted, trust = _trusted(own, given, checkpoint)
    verifier = Verifier(trusted, checkpoint)
    if part is not None:
        verifier.follow(part.after)
    reading = _Reading(verifier, present, hashlib.sha256(head_line))
    reading.lines(iter(lambda: file.readline(MAX_LINE_BYTES), b""))
    if part is None:
        return ExportVerification(verifier.ended(), own, trust, archives=reading.archives)
    last = verifier.report.last
    if not part.empty and (last is None or last.number != part.last):
        verifier.damaged(f"The part does not reach seal {part.last}.")
    return ExportVerification(verifier.report, own, trust, part=part)


def _head(line: bytes) -> tuple[PublicKey, Present, Part | None]:
    try:
        head = orjson.loads(line)
        version = (head[HEAD], head["encoding"])
        present = Present(str(head["lineage"]), int(head["snapshot_end"]), int(head["time"]))
        key = PublicKey.parse(head["public_key"])
        part = _part(head) if "part" in head else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAnExportError("This is not an export of the audit log.") from error
    if version[0] not in VERSIONS or version[1] != ENCODING:
        raise NotAnExportError("Another version of Spyne wrote this export.")
    return key, present, part


def _part(head: dict[str, Any]) -> Part:
    first, last = (int(number) for number in head["part"])
    return Part(first, last, None if head["after"] is None else Seal.read(head["after"]))


def _trusted(own: PublicKey, given: Collection[str], checkpoint: Checkpoint | None) -> tuple[list[PublicKey], Trust]:
    if given:
        texts = [PublicKey.parse(text).raw.hex() for text in given]  # a fingerprint has the form of a key
        named = [own] if {own.raw.hex(), own.fingerprint} & set(texts) else []
        return named + [PublicKey.parse(text) for text in texts], Trust.GIVEN
    if checkpoint is not None:
        return [checkpoint.public_key], Trust.CHECKPOINT
    return [own], Trust.FIRST_USE


class _Reading:
    """Takes the lines behind the head."""

    def __init__(self, verifier: Verifier, present: Present, digest: Any) -> None:
        self.verifier = verifier
        self._present = present
        self._digest = digest
        self._index = 0
        self._seals = self._rows = self._unsealed = 0
        self.archives: list[Archive] = []
        """What the file says of rows that are kept elsewhere."""
        self._takers: dict[str, Callable[[dict[str, Any]], None]] = {
            "missing": self._missing,
            "stray": self._stray,
            "seal": self._seal,
            "unsealed": self._unsealed_row,
            "archive": self._archive,
        }

    def lines(self, lines: Iterator[bytes]) -> None:
        """All of them, to the end or to the first one that cannot be read."""
        for number, line in enumerate(lines, 2):
            try:
                if self._line(line):
                    if next(lines, b""):
                        self.verifier.damaged(f"Something follows on the end in line {number}.")
                    return
            except (ValueError, KeyError, TypeError, AttributeError):
                self.verifier.damaged(f"Line {number} is not a line of an export; what follows was not looked at.")
                return
            self._digest.update(line)
        self.verifier.damaged("The export breaks off: its end is missing.")

    def _line(self, line: bytes) -> bool:
        """Whether it was the end."""
        document = orjson.loads(line)
        if "row" in document:
            self._row(line, document)
            return False
        if "end" in document:
            self._end(document["end"])
            return True
        (take,) = (take for name, take in self._takers.items() if name in document)
        take(document)
        return False

    def _row(self, line: bytes, document: dict[str, Any]) -> None:
        # The leaf is of the bytes as they stand: whatever else the line held would be looked past.
        content = line[_ROW_START:-2]
        if line != ROW % (document["leaf"].encode(), content):
            raise _DamagedError
        row = document["row"]
        self.verifier.row(
            self._index,
            str(row["id"]),
            leaf_hash(content),
            bytes.fromhex(document["leaf"]),
            int(row["transaction_id"]),
            microseconds(row["time"]),
        )
        self._index += 1
        self._rows += 1

    def _missing(self, document: dict[str, Any]) -> None:
        self.verifier.missing_row(self._index, str(document["missing"]), bytes.fromhex(document["leaf"]))
        self._index += 1
        self._rows += 1

    def _stray(self, document: dict[str, Any]) -> None:
        self.verifier.stray_member(int(document["under"]), str(document["stray"]))
        self._rows += 1

    def _archive(self, document: dict[str, Any]) -> None:
        if self._seals or self._rows:
            raise _DamagedError
        try:
            self.archives.append(Archive.read(document["archive"]))
        except MalformedSealError as error:
            raise _DamagedError from error

    def _seal(self, document: dict[str, Any]) -> None:
        try:
            seal = Seal.read(document["seal"])
        except MalformedSealError as error:
            raise _DamagedError from error
        if not self._seals:
            self.verifier.archives(self.archives)
        self.verifier.seal(seal)
        self._index = 0
        self._seals += 1

    def _unsealed_row(self, document: dict[str, Any]) -> None:
        row = document["unsealed"]
        self.verifier.unsealed_row(str(row["id"]), int(row["transaction_id"]), microseconds(row["time"]), self._present)
        self._unsealed += 1

    def _end(self, end: dict[str, Any]) -> None:
        counted = (end["seals"], end["rows"], end["unsealed"], end["sha256"])
        if counted != (self._seals, self._rows, self._unsealed, self._digest.hexdigest()):
            self.verifier.damaged("The end does not fit what stands before it.")
        if self._index:
            self.verifier.damaged("Rows stand behind the last seal as if they were sealed.")
