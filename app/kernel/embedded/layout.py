"""Which files belong to a data directory, and where they may lie.

Beside a data directory `postgres` stand `postgres.log`, `postgres.lock` and `postgres.handles/`. Paths that
PostgreSQL's account must reach are checked here, so that a closed home directory ends in a working place or a clear
message, never in a riddle.
"""

import hashlib
import logging
import os
import pwd
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.kernel.embedded.account import Account
from app.kernel.embedded.errors import DataDirectoryError

SOCKET_PATH_BYTES = 103
"""Longest path of a Unix socket: sun_path has 104 bytes on macOS and 108 on Linux, with a terminating NUL."""

RELOCATED = Path("/var/lib/spyne")
"""Where root keeps data when the wanted place is closed to PostgreSQL's account (FHS 3.0, /var/lib)."""

RELOCATED_NAME = "data"
"""The data directory within the folder that is made for it there."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layout:
    """The files of one data directory; `data` is where the caller wants it, possibly a symbolic link."""

    data: Path

    @classmethod
    def of(cls, data_dir: Path) -> "Layout":
        """The layout of a data directory, by its parent's real path: two spellings of one place share one lock."""
        wanted = Path(os.path.abspath(data_dir))  # noqa: PTH100 - `resolve` would follow our own link
        wanted.parent.mkdir(parents=True, exist_ok=True)
        return cls(wanted.parent.resolve() / wanted.name)

    @property
    def lock(self) -> Path:
        """Held while the server is started or stopped."""
        return self.data.with_name(self.data.name + ".lock")

    @property
    def handles(self) -> Path:
        """The folder of one locked file for each user of the server."""
        return self.data.with_name(self.data.name + ".handles")

    @property
    def log(self) -> Path:
        """What the server writes."""
        return self.data.with_name(self.data.name + ".log")


def place(layout: Layout, account: Account) -> Path:
    """The real path of the data directory, reachable by the account; its parent exists afterwards.

    As root, a new data directory under a closed ancestor such as /root (mode 0700) becomes a symbolic link to a
    directory of its own in `/var/lib/spyne`. If only the state directory itself is closed (and is nobody's home), it is
    opened for traversal (not for listing) instead.

    Raises `DataDirectoryError`: an existing data directory is out of the account's reach.
    """
    real = layout.data.resolve()
    if layout.data.is_symlink() and not real.exists():
        _log.warning("%s points to %s, which is gone; a new, empty database is made there", layout.data, real)
        real.parent.mkdir(parents=True, exist_ok=True)
    closed = account.reaches(real) if account.foreign else None
    homes = {entry.pw_dir for entry in pwd.getpwall()}
    if closed == real.parent and closed.stat().st_uid == 0 and str(closed) not in homes:
        closed.chmod(closed.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)
        closed = account.reaches(real)
    if closed is None:
        return real
    if real.exists():
        raise DataDirectoryError(
            f"PostgreSQL runs as user {account.name}, who cannot reach {real} because {closed} is closed to others. "
            "Move the directory to an open place, or run as an ordinary user."
        )
    return _relocate(layout, closed)


def _relocate(layout: Layout, closed: Path) -> Path:
    temporary = Path(tempfile.gettempdir()).resolve()
    passing = layout.data.is_relative_to(temporary)  # what was to lie there stays where the system cleans up
    root = temporary if passing else RELOCATED
    target = root / f"spyne-{layout.data.name}-{secrets.token_hex(6)}" / RELOCATED_NAME
    _log.warning(
        "the data is kept in %s, because PostgreSQL's account cannot pass %s; %s links to it",
        target,
        closed,
        layout.data,
    )
    try:
        root.mkdir(parents=True, mode=0o755, exist_ok=True)
        target.parent.mkdir()
        target.parent.chmod(0o711)
        layout.data.symlink_to(target)
    except OSError as error:
        raise DataDirectoryError(f"Cannot place the data directory in {target}: {error}") from error
    return target


def fits(socket_dir: Path, port: int) -> bool:
    """Whether a socket here can be named: short enough, and free of the characters that split a list of hosts."""
    path = os.fsencode(socket_dir / f".s.PGSQL.{port}")
    return len(path) <= SOCKET_PATH_BYTES and not any(char in path for char in b',:"')


def socket_directory(data_dir: Path, port: int, account: Account) -> Path:
    """Where the Unix socket goes: the data directory, else a private directory under the temporary one, made here.

    Raises `DataDirectoryError`: no place is short enough, or the private directory belongs to somebody else.
    """
    if fits(data_dir, port):
        return data_dir
    name = f"spyne-{account.uid}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}"
    for temporary in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - owner and mode are verified below
        private = temporary / name
        if fits(private, port) and (not account.foreign or account.reaches(private) is None):
            _make_private(private, account)
            return private
    raise DataDirectoryError(
        f"No directory is short enough for the Unix socket of {data_dir}; set TMPDIR to a short path."
    )


def _make_private(directory: Path, account: Account) -> None:
    try:
        directory.mkdir(mode=0o700)
        account.own(directory)
    except FileExistsError:
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
            raise DataDirectoryError(
                f"The socket directory {directory} is not a private directory of user {account.name}; remove it."
            ) from None
