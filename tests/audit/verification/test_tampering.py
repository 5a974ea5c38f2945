"""Whatever was done to the log behind the service's back is found; a log that was left alone raises no alarm."""

import asyncio
from random import Random

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.seals.chain import Checkpoint
from app.audit.seals.proofs import checkpoint
from app.audit.seals.sealing import Sealer
from app.audit.seals.signing import SealingKey
from app.audit.verification.verifier import Kind, Report
from app.audit.verification.verify_database import Scope
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from tests.audit.logs import sealer, tell, verified
from tests.audit.verification.tampering import KINDS, Tamper, cut_tail, edit, replace_chain, undone, unguard

TAMPERINGS = 200
SEED = 20_26


async def log(resources: Resources) -> Checkpoint:
    """A log of several seals, with rows that wait; what a careful operator has seen of it."""
    worker = sealer(resources, batch_rows=6)
    for rows in (4, 9, 1):
        await tell(resources, rows)
        await tell(resources, actor=SYSTEM, before=None, after=None, outcome="failure")
        await worker.seal_waiting()
    await tell(resources, 2)
    async with resources.database.read() as session:
        return await checkpoint(session, SealingKey(resources.secret), resources.clock())


async def after(
    engine: AsyncEngine, resources: Resources, tamper: Tamper, seed: int, seen: Checkpoint | None
) -> Report:
    async with undone(engine) as (session, driver):
        told = await tamper(driver, Random(seed))
        report = await verified(session, resources, seen)
        print(told, {finding.kind.value for finding in report.findings})
        return report


async def test_tamperings_of_eight_kinds_are_found(engine: AsyncEngine, resources: Resources) -> None:
    seen = await log(resources)
    assert (await verified(resources.database, resources, seen)).clean
    missed = []
    for number in range(TAMPERINGS):
        tamper = KINDS[number % len(KINDS)]
        # Only who has seen the log before can know that its end is gone.
        if (await after(engine, resources, tamper, SEED + number, seen if tamper is cut_tail else None)).clean:
            missed.append((tamper.__name__, number))
    assert missed == []
    report = await verified(resources.database, resources, seen)
    assert (report.findings, report.unsealed) == ([], 2), "and nothing of it stayed"


@pytest.mark.parametrize(
    ("tamper", "kinds"),
    [
        (edit, {Kind.ROW_EDITED, Kind.ROOT_MISMATCH}),
        (cut_tail, {Kind.LOG_CUT}),
        (replace_chain, {Kind.SEAL_FORGED, Kind.LOG_REPLACED}),
    ],
)
async def test_what_a_tampering_is_called(
    engine: AsyncEngine, resources: Resources, tamper: Tamper, kinds: set[Kind]
) -> None:
    seen = await log(resources)
    for seed in range(5):
        report = await after(engine, resources, tamper, seed, seen)
        assert {finding.kind for finding in report.findings} == kinds
        if tamper is edit:
            assert len({finding.seal for finding in report.findings}) == 1
            assert sum(finding.entry_id is not None for finding in report.findings) == 1


async def test_a_row_is_found_out_of_its_place_though_all_are_in_their_order(
    engine: AsyncEngine, resources: Resources
) -> None:
    await log(resources)
    for seal in ("(SELECT max(seal) FROM spyne.audit_sealed_entries)", "1"):
        async with undone(engine) as (session, driver):
            moved = await driver.execute(
                f"UPDATE spyne.audit_sealed_entries m SET leaf = leaf + 1000 WHERE seal = {seal} AND leaf = "
                "(SELECT max(leaf) FROM spyne.audit_sealed_entries WHERE seal = m.seal)"
            )
            assert moved == "UPDATE 1"
            report = await verified(session, resources)
            assert {finding.kind for finding in report.findings} == {Kind.MEMBERS_ALTERED}


async def test_rows_under_a_seal_that_was_cut_off_are_found_without_a_checkpoint(
    engine: AsyncEngine, resources: Resources
) -> None:
    """Their records say that they are sealed, so they do not wait; and no seal vouches for them."""
    await log(resources)
    async with undone(engine) as (session, driver):
        last = await driver.fetchrow("SELECT number, count FROM spyne.audit_seals ORDER BY number DESC LIMIT 1")
        await driver.execute("DELETE FROM spyne.audit_seals WHERE number = $1", last["number"])
        report = await verified(session, resources)
    found = [(finding.kind, finding.seal) for finding in report.findings]
    assert found == [(Kind.MEMBERS_ALTERED, last["number"])] * last["count"]


