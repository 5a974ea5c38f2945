"""`spyne verify`: whether the environment is as the service leaves it. Reads only; each fault found is one finding.

What the migrations make is not written down a second time: they are run in a scratch PostgreSQL, and the two databases
are compared object by object.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import orjson

from app.audit.verification.verifier import Report
from app.commands import audit
from app.commands import environment_repository as rows
from app.commands.environment import Environment
from app.commands.manifest import DUMP
from app.kernel.db import foreign_objects, migrations, schema_state
from app.kernel.db.backend_memory import Confinement
from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.db.query_login import QueryLimits, QueryLogin
from app.kernel.dumping import engine
from app.kernel.dumping import repository as copied
from app.kernel.embedded import EmbeddedServer, ServerAddress
from app.kernel.embedded.binaries import MAJOR
from app.kernel.problems import Problem
from app.kernel.redaction import safe_text
from app.kernel.storage.compression import CorruptObject, unzstd_stream
from app.kernel.storage.object_storage import ObjectNotFound, ObjectStorage
from app.warehouse import relation_checks as governed

SCRATCH: Final = {"fsync": "off", "synchronous_commit": "off", "shared_buffers": "32MB"}
_OF_SCRATCH: Final = "spyne_scratch"
_DATABASES: Final = ("migrated", "restored")
_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class InstallationFinding:
    """A thing that is not as it should be."""

    area: str
    """schema, grants, settings, data, foreign, objects, memory or audit."""
    subject: str
    detail: str


@dataclass(slots=True)
class Verified:
    """What was looked at and found."""

    findings: list[InstallationFinding] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)
    """Things compared, by area."""
    notes: list[str] = field(default_factory=list)
    """What could not be looked at, and why that may be right."""

    def add(self, area: str, looked_at: int, found: Sequence[tuple[str, str]]) -> None:
        """Record what was found in an area."""
        self.looked_at[area] = self.looked_at.get(area, 0) + looked_at
        self.findings += [InstallationFinding(area, subject, detail) for subject, detail in found]


async def verify(environment: Environment, checkpoint: Path | None, *, contents: bool = True) -> Verified:
    """What a look at everything finds. `contents`: stored objects are read and hashed, not only looked for."""
    verified = Verified()
    connection = await migrations.connect(environment.urls.owner)
    try:
        at = await copied.migration(connection) if await rows.has_migrations(connection) else "none"
        if at != migrations.head():
            found = f"it is at {at}, this code needs {migrations.head()}; `spyne migrate` brings it there"
            verified.add("schema", 1, [("migration", found)])
            return verified
        await _schema(environment, connection, verified)
        settings = await schema_state.unsafe_settings(connection)
        faults = [(name, f"it is {value}: committed changes or triggers may be lost") for name, value in settings]
        verified.add("settings", len(schema_state.SETTINGS), faults)
        try:
            verified.add("data", await rows.number_of_tables(connection), await governed.findings(connection))
            await _foreign(environment, connection, verified)
            await _objects(environment, connection, verified, contents=contents)
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
            verified.notes.append(
                "data, objects and what is foreign were not looked at: the schema above keeps from it"
            )
        await _memory(environment, connection, verified)
    finally:
        await connection.close()
    await _audit(environment, checkpoint, verified)
    return verified


async def _memory(environment: Environment, owner: asyncpg.Connection, verified: Verified) -> None:
    """Whether the kernel bounds what a query takes: our limit of its backend, or the one that the server has."""
    login = QueryLogin(environment.urls.query, environment.settings.database)
    await login.open()
    try:
        async with login.transaction(QueryLimits()):
            bounded = login.confinement is Confinement.CONFINED
    except (Problem, *DATABASE_FAILURES):
        verified.notes.append("the memory of queries was not looked at: the query login cannot be used")
        return
    finally:
        await login.close()
    if bounded or await rows.memory_limit(owner) is not None:
        verified.add("memory", 1, [])
    else:
        verified.notes.append("nothing but the machine bounds the memory of a query: see “Memory” in docs/operating.md")


async def _schema(environment: Environment, connection: asyncpg.Connection, verified: Verified) -> None:
    walls = await schema_state.is_superuser(connection)
    if not walls:
        verified.notes.append("the owner is no superuser: PostgreSQL's own functions are not walled off")
    expected, restored = await asyncio.to_thread(
        _as_migrated, environment, await rows.owner_name(connection), walls=walls
    )
    actual = await schema_state.state(connection, environment.settings.database, walls=walls)
    for area, of_area in (("schema", False), ("grants", True)):
        names = {name for name in expected.keys() | actual.keys() if _is_grant(name) is of_area}
        verified.add(area, len(names), differences(expected, actual, sorted(names), restored))


async def _foreign(environment: Environment, connection: asyncpg.Connection, verified: Verified) -> None:
    found = await foreign_objects.look(
        connection,
        environment.settings.database,
        await rows.adopted_relations(connection),
        ours_alone=environment.server is not None,
    )
    verified.add("foreign", found.looked_at, found.findings)
    verified.notes += found.notes


def _is_grant(name: str) -> bool:
    return name.startswith(("grants", "role"))


def differences(
    expected: schema_state.State, actual: schema_state.State, names: Sequence[str], restored: schema_state.State
) -> list[tuple[str, str]]:
    """How the actual state differs in these names. `restored` is the expected one as a restored dump shows it."""
    found: list[tuple[str, str]] = []
    for name in names:
        wanted, there = expected.get(name), actual.get(name)
        if wanted is None and there is not None:
            found.append((name, f"no migration makes it: {there}"))
        elif there is None:
            found.append((name, "it is gone"))
        elif there not in {wanted, restored.get(name)}:
            found.append((name, f"it is {there!r}, and migrations make {wanted!r}"))
    return found


def _as_migrated(environment: Environment, owner: str, *, walls: bool) -> tuple[schema_state.State, schema_state.State]:
    """The state of a fresh database, made by the migrations in a PostgreSQL of its own; and after a dump and a restore.

    PostgreSQL writes some expressions otherwise after they went through a dump, once and for all.
    """

    async def look(url: str) -> schema_state.State:
        connection = await migrations.connect(url)
        try:
            return await schema_state.state(connection, environment.settings.database, walls=walls)
        finally:
            await connection.close()

    with tempfile.TemporaryDirectory(prefix="spyne-verify-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root, PostgreSQL runs as another account
        password = environment.secret.password("scratch")
        superuser = owner if walls else _OF_SCRATCH
        server = EmbeddedServer(Path(folder) / "postgres", superuser=superuser, password=password, settings=SCRATCH)
        with server as address:
            asyncio.run(_belonging_to(owner, address, password))
            first, second = (address.url(name, user=owner, password=password) for name in _DATABASES)
            asyncio.run(migrations.prepare(first, environment.settings.database, environment.secret))
            migrations.upgrade(first)
            asyncio.run(_copied(first, second, environment.settings.database.app_role, Path(folder) / DUMP))
            return asyncio.run(look(first)), asyncio.run(look(second))


async def _belonging_to(owner: str, address: ServerAddress, password: str) -> None:
    """Two databases of the owner's, who is made if it is not the superuser, with no more rights than an owner needs."""
    connection = await migrations.connect(address.url("postgres"))
    try:
        if address.user != owner:
            await rows.make_owner(connection, owner, password)
        for name in _DATABASES:
            await rows.make_database(connection, name, owner)
    finally:
        await connection.close()


