"""Sealing: every row once, in order, whatever goes on beside it; never a row that another could still precede."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from app.audit.log.service import AuditTrail
from app.audit.seals.seal_repository import SealWrites
from app.audit.seals.sealing import BACKGROUND, ChainRewoundError, Sealer, standing
from app.audit.seals.signing import SealingKey
from app.kernel.db.database import OperationClass
from app.kernel.db.failures import FAILURES
from app.kernel.runtime.background import background
from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.metrics import AUDIT_SEALS, AUDIT_UNSEALED_AGE, BACKGROUND_FAILURES
from app.operations.modes.modes import Maintenance, MaintenanceInProgress, MaintenanceMode, ReadOnlyMode
from app.operations.modes.service import Modes
from app.wiring import worker_background
from tests.audit.logs import ADA, ThingAction, sealer, tell, verified
from tests.waiting import eventually

TRIGGERS_OFF = "ALTER TABLE spyne.{0} DISABLE TRIGGER ALL"


async def seals(owner: asyncpg.Connection) -> list[Any]:
    return list(await owner.fetch("SELECT * FROM spyne.audit_seals ORDER BY number"))


async def sealed(owner: asyncpg.Connection) -> int:
    return int(await owner.fetchval("SELECT count(*) FROM spyne.audit_sealed_entries"))


async def test_rows_are_sealed_once_in_the_order_of_their_transactions(
    resources: Resources, owner: asyncpg.Connection
) -> None:
    await tell(resources, 3)
    await tell(resources, 2)
    worker = sealer(resources)
    assert await worker.seal_waiting() == 5
    assert await worker.seal_waiting() == 0
    await tell(resources)
    assert await worker.seal_waiting() == 1
    first, second = await seals(owner)
    assert [(s["number"], s["count"], s["total"]) for s in (first, second)] == [(1, 5, 5), (2, 1, 6)]
    order = await owner.fetch(
        "SELECT e.id FROM spyne.audit_sealed_entries m JOIN spyne.audit_log e ON e.id = entry_id ORDER BY seal, leaf"
    )
    assert order == await owner.fetch("SELECT id FROM spyne.audit_log ORDER BY transaction_id, id")
    report = await verified(resources.database, resources)
    assert (report.findings, report.seals, report.rows, report.unsealed) == ([], 2, 6, 0)


async def test_batches_are_bounded_even_within_one_transaction(resources: Resources, owner: asyncpg.Connection) -> None:
    worker = sealer(resources, batch_rows=3)
    await tell(resources, 7)
    assert await worker.seal_waiting() == 7, "taken over at the first start"
    for rows in (3, 8, 1):
        await tell(resources, rows)
    assert await worker.seal_waiting() == 12
    assert [s["count"] for s in await seals(owner)] == [3, 3, 1, 3, 3, 3, 3]
    report = await verified(resources.database, resources)
    assert (report.findings, report.rows) == ([], 19)


async def test_rows_beside_a_long_transaction_wait_for_it(resources: Resources, owner: asyncpg.Connection) -> None:
    worker = sealer(resources)
    await tell(resources)
    await worker.seal_waiting()
    impatient = Sealer(resources.database, SealingKey(resources.secret))
    long = await asyncpg.connect(resources.database.url.replace("+asyncpg", ""))
    transaction = long.transaction()
    await transaction.start()
    await long.execute(
        "INSERT INTO spyne.audit_log (actor_kind, actor_label, action, verb, entity_type, outcome) "
        "VALUES ('system', 'slow', 'thing:change', 'UPDATE', 'thing', 'success')"
    )
    await tell(resources, 2)
    assert await impatient.seal_waiting() == 0
    report = await verified(resources.database, resources)
    assert (report.findings, report.unsealed) == ([], 2)
    assert AUDIT_UNSEALED_AGE._value.get() > 0
    await transaction.commit()
    await long.close()
    assert await worker.seal_waiting() == 3
    labels = await owner.fetch(
        "SELECT e.actor_label FROM spyne.audit_sealed_entries m JOIN spyne.audit_log e ON e.id = entry_id "
        "WHERE seal = 2 ORDER BY leaf"
    )
    assert [row[0] for row in labels] == ["slow", "ada", "ada"]
    await standing(resources.database)
    assert (AUDIT_UNSEALED_AGE._value.get(), AUDIT_SEALS._value.get()) == (0, 2)
    assert (await verified(resources.database, resources)).clean


@pytest.mark.parametrize(
    ("mode", "operation"), [("read_only", OperationClass.RECORD), ("maintenance", OperationClass.CONTROL)]
)
async def test_what_a_mode_lets_happen_is_told_and_sealed_while_it_is_in_force(
    resources: Resources, mode: str, operation: OperationClass
) -> None:
    wanted = Maintenance(MaintenanceMode(mode), "moving")
    async with resources.database.write(OperationClass.CONTROL) as session:
        await resources.build(Modes, session).set_maintenance(wanted, ADA, None)
    with pytest.raises((ReadOnlyMode, MaintenanceInProgress)):
        await tell(resources)
    async with resources.database.write(operation) as session:
        await AuditTrail(session).append(ADA, ThingAction.CREATE, "thing")
    assert await sealer(resources).seal_waiting() == 2, "the switch itself, and what came after"
    report = await verified(resources.database, resources)
    assert (report.findings, report.rows, report.unsealed) == ([], 2, 0)


async def test_an_aborted_transaction_leaves_no_gap(resources: Resources) -> None:
    async def fail() -> None:
        async with resources.database.write() as session:
            await AuditTrail(session).append(ADA, ThingAction.CREATE, "thing")
            raise ZeroDivisionError

    worker = sealer(resources)
    await tell(resources)
    with pytest.raises(ZeroDivisionError):
        await fail()
    await tell(resources)
    assert await worker.seal_waiting() == 2
    assert (await verified(resources.database, resources)).clean


async def test_a_sealer_that_dies_loses_and_doubles_nothing(
    resources: Resources, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(resources, 4)
    add = SealWrites.add

    async def die(self: SealWrites, *seal: Any) -> None:
        await add(self, *seal)
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
        )

    with monkeypatch.context() as dying:
        dying.setattr(SealWrites, "add", die)
        with pytest.raises(FAILURES):
            await sealer(resources).seal_waiting()
    assert (await seals(owner), await sealed(owner)) == ([], 0)
    assert await sealer(resources).seal_waiting() == 4
    assert (await verified(resources.database, resources)).clean


async def test_many_sealers_and_writers_make_one_chain(resources: Resources, owner: asyncpg.Connection) -> None:
    done = asyncio.Event()

    async def keep_sealing() -> None:
        worker = Sealer(resources.database, SealingKey(resources.secret), batch_rows=7)
        while not done.is_set():
            await worker.seal_waiting()
            await asyncio.sleep(random.uniform(0, 0.01))

    async def keep_writing(n: int) -> None:
        for _ in range(15):
            await tell(resources, 1 + n % 3)

    sealers = [asyncio.create_task(keep_sealing()) for _ in range(3)]
    await asyncio.gather(*(keep_writing(n) for n in range(8)))
    done.set()
    await asyncio.gather(*sealers)
    await sealer(resources).seal_waiting()
    rows = await owner.fetchval("SELECT count(*) FROM spyne.audit_log")
    assert (await sealed(owner), rows) == (rows, 15 * (3 * 1 + 3 * 2 + 2 * 3))
    report = await verified(resources.database, resources)
    assert (report.findings, report.rows, report.unsealed) == ([], rows, 0)
    assert report.seals > 10


async def test_nobody_changes_a_seal(resources: Resources, owner: asyncpg.Connection) -> None:
    await tell(resources)
    await sealer(resources).seal_waiting()
    runtime = await asyncpg.connect(resources.database.url.replace("+asyncpg", ""))
    for connection in (owner, runtime):
        for table in ("audit_seals", "audit_sealed_entries"):
            for statement in (f"DELETE FROM spyne.{table}", f"TRUNCATE spyne.{table}"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE spyne.audit_seals SET count = 0")
    await runtime.close()


async def restore(owner: asyncpg.Connection) -> None:
    """As after a restore elsewhere: the rows bear transactions of another server, far ahead of this one's."""
    for table in ("audit_log", "audit_seals", "audit_sealed_entries"):
        await owner.execute(TRIGGERS_OFF.format(table))
    await owner.execute("UPDATE spyne.audit_log SET transaction_id = transaction_id + 1000000000")


