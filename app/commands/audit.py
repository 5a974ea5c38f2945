"""`spyne audit`: export, checkpoint and verify. Verifying a file needs nothing but the file."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson

from app.audit.archiving.archive_files import UNREADABLE, plain, with_archives
from app.audit.seals.chain import Checkpoint
from app.audit.seals.proofs import checkpoint
from app.audit.seals.signing import MalformedSealError, PublicKey, SealingKey
from app.audit.verification.exporting import Exported, export
from app.audit.verification.offline import ExportVerification, NotAnExportError, Trust, verify_export
from app.audit.verification.verifier import Kind
from app.audit.verification.verify_database import LogVerification, Scope
from app.commands.environment import Environment
from app.kernel.db.database import sqlstate
from app.kernel.redaction import safe_text

CLEAN, FINDINGS, CANNOT = 0, 1, 2
"""Exit codes."""

_BY_CHECKPOINT: Final = frozenset({Kind.CHECKPOINT_FORGED, Kind.LOG_CUT, Kind.LOG_REPLACED})
_SHOWN: Final = 50
_TRUST: Final = {
    Trust.GIVEN: "as given",
    Trust.CHECKPOINT: "that of the checkpoint",
    Trust.SERVICE: "that of this service",
    Trust.FIRST_USE: "the file's own, TRUSTED ON FIRST USE: compare it, or give --key or --checkpoint",
}


class CannotVerifyError(RuntimeError):
    """Nothing can be said about the log; the message says why."""


async def export_log(environment: Environment, path: Path) -> str:
    """Write the whole log to a file, which is there when it is complete; answers what was done."""
    exported = Exported()
    async with environment.resources() as resources, resources.database.snapshot() as session:
        key = SealingKey(resources.secret).public
        with _written(path) as file:
            async for piece in export(session, key, resources.clock(), exported):
                file.write(piece)
    return (
        f"{exported.rows:,} sealed rows under {exported.seals:,} seals and {exported.unsealed:,} waiting rows "
        f"were written to {path}.\nPublic key {key.raw.hex()}"
    )


async def save_checkpoint(environment: Environment, path: Path) -> str:
    """Write a checkpoint to a file; answers what was done."""
    async with environment.resources() as resources, resources.database.read() as session:
        now = await checkpoint(session, SealingKey(resources.secret), resources.clock())
    with _written(path) as file:
        file.write(orjson.dumps(now.document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return f"A checkpoint of {now.size:,} rows under {now.seals:,} seals was written to {path}. Keep it elsewhere."


async def verify_database(
    environment: Environment, checkpoint_file: Path | None, keys: Sequence[str], archives: Sequence[Path] = ()
) -> ExportVerification:
    """Verify the log in the database, all of it in one snapshot, and files of its archives.

    Raises:
        CannotVerifyError
    """
    seen = None if checkpoint_file is None else read_checkpoint(checkpoint_file)
    async with environment.resources() as resources, resources.database.snapshot() as session:
        own = SealingKey(resources.secret).public
        trusted = [own, *(_key(text) for text in _texts(keys))]
        log = LogVerification(session, trusted, seen)
        verified, vouched = await log.verify(Scope()), await log.archives()
    outcome = ExportVerification(verified.report, own, Trust.SERVICE, archives=vouched)
    return _archived(outcome, archives, [key.raw.hex() for key in trusted])


def _archived(outcome: ExportVerification, archives: Sequence[Path], keys: Sequence[str]) -> ExportVerification:
    """The outcome, with files of archives: each given as it is, or in a directory."""
    paths = [found for path in archives for found in (sorted(path.rglob("*.ndjson.gz")) if path.is_dir() else [path])]
    with contextlib.ExitStack() as stack:
        try:
            files = [stack.enter_context(path.open("rb")) for path in paths]
            return with_archives(outcome, files, keys)
        except OSError as error:
            raise CannotVerifyError(f"An archive cannot be read: {error.strerror}.") from error


def verify_file(
    path: Path, checkpoint_file: Path | None, keys: Sequence[str], archives: Sequence[Path] = ()
) -> ExportVerification:
    """Verify an exported log, or a file of an archive by itself. Raises `CannotVerifyError`."""
    seen = None if checkpoint_file is None else read_checkpoint(checkpoint_file)
    given = [_key(text).raw.hex() for text in _texts(keys)]
    try:
        with path.open("rb") as file:
            outcome = verify_export(plain(file), given, seen)
        return _archived(outcome, archives, given or [outcome.key.raw.hex()])
    except UNREADABLE as error:
        reason = getattr(error, "strerror", None) or "it is cut off or damaged"
        raise CannotVerifyError(f"{path} cannot be read: {reason}.") from error
    except NotAnExportError as error:
        raise CannotVerifyError(f"{path}: {error}") from error


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file. Raises `CannotVerifyError`."""
    try:
        return Checkpoint.read(orjson.loads(path.read_bytes()))
    except OSError as error:
        raise CannotVerifyError(f"{path} cannot be read: {error.strerror}.") from error
    except (orjson.JSONDecodeError, MalformedSealError) as error:
        raise CannotVerifyError(f"{path} is not a checkpoint.") from error


