"""PostgreSQL's own pg_dump, pg_restore and psql: the wheel's, or the machine's when the server is newer."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from app.kernel.db.connections import driver_arguments
from app.kernel.embedded.binaries import binary
from app.kernel.embedded.errors import UnsupportedPlatformError

BLOCK_BYTES: Final = 1024 * 1024
GRACE_SECONDS: Final = 5.0
"""What a program has to end its statement at the server before it is killed."""
_LIBPQ: Final = {
    "host": "HOST",
    "port": "PORT",
    "user": "USER",
    "password": "PASSWORD",
    "database": "DATABASE",
    "ssl": "SSLMODE",
}
"""Variables of libpq, without their `PG`, by asyncpg's names for the same."""
_KEPT: Final = frozenset({"PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE"})


class ProgramError(RuntimeError):
    """A program of PostgreSQL's failed; the message says why, and holds no password."""


class NoProgramError(ProgramError):
    """No program here understands the server."""


def program(name: str, major: int) -> Path:
    """A program that understands servers of this major version. Raises `NoProgramError`."""
    found: list[Path] = []
    with contextlib.suppress(UnsupportedPlatformError):
        found.append(binary(name))
    installed = shutil.which(name)
    if installed is not None:
        found.append(Path(installed))
    for path in found:
        if _major(path) >= major:
            return path
    raise NoProgramError(f"There is no {name} here for PostgreSQL {major}; install PostgreSQL's client programs.")


def _major(path: Path) -> int:
    answer = subprocess.run(  # noqa: S603 - a program of PostgreSQL's, fixed argument
        [path, "--version"], capture_output=True, text=True, timeout=30, check=False
    ).stdout
    version = re.search(r"(\d+)\.\d", answer)
    return int(version[1]) if version else 0


def _inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What a program keeps of our environment: where things are, and how TLS is spoken. Our secrets are not its."""
    return {
        name: value
        for name, value in environment.items()
        if name in _KEPT or name.startswith(("PGSSL", "LC_", "PGGSS"))
    }


def connecting(url: str) -> Mapping[str, str]:
    """Libpq's environment for a SQLAlchemy URL: the password is on no command line."""
    known = {"host": "localhost", "port": 5432} | driver_arguments(url)
    options = {"PGOPTIONS": "-c statement_timeout=0 -c lock_timeout=60s"}
    return options | {f"PG{name}": _listed(known[argument]) for argument, name in _LIBPQ.items() if known.get(argument)}


def _listed(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


async def output(path: Path, arguments: Sequence[str], url: str) -> AsyncGenerator[bytes, None]:
    """The program's standard output, in blocks as they come. A generator that is closed ends the program.

    Raises `ProgramError` with the first line that it wrote to standard error.
    """
    async with _running(path, arguments, url, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while block := await process.stdout.read(BLOCK_BYTES):
            yield block


async def feed(path: Path, arguments: Sequence[str], url: str, content: AsyncGenerator[bytes, None]) -> None:
    """Run a program to its end on this standard input. Raises as `output`; what the content raises ends the program."""
    async with (
        _running(path, arguments, url, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process,
        contextlib.aclosing(content),
    ):
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended: why stands on standard error
            async for block in content:
                process.stdin.write(block)
                await process.stdin.drain()
            process.stdin.close()
            await process.stdin.wait_closed()


@contextlib.asynccontextmanager
async def _running(
    path: Path, arguments: Sequence[str], url: str, *, stdin: int, stdout: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        path,
        *arguments,
        env=_inherited(os.environ) | dict(connecting(url)),
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        limit=BLOCK_BYTES,
    )
    assert process.stderr is not None
    complaints = asyncio.create_task(process.stderr.read(), name=f"{path.name}-complaints")
    try:
        yield process
        await process.wait()
        said = await complaints
    finally:
        complaints.cancel()
        if process.returncode is None:
            await _end(process)
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or ["it says nothing"]
        raise ProgramError(f"{path.name} failed: {lines[0].removeprefix(f'{path.name}: ')}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a program; on SIGTERM those of PostgreSQL cancel what they run at the server."""
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
