"""Files of archives: a part of the log, gzipped, held against the statement that vouches for it."""

import gzip
import hashlib
import zlib
from collections.abc import Collection
from dataclasses import replace
from typing import BinaryIO, Final

from app.audit.archives.statements import Archive
from app.audit.verification.offline import ExportVerification, NotAnExportError, verify_export
from app.audit.verification.verifier import Kind, Report

BLOCK_BYTES: Final = 1024 * 1024
UNREADABLE: Final = (OSError, EOFError, zlib.error)
"""What reading a file raises that cannot be read, is cut off or is damaged within its compression."""
_GZIP: Final = b"\x1f\x8b"


def digest(file: BinaryIO) -> tuple[int, bytes]:
    """Size and SHA-256 of the file, which is read from its begin and left there."""
    file.seek(0)
    hashed, size = hashlib.sha256(), 0
    while block := file.read(BLOCK_BYTES):
        hashed.update(block)
        size += len(block)
    file.seek(0)
    return size, hashed.digest()


def plain(file: BinaryIO) -> BinaryIO:
    """The file without its compression, if it has one."""
    packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    return gzip.GzipFile(fileobj=file, mode="rb") if packed else file  # type: ignore[return-value]  # reads alike


def verify_archive(file: BinaryIO, archive: Archive, keys: Collection[str]) -> Report:
    """Whether the file is what the archive says, row by row; trusted keys have 64 hexadecimal digits each."""
    report = Report()
    if digest(file) != (archive.size, archive.sha256):
        report.find(Kind.ARCHIVE_DAMAGED, f"Archive {archive.number} is another file.", archive.last_seal)
        return report
    try:
        found = verify_export(plain(file), keys)
    except (NotAnExportError, *UNREADABLE) as error:
        report.find(Kind.ARCHIVE_DAMAGED, f"Archive {archive.number} cannot be read: {error}", archive.last_seal)
        return report
    part, last = found.part, found.report.last
    stated = (archive.first_seal, archive.last_seal, archive.rows, archive.seal_hash)
    there = None if part is None or last is None else (part.first, part.last, found.report.rows, last.digest())
    if stated != there:
        found.report.find(Kind.ARCHIVE_DAMAGED, f"Archive {archive.number} holds other rows.", archive.last_seal)
    return found.report


def with_archives(
    outcome: ExportVerification, files: Collection[BinaryIO], keys: Collection[str]
) -> ExportVerification:
    """The outcome for a log together with files of its archives; rows in them count as looked at."""
    report = outcome.report
    by_digest = {(archive.size, archive.sha256): archive for archive in outcome.archives}
    for file in files:
        archive = by_digest.get(digest(file))
        if archive is None:
            report.find(Kind.ARCHIVE_DAMAGED, "No archive of this log is such a file.")
            continue
        found = verify_archive(file, archive, keys)
        for finding in found.findings:
            report.find(finding.kind, finding.detail, finding.seal, finding.entry_id)
        report.more_findings += found.more_findings
        if found.clean:
            report.rows += archive.rows
            report.archived = max(0, report.archived - archive.rows)
    return replace(outcome, report=report)
