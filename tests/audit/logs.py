"""Logs for tests: rows told through the service, sealed by the real sealer, verified in any session."""

import itertools
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from app.audit.log.service import AuditTrail
from app.audit.seals.chain import Checkpoint
from app.audit.seals.sealing import Sealer
from app.audit.seals.signing import SealingKey
from app.audit.verification.verifier import Report
from app.audit.verification.verify_database import LogVerification, Scope
from app.kernel.db.database import Database, ReadSession
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, ActorKind
from tests.waiting import eventually

ADA = Actor(ActorKind.USER, uuid4(), "ada")
_numbers = itertools.count()


class ThingAction(StrEnum):
    CREATE = "thing:create"
    CHANGE = "thing:change"
    REMOVE = "thing:remove"


async def tell(resources: Resources, rows: int = 1, actor: Actor = ADA, **more: Any) -> None:
    """Rows of one transaction, each with a difference of its own."""
    async with resources.database.write() as session:
        trail = AuditTrail(session, resources.secret)
        for _ in range(rows):
            n = next(_numbers)
            sides = {"before": {"state": n, "sum": n / 8}, "after": {"state": n + 1, "sum": n * 1e20, "é": [n, None]}}
            await trail.append(actor, ThingAction.CHANGE, "thing", f"t{n}", f"Thing {n}", **(sides | more))


class PatientSealer(Sealer):
    """Waits for the transactions of other tests first: the server is shared, and so are its transaction numbers."""

    async def seal_waiting(self) -> int:
        async with self._database.read() as session:
            end = (await session.execute(text(f"SELECT {SNAPSHOT.format('xmax')}"))).scalar_one()

            async def over() -> bool:
                return bool((await session.execute(text(f"SELECT {SNAPSHOT.format('xmin')} >= {end}"))).scalar_one())

            await eventually(over, 60, 0.005)
        return await super().seal_waiting()


SNAPSHOT = "pg_snapshot_{}(pg_current_snapshot())::text::bigint"


def sealer(resources: Resources, batch_rows: int = 10_000) -> Sealer:
    """A patient one."""
    return PatientSealer(resources.database, SealingKey(resources.secret), batch_rows=batch_rows)


async def verified(
    source: Database | ReadSession,
    resources: Resources,
    checkpoint: Checkpoint | None = None,
    scope: Scope | None = None,
) -> Report:
    """The report on the whole log, or on the part of it."""
    if isinstance(source, Database):
        async with source.snapshot() as session:
            return await verified(session, resources, checkpoint, scope)
    log = LogVerification(source, [SealingKey(resources.secret).public], checkpoint)
    result = await log.verify(scope or Scope())
    assert result.cursor is None
    return result.report