async def test_a_log_sealed_anew_by_the_service_itself_is_not_the_one_that_was_seen(
    engine: AsyncEngine, resources: Resources, owner: asyncpg.Connection
) -> None:
    """Without the key an attacker can still empty the seals and let the service seal what is there now."""
    seen = await log(resources)
    await unguard(owner)
    await owner.execute("UPDATE spyne.audit_log SET actor_label = 'eve'")
    for table in ("audit_seals", "audit_sealed_entries"):
        await owner.execute(f"DELETE FROM spyne.{table}")
    assert await sealer(resources, batch_rows=6).seal_waiting() == 19
    assert (await verified(resources.database, resources)).clean
    report = await verified(resources.database, resources, seen)
    assert {finding.kind for finding in report.findings} == {Kind.LOG_REPLACED}
    assert engine is not None


async def test_a_backdated_row_shows_even_when_it_was_sealed(resources: Resources, owner: asyncpg.Connection) -> None:
    """INSERT is anybody's who has the service's own login; the time of such a row must be that of its transaction."""
    await log(resources)
    await owner.execute(
        "INSERT INTO spyne.audit_log (time, actor_kind, actor_label, action, verb, entity_type, outcome) "
        "SELECT now() + days * interval '1 day', 'user', 'eve', 'thing:forge', 'UPDATE', 'thing', 'success' "
        "FROM unnest(ARRAY[-30, 0, 30]) days"
    )
    report = await verified(resources.database, resources)
    assert [finding.kind for finding in report.findings] == [Kind.ROW_MISDATED] * 2
    await sealer(resources).seal_waiting()
    report = await verified(resources.database, resources)
    assert [finding.kind for finding in report.findings] == [Kind.ROW_MISDATED] * 2


async def _shape(resources: Resources, number: int, owner: asyncpg.Connection) -> None:
    """A log of some shape: size of batches, of transactions, how many write and seal at once, what waits."""
    random = Random(number)
    worker = sealer(resources, batch_rows=random.choice([1, 2, 5, 64, 10_000]))
    if number == 0:
        return
    if number == 1:
        await tell(resources)
        return
    if number == 2:
        await tell(resources)
        await worker.seal_waiting()
        return

    async def write() -> None:
        for _ in range(random.randint(1, 4)):
            await tell(resources, random.choice([1, 1, 2, 9]))
            await asyncio.sleep(random.uniform(0, 0.01))

    async def seal() -> None:
        for _ in range(random.randint(0, 5)):
            await Sealer(resources.database, SealingKey(resources.secret), batch_rows=3).seal_waiting()
            await asyncio.sleep(random.uniform(0, 0.01))

    long = owner.transaction()
    await long.start()
    if random.random() < 0.5:
        await owner.execute("SELECT pg_current_xact_id()")
    await asyncio.gather(*(write() for _ in range(random.randint(1, 4))), *(seal() for _ in range(2)))
    await (long.commit() if random.random() < 0.5 else long.rollback())
    if random.random() < 0.7:
        await worker.seal_waiting()
    if random.random() < 0.5:
        await tell(resources, random.randint(1, 5))


@pytest.mark.parametrize("number", range(20))
async def test_a_clean_log_raises_no_alarm(resources: Resources, owner: asyncpg.Connection, number: int) -> None:
    await _shape(resources, number, owner)
    async with resources.database.read() as session:
        seen = await checkpoint(session, SealingKey(resources.secret), resources.clock())
    rows = await owner.fetchval("SELECT count(*) FROM spyne.audit_log")
    for known in (None, seen):
        report = await verified(resources.database, resources, known)
        assert (report.findings, report.rows + report.unsealed) == ([], rows)
    await tell(resources, 2)
    await sealer(resources).seal_waiting()
    report = await verified(resources.database, resources, seen)
    assert (report.findings, report.rows, report.unsealed) == ([], rows + 2, 0)
    assert (await verified(resources.database, resources, None, Scope(first_seal=2))).clean
