"""Gets a server running on a data directory: finds the one that runs, or clears the remains and starts one.

All of it happens under the start/stop lock, which the caller holds.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from app.kernel.embedded import cluster, configuration, postmaster
from app.kernel.embedded.account import Account, run
from app.kernel.embedded.address import ServerAddress
from app.kernel.embedded.binaries import server_binaries
from app.kernel.embedded.errors import AddressInUseError, AuthenticationError, ServerStartError
from app.kernel.embedded.layout import Layout, place, socket_directory
from app.kernel.embedded.postmaster import Postmaster

DEFAULT_PORT = 5432
"""Names the Unix socket; no TCP port is opened unless one is asked for."""
START_SECONDS = 300.0
"""Crash recovery replays at most `max_wal_size` (4 GB): a minute or two on a slow disk."""
STOP_SECONDS = 60.0
"""A fast shutdown writes a checkpoint of the shared buffers; 60 seconds is also the patience of pg_ctl."""
CONNECT_SECONDS = 10.0
LOG_BYTES = 10 * 1024 * 1024
LOG_TAIL_LINES = 20
LOG_TAIL_BYTES = 8192

_PASSING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,  # cut off in the middle: it died, or restarts after a crash
    asyncpg.OperatorInterventionError,  # starting up, in recovery, shutting down
    asyncpg.TooManyConnectionsError,
)
"""What a server answers that may serve us a moment later."""
_POLL_SECONDS = 0.05
_log = logging.getLogger(__name__)


class _GoneError(ServerStartError):
    """The server that we were connecting to has ended."""


@dataclass(frozen=True)
class Wanted:
    """What a caller asks of the server; only the first caller's `settings` count."""

    superuser: str
    password: str = field(repr=False)
    settings: Mapping[str, str]
    tcp_port: int | None


def bring_up(layout: Layout, account: Account, wanted: Wanted) -> ServerAddress:
    """The address of a server that has answered `SELECT 1`; stopped again if we started it and it did not.

    Raises `EmbeddedServerError`: see `EmbeddedServer.start`.
    """
    data = place(layout, account)
    deadline = time.monotonic() + START_SECONDS
    found = _settled(data, deadline)
    if found is not None:
        _log.info("attaching to the PostgreSQL that runs in %s (process %d)", data, found.pid)
        with contextlib.suppress(_GoneError):  # it died under our hands; a new one takes its place
            return _proven(found, data, layout, wanted, deadline)
    try:
        _launch(data, layout, account, wanted)
        return _proven(_settled(data, deadline), data, layout, wanted, deadline)
    except BaseException:
        postmaster.shut_down(data, STOP_SECONDS)
        raise


def _settled(data: Path, deadline: float) -> Postmaster | None:
    """The live server once it is ready; None when there is none, or when the one that was stopping has gone."""
    while (found := postmaster.running(data)) is not None and not found.ready:
        if time.monotonic() > deadline:
            raise ServerStartError(f"PostgreSQL (process {found.pid}, {data}) has been {found.status} for too long.")
        time.sleep(_POLL_SECONDS)
    return found


def _launch(data: Path, layout: Layout, account: Account, wanted: Wanted) -> None:
    binaries = server_binaries(account)
    port = wanted.tcp_port or DEFAULT_PORT
    if wanted.tcp_port is not None:
        postmaster.check_port(port)
    socket_dir = socket_directory(data, port, account)
    placed = configuration.addressing(str(socket_dir), port, tcp=wanted.tcp_port is not None)
    cluster.ensure(
        data,
        account,
        binaries,
        superuser=wanted.superuser,
        password=wanted.password,
        settings={**wanted.settings, **placed},
    )
    postmaster.clear_remains(data)
    postmaster.clear_socket(socket_dir, port)
    descriptor, before = _open_log(layout.log, account)
    with os.fdopen(descriptor, "ab") as log:
        # PGDATA, not --pgdata: pg_ctl would put the path on a shell's command line.
        command: list[str | Path] = [
            binaries / "pg_ctl",
            "start",
            "--wait",
            "--silent",
            f"--timeout={START_SECONDS:.0f}",
        ]
        ended = run(account, command, output=log, timeout=START_SECONDS + 10, environment={"PGDATA": str(data)})
    if ended.returncode != 0 and postmaster.running(data) is None:  # a launch cut off by a kill may yet have won
        raise ServerStartError(
            f"PostgreSQL did not start (data directory {data}). "
            f"Its log, {layout.log}, ends:\n{_tail(layout.log, before)}"
        )


def _open_log(path: Path, account: Account) -> tuple[int, int]:
    """A descriptor that appends to the log, and its size; a log above `LOG_BYTES` is set aside first."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    descriptor = account.open(path, os.O_WRONLY | os.O_APPEND)
    return descriptor, os.fstat(descriptor).st_size


def _tail(path: Path, start: int) -> str:
    """The last lines that were written after offset `start`."""
    with path.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(start, size - LOG_TAIL_BYTES))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:])


def _proven(found: Postmaster | None, data: Path, layout: Layout, wanted: Wanted, deadline: float) -> ServerAddress:
    if found is None:
        raise _gone(layout.log)
    if wanted.tcp_port is not None and (found.port != wanted.tcp_port or not found.listen):
        raise AddressInUseError(
            f"The embedded PostgreSQL already runs without TCP port {wanted.tcp_port}, for another process. "
            "Stop that process first, or ask for no port."
        )
    address = ServerAddress(Path(found.socket_dir), found.port, wanted.superuser, wanted.password, found.listen or None)
    # A loop of its own in a thread of its own: the caller may or may not be inside one.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="postgres-probe") as pool:
        pool.submit(asyncio.run, _select_one(address, found, data, layout.log, deadline)).result()
    return address


def _gone(log: Path) -> _GoneError:
    return _GoneError(f"PostgreSQL ended right after its start. Its log, {log}, ends:\n{_tail(log, 0)}")


async def _select_one(address: ServerAddress, found: Postmaster, data: Path, log: Path, deadline: float) -> None:
    while True:
        try:
            await _ask(address)
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            raise AuthenticationError(
                f"PostgreSQL runs but refuses the login of {address.user}. "
                "Its password was fixed when the data directory was made: "
                "restore the service secret of that time, or start with a new data directory."
            ) from error
        except _PASSING as error:
            still = postmaster.running(data)
            if still is None or still.pid != found.pid:
                raise _gone(log) from error
            if time.monotonic() > deadline:
                raise ServerStartError(
                    f"PostgreSQL runs but does not answer ({error}). Its log, {log}, ends:\n{_tail(log, 0)}"
                ) from error
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return


async def _ask(address: ServerAddress) -> None:
    connection = await asyncpg.connect(**address.connect_kwargs(), timeout=CONNECT_SECONDS)
    try:
        await connection.execute("SELECT 1")
    finally:
        connection.terminate()
