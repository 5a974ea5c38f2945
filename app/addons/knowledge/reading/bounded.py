"""Reads a document in a process of its own, which ends with all that it has started when its time is over."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import IO, Final

import msgspec

from app.addons.knowledge.reading.blocks import Reason
from app.addons.knowledge.reading.media_types import DocumentType
from app.addons.knowledge.reading.outcome import MAX_BYTES, Outcome, is_sound
from app.kernel.problems import Unavailable

log = logging.getLogger(__name__)

WALL_SECONDS: Final = 40.0
"""For one document: above the limit of the processor's time, so that a busy machine is no reason to refuse one."""
AT_ONCE: Final = 2
"""Documents that one process of the service reads at once."""
PATIENCE_SECONDS: Final = 20.0
"""How long a document waits for those before it."""
_BLOCK: Final = 256 * 1024
_ROOT: Final = Path(__file__).resolve().parents[4]
"""Where the package `app` is."""


class ReadersBusy(Unavailable):
    """Other documents are being read."""

    code, title = "readers-busy", "Other documents are being read"


class DocumentReader:
    """Reads documents, a few at once. One per process."""

    def __init__(self, *, wall_seconds: float = WALL_SECONDS, at_once: int = AT_ONCE) -> None:
        self._wall_seconds = wall_seconds
        self._places = asyncio.Semaphore(at_once)

    async def read(self, media_type: DocumentType, content: IO[bytes]) -> Outcome:
        """What the document has, or why it cannot be read.

        Args:
            media_type: what it was found to be.
            content: an open file, which is read from where it stands; it has a descriptor.

        Raises `ReadersBusy`: those before did not end in time.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._places.acquire()
        except TimeoutError as error:
            raise ReadersBusy(retry_after_seconds=10) from error
        try:
            return await self._bounded(media_type, content)
        finally:
            self._places.release()

    async def _bounded(self, media_type: DocumentType, content: IO[bytes]) -> Outcome:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-s", "-B", "-m", "app.addons.knowledge.reading.process", media_type.value),
            stdin=content,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"},
            cwd="/",
            start_new_session=True,
            limit=_BLOCK,
        )
        try:
            async with asyncio.timeout(self._wall_seconds):
                written = await _output(process)
                code = await process.wait() if written is not None else None
        except TimeoutError:
            return _too_dear("time")
        finally:
            _end(process)
            await process.wait()
        if written is None or code:
            log.warning("a document was not read", extra={"media_type": media_type.value, "exit_code": code})
            return _too_dear("time or memory") if code is None or code < 0 else _DAMAGED
        return await asyncio.to_thread(_decoded, written)


async def _output(process: asyncio.subprocess.Process) -> bytes | None:
    """What the process writes, to its end; None when that is more than is taken."""
    assert process.stdout is not None
    found = bytearray()
    while block := await process.stdout.read(_BLOCK):
        found += block
        if len(found) > MAX_BYTES:
            return None
    return bytes(found)


def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the process and whatever it has started: they are a session of their own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _decoded(written: bytes) -> Outcome:
    """What the process has written, as far as it is what its reader writes: the document may have taken it over."""
    try:
        outcome = msgspec.json.decode(written, type=Outcome)
    except (msgspec.MsgspecError, RecursionError):
        return _DAMAGED
    return outcome if is_sound(outcome) else _DAMAGED


_DAMAGED: Final = Outcome(reason=Reason.DAMAGED.value, message="The document is damaged, or not one that can be read.")


def _too_dear(what: str) -> Outcome:
    return Outcome(reason=Reason.TOO_DEAR.value, message=f"Reading the document takes more {what} than it may.")
