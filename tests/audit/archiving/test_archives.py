"""Old seals leave the log into verified objects; the log goes on verifying, and what nobody vouches for is found."""

import gzip
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.archiving import archiver
from app.audit.archiving.archive_files import with_archives
from app.audit.seals.chain import Checkpoint
from app.audit.seals.proofs import checkpoint
from app.audit.seals.signing import SealingKey
from app.audit.verification.exporting import Exported, export
from app.audit.verification.offline import ExportVerification, verify_export
from app.audit.verification.verifier import Kind
from app.audit.verification.verify_database import Scope
from app.commands import audit as commands
from app.kernel.db.database import WriteSession
from app.kernel.ports.retention import RetentionTargets
from app.kernel.runtime.resources import Resources
from app.operations.retention import running
from tests.audit.archiving.archived import FUTURE, archive
from tests.audit.logs import sealer, tell, verified
from tests.audit.verification.tampering import undone
from tests.operations.retention.steps import held


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several archives and several steps in a small log."""
    monkeypatch.setattr(archiver, "ARCHIVE_ROWS", 8)
    monkeypatch.setattr(running, "STEP_ROWS", 5)


async def log(resources: Resources) -> Checkpoint:
    """A log of several seals; what a careful operator has seen of it."""
    for rows in (4, 9, 1, 6, 5):
        await tell(resources, rows)
        await sealer(resources, batch_rows=6).seal_waiting()
    async with resources.database.read() as session:
        return await checkpoint(session, SealingKey(resources.secret), resources.clock())


async def sealed(owner: asyncpg.Connection) -> tuple[int, int]:
    """Seals, and rows under them."""
    row = await owner.fetchrow("SELECT max(number), sum(count) FROM spyne.audit_seals")
    return int(row[0]), int(row[1])


async def stored(resources: Resources) -> dict[str, bytes]:
    found = {}
    async for info in resources.storage.list("audit/archives"):
        found[info.key] = b"".join([block async for block in resources.storage.get_stream(info.key)])
    return found


async def exported(resources: Resources, archives: dict[str, bytes]) -> ExportVerification:
    """The log written to a file and verified without the service, together with its archives."""
    own = SealingKey(resources.secret).public
    async with resources.database.snapshot() as session:
        content = b"".join([piece async for piece in export(session, own, resources.clock(), Exported())])
    outcome = verify_export(io.BytesIO(content), [own.raw.hex()])
    return with_archives(outcome, [io.BytesIO(each) for each in archives.values()], [own.raw.hex()])


async def test_archived_rows_are_gone_and_everything_goes_on_verifying(
    resources: Resources, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    seen = await log(resources)
    seals, _ = await sealed(owner)
    kept = await owner.fetchval("SELECT id FROM spyne.audit_log ORDER BY transaction_id DESC, id DESC LIMIT 1")
    total = await owner.fetchval("SELECT total FROM spyne.audit_seals WHERE number = $1", seals - 2)
    target = resources.extensions.of(RetentionTargets).of("audit_log")
    async with resources.database.read() as session:
        preview = await target.preview(session, FUTURE)
    run = await archive(resources, admin, owner, seals - 2)
    assert (run["status"], run["rows"]) == ("completed", total), run
    assert preview.amount.rows > total
    archives = await stored(resources)
    assert sorted(archives) == sorted(each["object"] for each in run["archives"])
    assert len(archives) >= 2
    assert sum(each["rows"] for each in run["archives"]) == total
    await sealer(resources).seal_waiting()

    report = await verified(resources.database, resources, seen)
    assert (report.findings, report.archived, report.seals) == ([], total, (await sealed(owner))[0])
    assert (await verified(resources.database, resources, seen, Scope(first_seal=3, last_seal=seals))).clean
    answer = (await admin.post("/api/audit/verify", json={"checkpoint": seen.document()})).json()
    assert (answer["clean"], answer["complete"], answer["archived"]) == (True, True, total)
    assert (await admin.get(f"/api/audit/{kept}/proof")).status_code == 200

    alone = await exported(resources, {})
    assert (alone.report.findings, alone.report.archived) == ([], total)
    whole = await exported(resources, archives)
    assert (whole.report.findings, whole.report.archived, whole.report.rows) == (
        [], 0, (await sealed(owner))[1],
    )  # fmt: skip
    for key, content in archives.items():
        assert verify_export(io.BytesIO(gzip.decompress(content))).report.clean, key

    first = next(iter(archives))
    spoiled = archives | {first: archives[first][:-40] + b"x" * 40}
    found = await exported(resources, spoiled)
    assert {finding.kind for finding in found.report.findings} == {Kind.ARCHIVE_DAMAGED}

    again = await archive(resources, admin, owner)
    assert again["status"] == "completed"
    assert (await verified(resources.database, resources, seen)).clean


async def test_the_runtime_login_removes_only_what_is_archived_in_order(
    resources: Resources, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await log(resources)

    async def tried(session: WriteSession, *statements: str) -> None:
        for statement in statements:
            await session.execute(text(statement))

    marked = "SELECT set_config('spyne.audit_removal', pg_current_xact_id()::text, true)"
    for statements in (
        ["SELECT spyne.remove_archived_audit(1)"],
        ["DELETE FROM spyne.audit_log"],
        [marked, "DELETE FROM spyne.audit_log"],
        ["DELETE FROM spyne.audit_archives"],
        ["INSERT INTO spyne.audit_archives SELECT 1, 2, 3, '', 1, '', 1, '', '', 1, '', ''"],
    ):
        with pytest.raises(DBAPIError):
            await resources.database.run(lambda session, these=statements: tried(session, *these))  # type: ignore[misc]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("DELETE FROM spyne.audit_log")
    run = await archive(resources, admin, owner, 3)
    async with resources.database.write() as session:
        assert (await session.execute(text("SELECT spyne.remove_archived_audit(3)"))).scalar_one() == 0
    assert run["status"] == "completed"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("DELETE FROM spyne.audit_archives")


async def _forge(owner: asyncpg.Connection) -> None:
    """Who holds the runtime login vouches for what nobody archived, and removes it."""
    await owner.execute(
        "INSERT INTO spyne.audit_archives SELECT a.number + 1, a.last_seal + 1, s.number, sha256('x'), s.count, 'x', 1,"
        " sha256('x'), sha256('x'), 1, a.key, a.signature FROM spyne.audit_archives a, spyne.audit_seals s"
        " WHERE a.number = (SELECT max(number) FROM spyne.audit_archives) AND s.number = a.last_seal + 1"
    )
    await owner.execute("SELECT spyne.remove_archived_audit((SELECT max(last_seal) FROM spyne.audit_archives))")


async def _delete_row(owner: asyncpg.Connection) -> None:
    await owner.execute("DELETE FROM spyne.audit_log WHERE id = (SELECT max(entry_id::text)::uuid FROM ("
                        "SELECT entry_id FROM spyne.audit_sealed_entries ORDER BY seal DESC LIMIT 1) x)")  # fmt: skip


async def _delete_seal_rows(owner: asyncpg.Connection) -> None:
    seal = await owner.fetchval("SELECT min(seal) FROM spyne.audit_sealed_entries")
    await owner.execute(
        "DELETE FROM spyne.audit_log WHERE id IN (SELECT entry_id FROM spyne.audit_sealed_entries WHERE seal = $1)",
        seal,
    )
    await owner.execute("DELETE FROM spyne.audit_sealed_entries WHERE seal = $1", seal)


async def _delete_archive(owner: asyncpg.Connection) -> None:
    await owner.execute(
        "DELETE FROM spyne.audit_archives WHERE number = (SELECT max(number) FROM spyne.audit_archives)"
    )


async def _edit_archive(owner: asyncpg.Connection) -> None:
    await owner.execute("UPDATE spyne.audit_archives SET sha256 = sha256('x') WHERE number = 1")


async def _widen_archive(owner: asyncpg.Connection) -> None:
    await owner.execute("UPDATE spyne.audit_archives SET last_seal = last_seal + 1 "
                        "WHERE number = (SELECT max(number) FROM spyne.audit_archives)")  # fmt: skip
    await _delete_seal_rows(owner)


async def _put_back(owner: asyncpg.Connection) -> None:
    """A row among the archived ones that never was."""
    await owner.execute(
        "INSERT INTO spyne.audit_log "
        "(time, transaction_id, actor_kind, actor_label, action, verb, entity_type, outcome)"
        " SELECT now(), horizon - 1, 'user', 'eve', 'thing:forge', 'UPDATE', 'thing', 'success'"
        " FROM spyne.audit_seals WHERE number = 1"
    )


TAMPERINGS: tuple[Callable[[asyncpg.Connection], Awaitable[None]], ...] = (
    _forge, _delete_row, _delete_seal_rows, _delete_archive, _edit_archive, _widen_archive, _put_back,
)  # fmt: skip


async def test_what_no_genuine_archive_vouches_for_is_found(
    resources: Resources, admin: httpx.AsyncClient, owner: asyncpg.Connection, engine: AsyncEngine
) -> None:
    await log(resources)
    await archive(resources, admin, owner, 4)
    await sealer(resources).seal_waiting()
    assert (await verified(resources.database, resources)).clean
    for tamper in TAMPERINGS:
        async with undone(engine) as (session, driver):
            await driver.execute("ALTER TABLE spyne.audit_archives DISABLE TRIGGER append_only")
            await tamper(driver)
            report = await verified(session, resources)
            print(tamper.__name__, {finding.kind.value for finding in report.findings})
            assert not report.clean, tamper.__name__
    assert (await verified(resources.database, resources)).clean, "and nothing of it stayed"


@pytest.mark.parametrize(
    ("tables", "kinds"),
    [
        (["audit_log"], {Kind.ROW_INSERTED}),
        (["audit_log", "audit_sealed_entries"], {Kind.MEMBERS_ALTERED, Kind.ROOT_MISMATCH}),
    ],
)
async def test_an_archived_row_that_is_put_back_as_it_was_is_found(
    resources: Resources,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    engine: AsyncEngine,
    tables: list[str],
    kinds: set[Kind],
) -> None:
    """Seals leave whole: a single row of one is no row of the log, even with its genuine record under the seal."""
    await log(resources)
    one = await owner.fetchval("SELECT entry_id FROM spyne.audit_sealed_entries WHERE seal = 2 AND leaf = 0")
    for table in tables:
        key = "id" if table == "audit_log" else "entry_id"
        await owner.execute(f"CREATE TABLE spyne.kept_{table} AS SELECT * FROM spyne.{table} WHERE {key} = '{one}'")
    await archive(resources, admin, owner, 4)
    await sealer(resources).seal_waiting()
    assert (await verified(resources.database, resources)).clean
    async with undone(engine) as (session, driver):
        for table in tables:
            await driver.execute(f"INSERT INTO spyne.{table} SELECT * FROM spyne.kept_{table}")
        report = await verified(session, resources)
        assert {finding.kind for finding in report.findings} == kinds


async def test_a_log_that_was_tampered_with_is_neither_archived_nor_removed(
    resources: Resources, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await log(resources)
    await owner.execute("ALTER TABLE spyne.audit_log DISABLE TRIGGER ALL")
    await owner.execute("UPDATE spyne.audit_log SET actor_label = 'eve' WHERE id = (SELECT entry_id FROM "
                        "spyne.audit_sealed_entries ORDER BY seal, leaf LIMIT 1)")  # fmt: skip
    rows = await owner.fetchval("SELECT count(*) FROM spyne.audit_sealed_entries")
    run = await archive(resources, admin, owner)
    assert (run["status"], run["rows"], run["error"].partition(":")[0]) == ("failed", 0, "audit-log-not-sound")
    assert await stored(resources) == {}
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_sealed_entries") == rows


async def test_a_hold_keeps_its_seal_and_all_after_it(
    resources: Resources, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await log(resources)
    row = await owner.fetchrow(
        "SELECT e.entity_id, m.seal FROM spyne.audit_log e JOIN spyne.audit_sealed_entries m ON m.entry_id = e.id "
        "WHERE m.seal = 4 AND e.entity_type = 'thing' LIMIT 1"
    )
    await held(admin, "audit_log", entity_id=row["entity_id"])
    total = await owner.fetchval("SELECT total FROM spyne.audit_seals WHERE number = 3")
    target = resources.extensions.of(RetentionTargets).of("audit_log")
    async with resources.database.read() as session:
        preview = await target.preview(session, FUTURE)
    run = await archive(resources, admin, owner)
    assert (run["rows"], run["bytes"]) == (preview.amount.rows, preview.amount.bytes) == (total, run["bytes"])
    assert preview.held.rows > 0
    assert await owner.fetchval("SELECT min(seal) FROM spyne.audit_sealed_entries") == 4
    assert (await verified(resources.database, resources)).clean


async def test_a_row_that_is_too_young_keeps_its_seal_and_all_after_it(
    resources: Resources, engine: AsyncEngine, owner: asyncpg.Connection
) -> None:
    """However old the seal says it is: clocks are set, and step."""
    await log(resources)
    total = await owner.fetchval("SELECT total FROM spyne.audit_seals WHERE number = 2")
    target = resources.extensions.of(RetentionTargets).of("audit_log")
    async with undone(engine) as (session, driver):
        moved = await driver.execute(
            "UPDATE spyne.audit_log SET time = $1 WHERE id = "
            "(SELECT entry_id FROM spyne.audit_sealed_entries WHERE seal = 3 AND leaf = 0)",
            FUTURE,
        )
        assert moved == "UPDATE 1"
        preview = await target.preview(session, FUTURE)
    assert (preview.amount.rows, preview.held.rows) == (total, 0)


async def test_each_archive_is_in_the_log_itself(
    resources: Resources, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await log(resources)
    run = await archive(resources, admin, owner, 4)
    told = (await admin.get("/api/audit", params={"entity_type": "audit-archive"})).json()["items"]
    assert {each["actor"]["kind"] for each in told} == {"system"}
    shown = {each["entity"]["label"]: each["after"] for each in told}
    assert shown.keys() == {each["object"] for each in run["archives"]}
    for each in run["archives"]:
        assert {name: shown[each["object"]][name] for name in ("first_seal", "last_seal", "rows", "sha256")} == {
            name: each[name] for name in ("first_seal", "last_seal", "rows", "sha256")
        }


async def test_the_command_verifies_a_log_with_a_directory_of_archives(
    resources: Resources, admin: httpx.AsyncClient, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    await log(resources)
    await archive(resources, admin, owner, 4)
    own = SealingKey(resources.secret).public
    async with resources.database.snapshot() as session:
        content = b"".join([piece async for piece in export(session, own, resources.clock(), Exported())])
    (tmp_path / "log.ndjson").write_bytes(content)
    for number, part in enumerate((await stored(resources)).values()):
        (tmp_path / "archives").mkdir(exist_ok=True)
        (tmp_path / "archives" / f"{number}.ndjson.gz").write_bytes(part)
    without = commands.verify_file(tmp_path / "log.ndjson", None, [])
    whole = commands.verify_file(tmp_path / "log.ndjson", None, [], [tmp_path / "archives"])
    assert (commands.exit_code(without), commands.exit_code(whole)) == (commands.CLEAN, commands.CLEAN)
    assert (without.report.archived, whole.report.archived) == (whole.report.rows - without.report.rows, 0)
    assert "archives vouch for" in commands.as_text(without, with_checkpoint=False)
    one = commands.verify_file(tmp_path / "archives" / "0.ndjson.gz", None, [own.raw.hex()])
    assert commands.exit_code(one) == commands.CLEAN
    foreign = commands.verify_file(tmp_path / "log.ndjson", None, [], [tmp_path / "log.ndjson"])
    assert commands.exit_code(foreign) == commands.FINDINGS
