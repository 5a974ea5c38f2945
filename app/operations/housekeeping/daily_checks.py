"""What is looked after day by day, so that somebody hears of it: the audit log's seals, and keys that run out."""

from collections import Counter
from typing import Final

from app.access.clients.expiring import ExpiringKey, expiring_keys
from app.audit.seals.signing import SealingKey
from app.audit.verification.verify_database import LogVerification, Scope
from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext
from app.operations.housekeeping.events import KEY_EXPIRES, LOG_FAILED
from app.operations.notifications.outbox.announcing import Announcements

PIECE_SECONDS: Final = 30.0
"""The longest that a snapshot is held; vacuum waits for it."""


async def verify_log(context: JobContext) -> None:
    """Verify the whole audit log; announce it when it is not as it was sealed."""
    resources = context.resources
    key = SealingKey(resources.secret)
    found: Counter[str] = Counter()
    examples: list[str] = []
    seals = rows = 0
    cursor: str | None = None
    while True:
        async with resources.database.snapshot() as session:
            log = LogVerification(session, [key.public], None)
            verified = await log.verify(Scope(), cursor, PIECE_SECONDS)
        report, cursor = verified.report, verified.cursor
        seals, rows = seals + report.seals, rows + report.rows
        found.update(each.kind.value for each in report.findings)
        found["more"] += report.more_findings
        examples += [each.detail for each in report.findings[: 5 - len(examples)]]
        await context.progress(seals=seals, rows=rows, findings=found.total())
        if cursor is None:
            break
    if not found.total():
        return

    async def announce(session: WriteSession) -> None:
        await resources.build(Announcements, session).announce(
            LOG_FAILED,
            f"The audit log is not as it was sealed: {found.total()} findings",
            " ".join(examples),
            {"findings": dict(+found), "seals": seals, "rows": rows},
        )

    await context.apply(announce)


async def warn_of_keys(context: JobContext) -> None:
    """Announce keys that expire in 14, 3 and 1 days, once each."""
    resources = context.resources
    async with resources.database.read() as session:
        keys = await expiring_keys(session, resources.clock())
    for key in keys:

        async def announce(session: WriteSession, key: ExpiringKey = key) -> None:
            entity = f"client-key/{key.id}/{key.days}"
            announcements = resources.build(Announcements, session)
            if not await announcements.already_announced(KEY_EXPIRES, entity):
                await _announce_key(announcements, key, entity)

        await context.apply(announce)
    await context.progress(expiring=len(keys))


async def _announce_key(announcements: Announcements, key: ExpiringKey, entity: str) -> None:
    await announcements.announce(
        KEY_EXPIRES,
        f"A key of {key.client} expires within {key.days} day{'s' * (key.days != 1)}",
        f"The key spy_{key.prefix} ({key.label or 'without a label'}) ends at {key.expires_at.isoformat()}; "
        "rotate it before.",
        {"key_id": key.id, "client": key.client, "expires_at": key.expires_at, "days": key.days},
        entity,
    )
