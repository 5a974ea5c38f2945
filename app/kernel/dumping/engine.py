"""A database as PostgreSQL's dump in its custom format, of one snapshot; and back, in one transaction or not at all.

The dump names its owner in nothing that is run again, so that another owner may restore: what belongs to the runtime
login is given back to it by name, and privileges by default are set as the restoring owner's.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import asyncpg
from pydantic import Field

from app.kernel.db import migrations
from app.kernel.db.schema_state import is_superuser
from app.kernel.dumping import entries
from app.kernel.dumping import repository as rows
from app.kernel.dumping.programs import ProgramError, feed, output, program
from app.kernel.schemas import StrictModel

_FOR_OWNER: Final = re.compile(rb'(ALTER DEFAULT PRIVILEGES) FOR ROLE (?:"(?:[^"]|"")+"|\S+)')


Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A name within a database: at most 63 bytes (NAMEDATALEN), none of them a control character."""
Sha256: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Copy(StrictModel):
    """What a copy of a database says of itself. Nothing of it is SQL: names are quoted where they are used."""

    version: str = Field(description="Of the service.", max_length=100, pattern=r"^[0-9A-Za-z.+-]+$")
    migration: str = Field(description="The database's head.", max_length=32, pattern=r"^[0-9a-z_]+$")
    taken_at: str = Field(description="RFC 3339.", max_length=40, pattern=r"^\d{4}-\d\d-\d\dT[0-9:.+Z-]+$")
    server: int = Field(description="Major version of PostgreSQL.", ge=18, le=99)
    dump_sha256: Sha256
    app_relations: list[tuple[Literal["data", "staging"], Name]] = Field(
        description="Relations of the runtime login, by schema and name."
    )


@dataclass(frozen=True, slots=True)
class RestoreContext:
    """What is restored beside the dump, in the same transaction."""

    app_relations: Sequence[tuple[str, str]]
    """Relations of the runtime login, by schema and name."""
    app_role: str
    """The runtime login."""
    first: Sequence[str] = ()
    """Statements at the begin of the transaction."""
    last: Sequence[str] = ()
    """Statements at its end."""
    joins: bool = False
    """Whether the first statements make the owner a member of the runtime login."""
    more: Sequence[str] = ()
    """Arguments of pg_restore."""


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
    connection: asyncpg.Connection, url: str, path: Path, server: int, context: RestoreContext
) -> list[str]:
    """Restore a dump over the owner's login, and hand the relations of the runtime login over to it.

    Args:
        connection: to the database, as the same login.
        url: of the owner's login.
        path: of the dump.
        server: major version of the PostgreSQL that was dumped.
        context: what is restored beside it.

    Returns what was left out, by kind and name: what this owner cannot make, and what no restore takes.

    Raises `ProgramError` when there are no programs for the server, or one failed; nothing was changed then.
    """
    server = max(connection.get_server_version().major, server)
    pg_restore = await asyncio.to_thread(program, "pg_restore", server)
    psql = await asyncio.to_thread(program, "psql", server)
    chosen = await _chosen(pg_restore, path, url, superuser=await is_superuser(connection))
    handing = await rows.handing_over(connection, context.app_relations, context.app_role, joins=context.joins)
    arguments = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1"]
    with tempfile.TemporaryDirectory(prefix="spyne-restore-") as scratch:
        script = _script(pg_restore, path, Path(scratch), url, chosen, context, [*handing, *context.last])
        await feed(psql, arguments, url, script)
    await rows.analyze(connection)
    return chosen.left_out


async def _chosen(pg_restore: Path, path: Path, url: str, *, superuser: bool) -> entries.Chosen:
    listed = await _whole(output(pg_restore, ["--list", str(path)], url))
    try:
        return entries.choose(listed.split(b"\n"), superuser=superuser)
    except entries.BadListError as error:
        raise ProgramError(f"{pg_restore.name} failed: {error}") from error


async def _script(
    pg_restore: Path,
    path: Path,
    scratch: Path,
    url: str,
    chosen: entries.Chosen,
    context: RestoreContext,
    last: Sequence[str],
) -> AsyncGenerator[bytes, None]:
    """The transaction for psql. Whatever is wrong with the dump is raised before the commit is sent."""
    rest, defaults = scratch / "rest", scratch / "defaults"
    rest.write_bytes(entries.lines(chosen.taken))
    defaults.write_bytes(entries.lines(chosen.defaults))
    arguments = ["--no-owner", "--file=-"]
    yield _statements(["BEGIN", *context.first])
    async with aclosing(
        output(pg_restore, [*arguments, *context.more, f"--use-list={rest}", str(path)], url)
    ) as blocks:
        async for block in blocks:
            yield block
    privileges = await _whole(output(pg_restore, [*arguments, f"--use-list={defaults}", str(path)], url))
    yield _FOR_OWNER.sub(rb"\1", privileges)
    yield _statements([*last, "COMMIT"])


def _statements(statements: Iterable[str]) -> bytes:
    return "".join(f"{statement};\n" for statement in statements).encode()


async def _whole(blocks: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in blocks])
