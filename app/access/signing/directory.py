"""The directory of signing keys (`ACCESS_SIGNING_KEYS`): one PEM file per key, written and replaced atomically.

Private keys sign, public keys alone only verify. Whoever reads sees each file whole, as it was or as it is.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.access.signing.pem import SigningKeyError, parse, render, thumbprint
from app.kernel.security.signing import PrivateKey, SigningKey

SUFFIX = ".pem"
MAX_FILE_BYTES = 65_536
MAX_FILES = 100
RSA_BITS = 3072
"""128 bits of security (NIST SP 800-57 part 1, table 2)."""
LAG = timedelta(minutes=1)
"""Until every process has seen a change of the directory, and by which their clocks may differ, at most."""

Fingerprint = tuple[tuple[str, int, int, int], ...]
"""Name, modification, size and inode of each file: as long as it is the same there is nothing new to read."""


class DirectoryError(SigningKeyError):
    """The directory, or a file in it, cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key and where it is kept."""

    path: Path
    key: SigningKey


class KeyDirectory:
    """Reads and changes the files. Blocking: within a server only in a thread."""

    def __init__(self, path: Path, activation: timedelta) -> None:
        """Looks at nothing yet.

        Args:
            path: the directory.
            activation: from when a key is published until it signs.
        """
        self._path = path
        self._activation = activation

    def fingerprint(self) -> Fingerprint:
        """The fingerprint of the directory, another one as soon as a file is. Raises `DirectoryError`."""
        found = []
        for path in self._files():
            try:
                status = path.stat()
            except FileNotFoundError:  # swept or replaced meanwhile
                continue
            except OSError as error:
                raise DirectoryError(f"{path.name} cannot be read: {error.strerror}.") from error
            found.append((path.name, status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(found)

    def read(self) -> list[KeyFile]:
        """Every key. Raises `DirectoryError` when one file is damaged or weak, or two hold the same key."""
        files: dict[str, KeyFile] = {}
        for path in self._files():
            file = self._read(path)
            if file is None:
                continue
            other = files.setdefault(file.key.kid, file)
            if other is not file:
                raise DirectoryError(f"{other.path.name} and {path.name} hold the same key.")
        return list(files.values())

    def _files(self) -> list[Path]:
        try:
            paths = sorted(path for path in self._path.iterdir() if path.suffix == SUFFIX and path.name[0] != ".")
        except OSError as error:
            raise DirectoryError(
                f"The directory {self._path} (ACCESS_SIGNING_KEYS) cannot be read: {error.strerror}. "
                "`spyne keys new` makes it, with a first key."
            ) from error
        if len(paths) > MAX_FILES:
            raise DirectoryError(f"There are {len(paths)} files; more than {MAX_FILES} are not read.")
        return paths

    def _read(self, path: Path) -> KeyFile | None:
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
                modified = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DirectoryError(f"{path.name} cannot be read: {error.strerror}.") from error
        if len(raw) > MAX_FILE_BYTES:
            raise DirectoryError(f"{path.name} is not a usable key: it is larger than {MAX_FILE_BYTES} bytes.")
        try:
            return KeyFile(path, parse(raw.decode("ascii"), modified + self._activation))
        except UnicodeDecodeError as error:
            raise DirectoryError(f"{path.name} is not a usable key: it is not PEM.") from error
        except SigningKeyError as error:
            raise DirectoryError(f"{path.name} is not a usable key: {error}.") from error

    def prepare(self) -> None:
        """Make the directory (mode 0700) when there is none. Raises `DirectoryError`."""
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DirectoryError(f"The directory {self._path} cannot be made: {error.strerror}.") from error

    def fresh(self, algorithm: str, now: datetime) -> KeyFile:
        """A new key for ES256 or RS256 that signs once the activation is over; it is yet to be written."""
        private, kid = _fresh(algorithm)
        key = SigningKey(
            kid=kid,
            algorithm=algorithm,
            public=private.public_key(),
            private=private,
            signs_from=now + self._activation,
        )
        return KeyFile(self._path / f"{kid}{SUFFIX}", key)

    def retired(self, file: KeyFile, now: datetime, lifetime: timedelta) -> KeyFile:
        """The key without its private half, which verifies until what it may have signed is over; yet to be written.

        Args:
            file: the key.
            now: the time.
            lifetime: of an access token.
        """
        return KeyFile(file.path, replace(file.key, private=None, verifies_until=now + lifetime + LAG))

    def write(self, file: KeyFile) -> None:
        """Put the file (mode 0600) in its place, whole. Raises `DirectoryError`."""
        fresh = file.path.with_name(f".{secrets.token_hex(8)}")  # readers pass over such names
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="ascii") as opened:
                    opened.write(render(file.key))
                    opened.flush()
                    os.fsync(descriptor)
                fresh.replace(file.path)
            finally:
                fresh.unlink(missing_ok=True)
        except OSError as error:
            raise DirectoryError(f"{file.path} cannot be written: {error.strerror}.") from error

    def sweep(self, files: Sequence[KeyFile], now: datetime) -> list[KeyFile]:
        """The files of retired keys that verify nothing any more, removed now as far as this process may."""
        swept = []
        for file in files:
            if file.key.verifies(now):
                continue
            try:
                file.path.unlink()
            except OSError:  # another process was quicker, or the directory is mounted read-only
                continue
            swept.append(file)
        return swept


def _fresh(algorithm: str) -> tuple[PrivateKey, str]:
    """A key whose id begins with a letter or digit, so that no command line takes it for an option."""
    while True:
        private: PrivateKey = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm == "ES256"
            else rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
        )
        kid = thumbprint(private.public_key())
        if kid[0].isalnum():
            return private, kid
