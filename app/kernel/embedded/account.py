"""The operating-system account that runs PostgreSQL, which refuses to run as root.

As an ordinary user it is that user. As root it is the owner of the data directory, else `postgres`, else `nobody`, else
any other unprivileged account. Every program of PostgreSQL is started through `run`, so none of them ever runs as root.
"""

import os
import pwd
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.kernel.embedded.errors import DataDirectoryError

PREFERRED = ("postgres", "nobody")
"""`postgres` exists where PostgreSQL is packaged, `nobody` in nearly every base image."""


@dataclass(frozen=True)
class Account:
    """A user and its primary group, by number."""

    uid: int
    gid: int
    name: str

    @property
    def foreign(self) -> bool:
        """Whether it is another user than the one running this process (which then is root)."""
        return self.uid != os.geteuid()

    def own(self, path: Path) -> None:
        """Hand one file or directory over to the account, never through a symbolic link."""
        if self.foreign:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def open(self, path: Path, flags: int) -> int:
        """A descriptor of a file of the account's, made (mode 0600) if absent; never through a symbolic link.

        Creation is asked for only when needed: Linux refuses O_CREAT on another user's file in a sticky directory
        (sysctl fs.protected_regular), which a data directory directly under /tmp would meet.
        """
        flags |= os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            descriptor = os.open(path, flags | os.O_CREAT, 0o600)
        if self.foreign:
            os.fchown(descriptor, self.uid, self.gid)
        return descriptor

    def reaches(self, path: Path) -> Path | None:
        """The outermost ancestor directory of `path` that the account may not traverse; None when all are open.

        Judged by owner, group and mode; an access control list may allow more than that.
        """
        for ancestor in reversed(path.parents):
            found = ancestor.stat()
            if not _traversable(found, self):
                return ancestor
        return None


def _traversable(found: os.stat_result, account: Account) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def account_for(data_dir: Path) -> Account:
    """The account to run the server of a data directory, which need not exist yet.

    Raises `DataDirectoryError`: the directory belongs to somebody else, or root has no unprivileged account to use.
    """
    owner = data_dir.stat() if data_dir.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise DataDirectoryError(
                f"The data directory {data_dir} belongs to user {_name(owner.st_uid)}, and this process runs as "
                f"{_name(os.geteuid())}. Run as its owner (or as root), or use another SPYNE_HOME."
            )
        return Account(os.geteuid(), os.getegid(), _name(os.geteuid()))
    if owner is None:
        return _unprivileged()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, _name(owner.st_uid))
    if any(data_dir.iterdir()):
        name = _unprivileged().name
        raise DataDirectoryError(
            f"The data directory {data_dir} belongs to root, as which PostgreSQL refuses to run. "
            f"Hand it over: chown -R {name} {data_dir}"
        )
    return _unprivileged()


def _unprivileged() -> Account:
    entries = {entry.pw_name: entry for entry in reversed(pwd.getpwall()) if entry.pw_uid != 0 and entry.pw_gid != 0}
    chosen = next((entries[name] for name in (*PREFERRED, *entries) if name in entries), None)
    if chosen is None:
        raise DataDirectoryError(
            "PostgreSQL refuses to run as root, and this system has no other account. "
            "Add one (useradd --system postgres), run as an ordinary user, or set DATABASE_URL."
        )
    return Account(chosen.pw_uid, chosen.pw_gid, chosen.pw_name)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def has_entry(account: Account) -> bool:
    """Whether the account stands in the user database; initdb insists on it, the server does not."""
    try:
        pwd.getpwuid(account.uid)
    except KeyError:
        return False
    return True


def run(
    account: Account,
    command: Sequence[str | Path],
    *,
    output: int | IO[bytes],
    timeout: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program of PostgreSQL as the account, in a session of its own so that Ctrl-C does not reach it.

    The environment is only what is given, PATH and a fixed locale: PGDATA, PGHOST and the like of the caller play no
    part.

    Raises:
        DataDirectoryError: this process may not start programs as the account (a container without that capability).
        subprocess.TimeoutExpired: after `timeout` seconds; the program is ended.
    """
    try:
        return subprocess.run(  # noqa: S603 - our own binaries with arguments built here; no shell
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **(environment or {})},
            start_new_session=True,
            timeout=timeout,
            check=False,
            user=account.uid if account.foreign else None,
            group=account.gid if account.foreign else None,
            extra_groups=[] if account.foreign else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        if isinstance(error, subprocess.TimeoutExpired):
            raise
        raise DataDirectoryError(f"Cannot run {command[0]} as user {account.name}: {error}") from error
