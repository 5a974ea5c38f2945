"""PostgreSQL's own pg_dump and pg_restore: the wheel's, or the machine's when the server is newer."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import make_url

from app.commands.place import PlaceError
from app.kernel.embedded.binaries import binary
from app.kernel.embedded.errors import UnsupportedPlatformError


def program(name: str, major: int) -> Path:
    """A program that understands servers of this major version. Raises `PlaceError`."""
    found: list[Path] = []
    with contextlib.suppress(UnsupportedPlatformError):
        found.append(binary(name))
    installed = shutil.which(name)
    if installed is not None:
        found.append(Path(installed))
    for path in found:
        if _major(path) >= major:
            return path
    raise PlaceError(f"There is no {name} here for PostgreSQL {major}; install PostgreSQL's client programs.")


def _major(path: Path) -> int:
    answer = subprocess.run(  # noqa: S603 - a program of PostgreSQL's, fixed argument
        [path, "--version"], capture_output=True, text=True, timeout=30, check=False
    ).stdout
    version = re.search(r"(\d+)\.\d", answer)
    return int(version[1]) if version else 0


def connecting(url: str) -> Mapping[str, str]:
    """Libpq's environment for a SQLAlchemy URL: the password is on no command line."""
    parsed = make_url(url)
    host = parsed.query.get("host", parsed.host) or "localhost"
    known = {
        "PGHOST": str(host),
        "PGPORT": str(parsed.port or parsed.query.get("port", 5432)),
        "PGUSER": parsed.username,
        "PGPASSWORD": parsed.password,
        "PGDATABASE": parsed.database,
        "PGOPTIONS": "-c statement_timeout=0 -c lock_timeout=60s",
    }
    return {name: value for name, value in known.items() if value}


async def run(path: Path, arguments: list[str], url: str) -> None:
    """Run a program to its end. Raises `PlaceError` with the last line that it wrote to standard error."""
    process = await asyncio.create_subprocess_exec(
        path, *arguments, env=os.environ | connecting(url), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, told = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = told.decode(errors="replace").strip().splitlines() or ["it says nothing"]
        raise PlaceError(f"{path.name} failed: {lines[0].removeprefix(f'{path.name}: ')}")
