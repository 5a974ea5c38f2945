"""Builds and checks packages in a process of its own: killed at its time limit, when cancelled, and with its parent.

All that the jobs know of the pure half is here; what the process does is in `process.py`.
"""

import asyncio
import contextlib
import io
import json
import sys
from base64 import b64decode
from dataclasses import dataclass
from typing import Any, Final

from app.addons.package.archives import read_archive, write_archive
from app.addons.package.files import Package
from app.addons.proposals.changes import Changes
from app.addons.proposals.outcome import Refused, Rule
from app.addons.sandbox.events import SandboxEvent
from app.addons.sandbox.trial import Trial
from app.kernel.confinement import environment, frame, lifeline, read_frame
from app.kernel.problems import Problem
from app.settings import AddonSettings

MODULE: Final = "app.addons.requests.process"

MAX_REPORT_BYTES: Final = 4 << 20
"""Of a report as JSON: the process bounds the findings that it lists; more than this is refused."""

MAX_OUTPUT_BYTES: Final = 64 << 20


class WorkRefused(Problem):
    """The sample or the package cannot be worked with; the message says why."""

    code, title, status = "addon-work-refused", "The sample or the package cannot be worked with", 422


class WorkTooLong(Problem):
    """The work took longer than is allowed; trying again would not help."""

    code, title, status = "addon-work-too-long", "The work took too long", 422


class WorkBrokenError(Exception):
    """The process ended without an answer: out of memory, or by a bug."""


@dataclass(frozen=True, slots=True)
class BuiltPackage:
    """A package that was generated."""

    package: Package
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CheckedPackage:
    """A package that was validated."""

    passed: bool
    report: dict[str, Any]


class AddonWork:
    """Runs the pure half under limits."""

    def __init__(self, settings: AddonSettings) -> None:
        self._settings = settings

    async def build(self, sample: bytes, name: str, sourcetype: str | None) -> BuiltPackage:
        """The add-on for a sample. Raises `WorkRefused`, `WorkTooLong`, `WorkBrokenError`."""
        document, archive = await self._run("build", {"name": name, "sourcetype": sourcetype}, b"", sample)
        return BuiltPackage(await asyncio.to_thread(read_archive, archive), document["report"])

    async def check(self, archive: bytes, sample: bytes, sourcetype: str | None) -> CheckedPackage:
        """How the package does over the sample. Raises `WorkRefused`, `WorkTooLong`, `WorkBrokenError`."""
        document, _ = await self._run("check", {"sourcetype": sourcetype}, archive, sample)
        return CheckedPackage(bool(document["passed"]), document["report"])

    async def trial(self, archive: bytes, sample: bytes, sourcetype: str | None, characters: int) -> Trial:
        """What a Splunk is to be asked about the package. Raises `WorkRefused`, `WorkTooLong`, `WorkBrokenError`."""
        arguments = {"sourcetype": sourcetype, "characters": characters}
        _, made = await self._run("replay", arguments, archive, sample)
        return await asyncio.to_thread(_trial, archive, made)

    async def judge(self, package: Package, sample: bytes, sourcetype: str, changes: Changes) -> BuiltPackage | Refused:
        """The package with the changes when these are kept. Raises `WorkRefused`, `WorkTooLong`, `WorkBrokenError`."""
        told = [[each.file, each.stanza, each.key, each.value] for each in changes.changes]
        archive = await asyncio.to_thread(write_archive, package)
        document, made = await self._run("judge", {"sourcetype": sourcetype, "changes": told}, archive, sample)
        if "kept_not" in document:
            return Refused(Rule(document["kept_not"]))
        return BuiltPackage(await asyncio.to_thread(read_archive, made), document["report"])

    async def _run(
        self, kind: str, arguments: dict[str, Any], archive: bytes, sample: bytes
    ) -> tuple[dict[str, Any], bytes]:
        limits = {"memory_bytes": self._settings.work_bytes, "seconds": self._settings.work_seconds}
        sent = frame(json.dumps(arguments | limits).encode()) + frame(archive) + frame(sample)
        output = await _communicated(kind, sent, self._settings.work_seconds)
        try:
            source = io.BytesIO(output)
            answer, made = read_frame(source), read_frame(source)
        except EOFError:
            raise WorkBrokenError(f"the process that was to {kind} ended without an answer") from None
        if len(answer) > MAX_REPORT_BYTES:
            raise WorkRefused(f"The report has more than {MAX_REPORT_BYTES} bytes.")
        document: dict[str, Any] = json.loads(answer, parse_constant=lambda _: None)
        if "refused" in document:
            raise WorkRefused(document["refused"]["message"][:2_000], reason_code=document["refused"]["code"])
        return document, made


def _trial(archive: bytes, made: bytes) -> Trial:
    told = json.loads(made)
    events = tuple(SandboxEvent.of_document(each) for each in told["events"])
    return Trial(read_archive(archive), told["sourcetype"], b64decode(told["sample"]), events)


async def _communicated(kind: str, sent: bytes, seconds: float) -> bytes:
    """What the process answers. It is killed when the time is over and when this is cancelled. Raises `WorkTooLong`."""
    with lifeline() as theirs:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", MODULE, kind, str(theirs),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            pass_fds=(theirs,), env=environment(), start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(seconds):
                output, _ = await process.communicate(sent)
        except TimeoutError:
            raise WorkTooLong(f"It took longer than {seconds:g} seconds.") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    return output[:MAX_OUTPUT_BYTES]
