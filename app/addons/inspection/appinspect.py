"""splunk-appinspect over one archive: a process group of its own, with limits of time, memory and disk.

The checker pins old versions of its libraries, so it stands in a virtual environment of its own and is never imported.
Its JSON is read and its exit code is not: a run with failures ends with 0, one with warnings may not.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.addons.inspection.report import MAX_REPORT_BYTES, Inspection, InspectionStatus, read_report

HOW_TO_INSTALL: Final = (
    "splunk-appinspect is not installed. It wants a virtual environment of its own: `python3 -m venv DIRECTORY`, "
    "`DIRECTORY/bin/pip install splunk-appinspect`, the Debian package libmagic1; then name "
    "DIRECTORY/bin/splunk-appinspect in ADDONS_APPINSPECT."
)
SECONDS: Final = 120.0
"""A package of conf files takes some 3 seconds, most of them the start of Python."""
MEMORY_BYTES: Final = 2 * 1024**3
"""Address space; a package of conf files needs some 400 MiB."""
_FILE_BYTES: Final = 64 * 1024 * 1024
"""Of any file that the checker writes: its report, its output, what it unpacks (`ArchiveLimits.unpacked_bytes`)."""
_MAX_MESSAGES: Final = 25
_SAID_BYTES: Final = 2_000
_LIMITED: Final = Path(__file__).with_name("limited.py")
_GRACE_SECONDS: Final = 5.0


async def inspect_package(
    archive: Path, executable: Path | None, *, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES
) -> Inspection:
    """What the checker says of the archive; `skipped` where the executable is missing. Nothing but OSError raises.

    On time-out and on cancellation the whole process group is killed, whatever it has started.
    """
    if executable is None or not _can_run(executable):
        return Inspection(InspectionStatus.SKIPPED, HOW_TO_INSTALL)
    with tempfile.TemporaryDirectory(prefix="appinspect-") as name:
        room = Path(name)
        package, report, said = _linked(archive, room), room / "report.json", room / "said"
        command = _command(executable, package, report, seconds, memory_bytes)
        in_time, code = await _run(command, room, said, seconds)
        if not in_time:
            return Inspection(InspectionStatus.BROKEN, f"splunk-appinspect was stopped after {seconds:g} seconds.")
        return await asyncio.to_thread(_outcome, report, said, code)


def _linked(archive: Path, room: Path) -> Path:
    """The archive under a name that the checker takes: it goes by the ending, and storage has names of its own."""
    package = room / "package.spl"
    package.symlink_to(archive.absolute())
    return package


def _can_run(executable: Path) -> bool:
    return executable.is_file() and os.access(executable, os.X_OK)


def _command(executable: Path, package: Path, report: Path, seconds: float, memory_bytes: int) -> list[str]:
    limits = [str(memory_bytes), str(int(seconds) + 1), str(_FILE_BYTES)]
    options = ["--mode", "precert", "--data-format", "json", "--output-file", str(report)]
    options += ["--max-messages", str(_MAX_MESSAGES), "--skip-trusted-libraries-update"]
    inspect = [str(executable.absolute()), "inspect", str(package), *options]
    return [sys.executable, "-I", "-S", str(_LIMITED), *limits, *inspect]


async def _run(command: list[str], room: Path, said: Path, seconds: float) -> tuple[bool, int | None]:
    """Whether the command ended in time, and its exit code; nothing of its process group is left."""
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=room,
            env=_environment(room),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        os.close(output)
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        return False, None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.returncode is None:
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
    return True, process.returncode


def _environment(room: Path) -> Mapping[str, str]:
    """Nothing of our own environment, where secrets stand; the checker writes in its room alone."""
    return {
        "PATH": os.defpath,
        "HOME": str(room),
        "TMPDIR": str(room),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _outcome(report: Path, said: Path, code: int | None) -> Inspection:
    if not report.is_file() or report.is_symlink():
        reason = f"splunk-appinspect ended with {code} and wrote no report. {_last_words(said)}".rstrip()
        return Inspection(InspectionStatus.BROKEN, reason)
    if report.stat().st_size > MAX_REPORT_BYTES:
        return Inspection(InspectionStatus.BROKEN, f"The report has more than {MAX_REPORT_BYTES} bytes.")
    return read_report(report.read_bytes())


def _last_words(said: Path) -> str:
    """The last line that the checker wrote, without what cannot be shown."""
    with said.open("rb") as file:
        file.seek(max(0, said.stat().st_size - _SAID_BYTES))
        lines = file.read(_SAID_BYTES).decode("utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "".join(c if c.isprintable() else " " for c in last)[:300]
