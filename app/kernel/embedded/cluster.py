"""Makes a data directory, once.

`initdb` works in a scratch directory that is renamed when complete, so a half-made data directory is never seen.
"""

import contextlib
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from app.kernel.embedded import configuration
from app.kernel.embedded.account import Account, has_entry, run
from app.kernel.embedded.binaries import MAJOR
from app.kernel.embedded.errors import DataDirectoryError, ServerStartError
from app.kernel.embedded.layout import RELOCATED_NAME, Layout
from app.kernel.scram import verifier

INITDB_SECONDS = 300.0
"""Making a cluster takes one second on a small machine; more than this means that the disk hangs."""

REMOVAL_SECONDS = 10.0

_POLL_SECONDS = 0.05
_log = logging.getLogger(__name__)


def ensure(
    data_dir: Path, account: Account, binaries: Path, *, superuser: str, password: str, settings: Mapping[str, str]
) -> None:
    """A complete cluster of our major version in `data_dir`, made if absent, with `settings` in its included file.

    UTF-8, collation C.UTF-8 of PostgreSQL's own provider (the same order on every platform), scram-sha-256 for all
    connections, data checksums on, mode 0700.

    Raises:
        DataDirectoryError: another major version, or something else lies there.
        ServerStartError: initdb failed; holds what it said.
    """
    for leftover in data_dir.parent.glob(f"{data_dir.name}.init-*"):
        _log.warning("removing %s, left by an interrupted start", leftover)
        _remove(leftover)
    if not _made(data_dir):
        _make(data_dir, account, binaries, superuser, password, synced=settings.get("fsync") != "off")
    _write(data_dir / configuration.FILE, configuration.render(settings), account)


def _remove(leftover: Path) -> None:
    """The initdb of a killed process may still write there; it gives up when its files are gone."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while leftover.exists():
        shutil.rmtree(leftover, ignore_errors=True)
        if time.monotonic() > deadline:
            raise DataDirectoryError(f"Cannot remove {leftover}, left by an interrupted start. Remove it by hand.")
        time.sleep(_POLL_SECONDS)


def _made(data_dir: Path) -> bool:
    try:
        version = (data_dir / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        if data_dir.exists() and any(data_dir.iterdir()):
            raise DataDirectoryError(
                f"{data_dir} is not empty and not a PostgreSQL data directory. Move it away, or use another SPYNE_HOME."
            ) from None
        return False
    if version != str(MAJOR):
        raise DataDirectoryError(
            f"The data directory {data_dir} was made by PostgreSQL {version}; the embedded server is version {MAJOR}. "
            f"Carry the data over (pg_dump of {version}, pg_restore into a new directory) or run pg_upgrade."
        )
    return True


def _make(data_dir: Path, account: Account, binaries: Path, superuser: str, password: str, *, synced: bool) -> None:
    if not has_entry(account):
        raise DataDirectoryError(
            f"The user number {account.uid} has no entry in the user database (/etc/passwd), which initdb needs. "
            "Add one, run as another user, or set DATABASE_URL."
        )
    scratch = data_dir.with_name(f"{data_dir.name}.init-{os.getpid()}")
    scratch.mkdir(mode=0o700)
    account.own(scratch)
    fresh, secret, said = scratch / "data", scratch / "password", scratch / "output"
    fresh.mkdir(mode=0o700)
    account.own(fresh)
    try:
        _write(secret, verifier(password) + "\n", account)  # as initdb's own statement has it
        with said.open("w+b") as output:
            command = [
                *(binaries / "initdb", "--pgdata", fresh, "--username", superuser, "--pwfile", secret),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"),
                *("--builtin-locale=C.UTF-8", "--data-checksums", "--no-instructions"),
                *(() if synced else ("--no-sync",)),
            ]
            _initdb(account, command, output)
        with (fresh / "postgresql.conf").open("a") as main:
            main.write(f"\ninclude '{configuration.FILE}'\n")
        _write(fresh / configuration.FILE, "", account)
        os.rename(fresh, data_dir)  # noqa: PTH104 - onto nothing or an empty directory, all or nothing
        _sync(data_dir.parent)
    except OSError as error:
        raise DataDirectoryError(f"Cannot make the data directory {data_dir}: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def remove(layout: Layout) -> None:
    """Remove a data directory, also where it is a link to one of ours elsewhere, its log, handles and lock."""
    real = layout.data.resolve()
    shutil.rmtree(real.parent if layout.data.is_symlink() and real.name == RELOCATED_NAME else real, ignore_errors=True)
    if layout.data.is_symlink():
        layout.data.unlink()
    shutil.rmtree(layout.handles, ignore_errors=True)
    for file in (layout.log, layout.lock):
        file.unlink(missing_ok=True)


def _initdb(account: Account, command: list[str | Path], output: IO[bytes]) -> None:
    try:
        ended = run(account, command, output=output, timeout=INITDB_SECONDS).returncode
    except subprocess.TimeoutExpired as error:
        raise ServerStartError(f"initdb did not finish within {INITDB_SECONDS:.0f} seconds.") from error
    if ended != 0:
        output.seek(0)
        raise ServerStartError(f"initdb failed (status {ended}):\n{output.read().decode(errors='replace').strip()}")


def _write(path: Path, text: str, account: Account) -> None:
    """Replace a file of the account's as a whole; never written through a link that lies in its place."""
    fresh = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    account.own(fresh)
    fresh.replace(path)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