async def _copied(source: str, target: str, app_role: str, dump: Path) -> None:
    await engine.dump_into(dump, source, MAJOR, ["--schema-only"])
    connection = await migrations.connect(target)
    try:
        await engine.restore(connection, target, dump, MAJOR, engine.RestoreContext((), app_role))
    finally:
        await connection.close()


async def _objects(
    environment: Environment, connection: asyncpg.Connection, verified: Verified, *, contents: bool
) -> None:
    storage = ObjectStorage.open(environment.settings.storage_url or (environment.settings.home / "objects").as_uri())
    known: set[str] = set()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for named in rows.named_objects(connection):
            known.add(named.key)
            wrong = await _fault(storage, named, contents=contents)
            verified.add("objects", 1, [(named.key, f"{wrong} ({named.named_by})")] if wrong else [])
    unnamed = [info.key async for info in storage.list() if info.key not in known]
    if unnamed:
        verified.notes.append(f"{len(unnamed)} stored objects are named by no row; the workers tidy such up")


async def _fault(storage: ObjectStorage, named: rows.NamedObject, *, contents: bool) -> str | None:
    try:
        if not contents:
            await storage.head(named.key)
            return None
        if named.sha256 is not None:
            return None if await _sha256(storage.get_stream(named.key)) == named.sha256 else "it was changed"
        plain = await _sha256(unzstd_stream(storage.get_stream(named.key)))
    except ObjectNotFound:
        return "it is gone"
    except CorruptObject:
        return "it cannot be decoded"
    return None if named.plain_sha256 in {None, plain} else "it was changed"


async def _sha256(content: AsyncIterator[bytes]) -> str:
    digest = hashlib.sha256()
    async for block in content:
        digest.update(block)
    return digest.hexdigest()


async def _audit(environment: Environment, checkpoint: Path | None, verified: Verified) -> None:
    report: Report = (await audit.verify_database(environment, checkpoint, [])).report
    verified.add(
        "audit",
        report.rows,
        [(finding.kind.value, _located(finding.seal, finding.detail)) for finding in report.findings],
    )
    if checkpoint is None:
        verified.notes.append("no audit checkpoint given: a log that was cut at its end looks like a shorter one")


def _located(seal: int | None, detail: str) -> str:
    return detail if seal is None else f"seal {seal}: {detail}"


def as_json(verified: Verified) -> str:
    """The findings for programs, one object."""
    document = {"clean": not verified.findings} | asdict(verified)
    return orjson.dumps(document).decode()


def as_text(verified: Verified) -> str:
    """The findings for people."""
    number = len(verified.findings)
    lines = ["Everything is as it should be." if not number else f"{number} finding{'s' * (number != 1)}:"]
    lines += [
        safe_text(f"  {finding.area:<9} {finding.subject}: {finding.detail}") for finding in verified.findings[:_SHOWN]
    ]
    if number > _SHOWN:
        lines.append(f"  … and {number - _SHOWN} more")
    lines.append("  looked at " + ", ".join(f"{count:,} of {area}" for area, count in verified.looked_at.items()))
    lines += [f"  note      {note}" for note in verified.notes]
    return "\n".join(lines)