def described(error: BaseException) -> str:
    """A failure of the database without the data that its message may hold."""
    return f"The database failed on it: {type(error).__name__}, SQLSTATE {sqlstate(error) or 'unknown'}."


def exit_code(outcome: ExportVerification) -> int:
    """0 when nothing is wrong, else 1."""
    return CLEAN if outcome.report.clean else FINDINGS


def as_json(outcome: ExportVerification) -> str:
    """The outcome for programs, one object."""
    report = outcome.report
    document: dict[str, Any] = {
        "clean": report.clean,
        "seals": report.seals,
        "rows": report.rows,
        "archived": report.archived,
        "unsealed": report.unsealed,
        "last_seal": None if report.last is None else report.last.number,
        "lineages": report.lineages,
        "findings": [asdict(finding) for finding in report.findings],
        "more_findings": report.more_findings,
        "public_key": outcome.key.raw.hex(),
        "trust": outcome.trust.value,
    }
    return orjson.dumps(document).decode()


def as_text(outcome: ExportVerification, *, with_checkpoint: bool) -> str:
    """The outcome for people."""
    report = outcome.report
    number = len(report.findings) + report.more_findings
    lines = ["The audit log is as it was sealed."]
    if not report.clean:
        lines = [f"The audit log is NOT as it was sealed: {number} finding{'s' * (number != 1)}."]
    for finding in report.findings[:_SHOWN]:
        where = [f"seal {finding.seal}"] if finding.seal is not None else []
        where += [f"row {finding.entry_id}"] if finding.entry_id is not None else []
        lines.append(safe_text(f"  {finding.kind.value:<18} {', '.join(where)}{': ' if where else ''}{finding.detail}"))
    if number > _SHOWN:
        lines.append(f"  … and {number - _SHOWN} more")
    lines.append(f"  sealed rows   {report.rows:,} under {report.seals:,} seals")
    if report.archived:
        lines.append(f"  archived      {report.archived:,} rows, which archives vouch for; give them with --archive")
    lines.append(
        f"  waiting rows  {report.unsealed:,}" + (", which nothing vouches for yet" if report.unsealed else "")
    )
    if report.lineages > 1:
        lines.append(f"  restored      {report.lineages - 1} times into another database")
    if with_checkpoint:
        broken = any(finding.kind in _BY_CHECKPOINT for finding in report.findings)
        lines.append(f"  checkpoint    {'the log does NOT go on from it' if broken else 'the log goes on from it'}")
    else:
        lines.append("  checkpoint    none given: a log that was cut at its end looks like a shorter one")
    lines.append(f"  public key    {outcome.key.raw.hex()}")
    lines.append(f"  fingerprint   {outcome.key.fingerprint} ({_TRUST[outcome.trust]})")
    return "\n".join(lines)


def _texts(keys: Sequence[str]) -> list[str]:
    """Keys or fingerprints: each given as it is, or as a file that holds some, a line each."""
    found: list[str] = []
    for key in keys:
        path = Path(key)
        try:
            found += path.read_text(encoding="utf-8").split() if path.is_file() else [key]
        except (OSError, UnicodeDecodeError) as error:
            raise CannotVerifyError(f"{key} cannot be read.") from error
    return found


def _key(text: str) -> PublicKey:
    try:
        return PublicKey.parse(text)
    except MalformedSealError as error:
        raise CannotVerifyError(
            f"A key is a file, or 64 hexadecimal digits: {safe_text(text, 80)} is neither."
        ) from error


@contextlib.contextmanager
def _written(path: Path) -> Iterator[Any]:
    """A file which its owner alone may read, and which appears when it is complete."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise  # the database's
        raise CannotVerifyError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