async def test_after_a_restore_elsewhere_rows_are_taken_over(
    resources: Resources, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The log is written and sealed as on another server, whose transactions are far ahead of this one's.
    await restore(owner)
    await owner.execute(
        "ALTER TABLE spyne.audit_log ALTER transaction_id SET DEFAULT pg_current_xact_id()::text::bigint + 1000000000"
    )
    present = SealWrites.present

    async def elsewhere(self: Any) -> Any:
        found, horizon = await present(self)
        return type(found)("another/1", found.snapshot_end + 10**9, found.time), horizon + 10**9

    await tell(resources, 3)
    with monkeypatch.context() as there:
        there.setattr(SealWrites, "present", elsewhere)
        assert await sealer(resources).seal_waiting() == 3
    await tell(resources, 5)  # dumped before they were sealed
    await owner.execute(
        "ALTER TABLE spyne.audit_log ALTER transaction_id SET DEFAULT pg_current_xact_id()::text::bigint"
    )
    await tell(resources, 2)  # written here, with transactions below all others
    assert (await verified(resources.database, resources)).clean, "a restore is no finding"
    worker = sealer(resources, batch_rows=4)
    assert await worker.seal_waiting() == 7
    await tell(resources, 2)
    assert await worker.seal_waiting() == 2
    assert not (await standing(resources.database)).due
    found = await seals(owner)
    assert [(s["count"], s["adopted"]) for s in found] == [(3, True), (4, True), (3, True), (2, False)]
    report = await verified(resources.database, resources)
    assert (report.findings, report.rows, report.unsealed, report.lineages) == ([], 12, 0, 2)


async def test_a_restore_without_waiting_rows_is_recorded_once(
    resources: Resources, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = SealWrites.present

    async def elsewhere(self: Any) -> Any:
        found, horizon = await present(self)
        return type(found)("another/1", found.snapshot_end, found.time), horizon

    await tell(resources)
    with monkeypatch.context() as there:
        there.setattr(SealWrites, "present", elsewhere)
        await sealer(resources).seal_waiting()
    for _ in range(2):
        assert await sealer(resources).seal_waiting() == 0
    assert [(s["count"], s["adopted"]) for s in await seals(owner)] == [(1, True), (0, True)]
    assert (await verified(resources.database, resources)).clean


async def test_whoever_has_seen_a_seal_does_not_go_on_without_it(
    resources: Resources, owner: asyncpg.Connection
) -> None:
    worker = sealer(resources)
    await tell(resources)
    await worker.seal_waiting()
    for table in ("audit_seals", "audit_sealed_entries"):
        await owner.execute(TRIGGERS_OFF.format(table))
        await owner.execute(f"DELETE FROM spyne.{table}")
    with pytest.raises(ChainRewoundError):
        await worker.seal_waiting()
    assert await seals(owner) == []


def failures() -> float:
    return float(BACKGROUND_FAILURES.labels("audit-sealing")._value.get())


def refused_since(before: float) -> Callable[[], Awaitable[bool]]:
    async def refused() -> bool:
        return failures() > before

    return refused


async def test_whoever_has_seen_seals_vanish_seals_no_more(
    resources: Resources, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    worker = sealer(resources)
    await tell(resources)
    await worker.look()
    for table in ("audit_seals", "audit_sealed_entries"):
        await owner.execute(TRIGGERS_OFF.format(table))
        await owner.execute(f"DELETE FROM spyne.{table}")
    for _ in range(3):
        with pytest.raises(ChainRewoundError):
            await worker.look()
    assert [record.getMessage() for record in caplog.records if record.levelname == "CRITICAL"] == [
        "the audit log is no longer sealed"
    ]
    assert await seals(owner) == []


async def test_workers_seal_by_themselves(resources: Resources, owner: asyncpg.Connection) -> None:
    assert BACKGROUND[0] in worker_background()

    async def reached(rows: int) -> bool:
        return await sealed(owner) == rows

    async with background(BACKGROUND, resources):
        await tell(resources, 2)
        await eventually(lambda: reached(2))
        await owner.execute("REVOKE INSERT ON spyne.audit_seals FROM spyne_app")
        await tell(resources)
        before = failures()
        await eventually(refused_since(before))
        assert await sealed(owner) == 2
        await owner.execute("GRANT INSERT ON spyne.audit_seals TO spyne_app")
        await eventually(lambda: reached(3))
    assert "audit-sealing" not in {task.get_name() for task in asyncio.all_tasks()}, "over with its block"
    await tell(resources)
    assert await sealed(owner) == 3
    assert (await verified(resources.database, resources)).unsealed == 1
