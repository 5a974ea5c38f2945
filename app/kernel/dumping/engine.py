"""A database as PostgreSQL's dump in its custom format, of one snapshot; and back, in one transaction or not at all.

The dump names its owner in nothing that is run again, so that another owner may restore: what belongs to the runtime
login is given back to it by name, and privileges by default are set as the restoring owner's.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
from pydantic import Field

from app.kernel.db import migrations
from app.kernel.dumping import repository as rows
from app.kernel.dumping.programs import feed, output, program
from app.kernel.schemas import StrictModel

_DEFAULT_PRIVILEGES: Final = re.compile(rb"\d+; \d+ \d+ DEFAULT ACL ")
_FOR_OWNER: Final = re.compile(rb'(ALTER DEFAULT PRIVILEGES) FOR ROLE (?:"(?:[^"]|"")+"|\S+)')


class Copy(StrictModel):
    """What a copy of a database says of itself."""

    version: str = Field(description="Of the service.")
    migration: str = Field(description="The database's head.")
    taken_at: str = Field(description="RFC 3339.")
    server: int = Field(description="Major version of PostgreSQL.")
    dump_sha256: str
    app_relations: list[str] = Field(description="Relations of the runtime login, quoted.")


@asynccontextmanager
async def exported_snapshot(url: str) -> AsyncIterator[tuple[asyncpg.Connection, str]]:
    """A connection inside one snapshot of the database, and the name by which a dump can use the snapshot too."""
    connection = await migrations.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection, await rows.exported_snapshot(connection)
    finally:
        await connection.close()


async def dump(url: str, server: int, more: Sequence[str]) -> AsyncGenerator[bytes, None]:
    """The dump of a server of this major version, in blocks; a generator that is closed ends it.

    Raises `ProgramError` when there is no pg_dump for the server, or it failed.
    """
    pg_dump = await asyncio.to_thread(program, "pg_dump", server)
    async with aclosing(output(pg_dump, ["--format=custom", "--no-password", *more], url)) as blocks:
        async for block in blocks:
            yield block


async def dump_into(path: Path, url: str, server: int, more: Sequence[str]) -> None:
    """Write the dump into a file, which pg_restore may read in any order. As `dump` otherwise."""
    await _whole(dump(url, server, [f"--file={path}", *more]))


async def restore(
    connection: asyncpg.Connection,
    url: str,
    path: Path,
    server: int,
    app_relations: Sequence[str],
    app_role: str,
    *,
    first: Sequence[str] = (),
    more: Sequence[str] = (),
) -> None:
    """Restore a dump over the owner's login, and hand the relations of the runtime login (quoted) over to it.

    Args:
        connection: to the database, as the same login.
        url: of the owner's login.
        path: of the dump.
        server: major version of the PostgreSQL that was dumped.
        app_relations: relations of the runtime login, quoted.
        app_role: the runtime login.
        first: statements at the begin of the transaction.
        more: arguments of pg_restore.

    Raises `ProgramError` when there are no programs for the server, or one failed; nothing was changed then.
    """
    server = max(connection.get_server_version().major, server)
    pg_restore = await asyncio.to_thread(program, "pg_restore", server)
    psql = await asyncio.to_thread(program, "psql", server)
    last = await rows.handing_over(connection, app_relations, app_role)
    arguments = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1"]
    with tempfile.TemporaryDirectory(prefix="spyne-restore-") as scratch:
        script = _script(pg_restore, path, Path(scratch), url, first, more, last)
        await feed(psql, arguments, url, script)
    await rows.analyze(connection)


async def _script(
    pg_restore: Path,
    path: Path,
    scratch: Path,
    url: str,
    first: Sequence[str],
    more: Sequence[str],
    last: Sequence[str],
) -> AsyncGenerator[bytes, None]:
    """The transaction for psql. Whatever is wrong with the dump is raised before the commit is sent."""
    entries = (await _whole(output(pg_restore, ["--list", str(path)], url))).splitlines()
    rest, defaults = scratch / "rest", scratch / "defaults"
    rest.write_bytes(_lines(entry for entry in entries if not _DEFAULT_PRIVILEGES.match(entry)))
    defaults.write_bytes(_lines(entry for entry in entries if _DEFAULT_PRIVILEGES.match(entry)))
    arguments = ["--no-owner", "--file=-"]
    yield _statements(["BEGIN", *first])
    async with aclosing(output(pg_restore, [*arguments, *more, f"--use-list={rest}", str(path)], url)) as blocks:
        async for block in blocks:
            yield block
    privileges = await _whole(output(pg_restore, [*arguments, f"--use-list={defaults}", str(path)], url))
    yield _FOR_OWNER.sub(rb"\1", privileges)
    yield _statements([*last, "COMMIT"])


def _statements(statements: Iterable[str]) -> bytes:
    return "".join(f"{statement};\n" for statement in statements).encode()


def _lines(entries: Iterable[bytes]) -> bytes:
    return b"".join(entry + b"\n" for entry in entries)


async def _whole(blocks: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in blocks])
