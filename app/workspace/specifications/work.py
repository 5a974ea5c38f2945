"""Reads, compares, validates and queries specifications in a process of its own.

The process is killed at its time limit, when the caller is cancelled, and with its parent. All that the service knows
of RDF is here; what the process does is in `process.py`.
"""

import asyncio
import contextlib
import io
import signal
import sys
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from app.kernel.confinement import environment, frame, lifeline, read_frame
from app.workspace.specifications.orders import Order, Outcome, Task
from app.workspace.specifications.values.answers import Differences, QueryAnswer, ShapesReport, SpecificationSummary
from app.workspace.specifications.values.formats import SpecificationFormat
from app.workspace.specifications.values.limits import MAX_QUERY_CHARACTERS, MAX_TEXT_BYTES, QUERY_SECONDS, WorkLimits
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused, plain_text

MODULE: Final = "app.workspace.specifications.process"

AT_ONCE: Final = 2
"""Pieces of work that one process of the service does at once; others wait for their turn."""
MAX_OUTCOME_BYTES: Final = 128 << 20
"""Of what the process may answer: ten thousand faults, whose values are literals of the largest size, are more."""
_BLOCK: Final = 256 * 1024

_Result = TypeVar("_Result")


class SpecificationWorkBrokenError(Exception):
    """The process ended without an answer: by a bug, or by the operating system."""


@dataclass(frozen=True, slots=True)
class SpecificationText:
    """A specification as it was written: UTF-8, at most `MAX_TEXT_BYTES`."""

    content: bytes
    written_in: SpecificationFormat


class SpecificationWork:
    """Runs the pure half under limits. One per process of the service."""

    def __init__(self, limits: WorkLimits | None = None, at_once: int = AT_ONCE) -> None:
        self._limits = limits or WorkLimits()
        self._places = asyncio.Semaphore(at_once)

    async def read(self, text: SpecificationText) -> SpecificationSummary:
        """What the text holds, and its canonical hash.

        Raises `SpecificationRefused`, `SpecificationWorkBrokenError`.
        """
        return _present((await self._run(Task.READ, (text,))).summary)

    async def compare(self, older: SpecificationText, newer: SpecificationText) -> Differences:
        """By which triples the newer text differs. Raises `SpecificationRefused`, `SpecificationWorkBrokenError`."""
        return _present((await self._run(Task.COMPARE, (older, newer))).differences)

    async def validate(self, data: SpecificationText, shapes: SpecificationText) -> ShapesReport:
        """Whether the data conforms to the shapes. Raises `SpecificationRefused`, `SpecificationWorkBrokenError`."""
        return _present((await self._run(Task.VALIDATE, (data, shapes))).report)

    async def query(self, text: SpecificationText, query: str, seconds: float = QUERY_SECONDS) -> QueryAnswer:
        """The answer to a query in SPARQL. Raises `SpecificationRefused`, `SpecificationWorkBrokenError`."""
        if len(query) > MAX_QUERY_CHARACTERS or plain_text(query) != query:
            sentence = f"A query has at most {MAX_QUERY_CHARACTERS:,} characters, and no NUL and no half surrogates."
            raise SpecificationRefused(RefusalCode.QUERY_SYNTAX, sentence)
        return _present((await self._run(Task.QUERY, (text,), query, seconds)).answer)

    async def _run(
        self, task: Task, texts: tuple[SpecificationText, ...], query: str = "", query_seconds: float = QUERY_SECONDS
    ) -> Outcome:
        if any(len(text.content) > MAX_TEXT_BYTES for text in texts):
            raise SpecificationRefused(RefusalCode.TOO_LARGE, f"The text has more than {MAX_TEXT_BYTES:,} bytes.")
        limits = self._limits
        formats = tuple(text.written_in for text in texts)
        order = Order(task, formats, limits.memory_bytes, limits.seconds, query, query_seconds)
        sent = b"".join(frame(content) for content in (msgspec.json.encode(order), *(text.content for text in texts)))
        async with self._places:
            output, code = await _communicated(sent, limits.seconds)
        outcome = await asyncio.to_thread(_decoded, output, code)
        if outcome.code is not None:
            raise SpecificationRefused(RefusalCode(outcome.code), outcome.message, outcome.line)
        return outcome


def _present(result: _Result | None) -> _Result:
    if result is None:
        raise SpecificationWorkBrokenError("the process answered something else than was asked for")
    return result


def _decoded(output: bytes, code: int) -> Outcome:
    """What the process said. Raises `SpecificationRefused` where its limits ended it."""
    try:
        return msgspec.json.decode(read_frame(io.BytesIO(output)), type=Outcome)
    except EOFError:
        if code == -signal.SIGXCPU:
            raise _too_long() from None
        raise SpecificationWorkBrokenError(f"the process ended without an answer, with code {code}") from None
    except msgspec.MsgspecError:
        raise SpecificationWorkBrokenError("the process answered what is no outcome") from None


def _too_long() -> SpecificationRefused:
    return SpecificationRefused(RefusalCode.TOO_LONG, "The work takes longer than it may: make the text smaller.")


async def _communicated(sent: bytes, seconds: float) -> tuple[bytes, int]:
    """What the process answers, and how it ended. Raises `SpecificationRefused`: `too-long`."""
    with lifeline() as theirs:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", MODULE, str(theirs),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            pass_fds=(theirs,), env=environment(), cwd="/", start_new_session=True, limit=_BLOCK,
        )  # fmt: skip
        sending = asyncio.create_task(_send(process, sent))
        try:
            async with asyncio.timeout(seconds):
                output = await _output(process)
                await sending
                code = await process.wait()
        except TimeoutError:
            raise _too_long() from None
        finally:
            sending.cancel()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    return output, code


async def _send(process: asyncio.subprocess.Process, sent: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the process has ended, and its code says how
        process.stdin.write(sent)
        await process.stdin.drain()
        process.stdin.close()


async def _output(process: asyncio.subprocess.Process) -> bytes:
    """All that the process writes. Raises `SpecificationRefused`: `answer-too-large`."""
    assert process.stdout is not None
    found = bytearray()
    while block := await process.stdout.read(_BLOCK):
        found += block
        if len(found) > MAX_OUTCOME_BYTES:
            sentence = f"The answer has more than {MAX_OUTCOME_BYTES:,} bytes: ask for less."
            raise SpecificationRefused(RefusalCode.ANSWER_TOO_LARGE, sentence)
    return bytes(found)
