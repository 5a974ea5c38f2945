"""All SQL of log-ins: failures, known places, and limits that the audit log has already."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from app.access.login.lockout import Bound
from app.access.login.login_keys import LoginKeys, lock_of
from app.access.login.models import KnownPlace, LimitNote, LoginAttempt
from app.kernel.db.database import WriteSession

PURGE_AT_ONCE = 100
"""Old failures removed with each new one: more than come in, so the table stays small between the daily jobs."""

_COUNTED: dict[Bound, InstrumentedAttribute[bytes]] = {
    Bound.PAIR: LoginAttempt.pair,
    Bound.NAME: LoginAttempt.name,
    Bound.ADDRESS: LoginAttempt.address,
}


class LoginWrites:
    """Remembers failures and known places, and locks names and addresses."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def lock_pair(self, keys: LoginKeys) -> None:
        """Wait until no other log-in of the pair is under way, in any process; locks end with the transaction."""
        await self._session.execute(select(func.pg_advisory_xact_lock(lock_of(keys.pair))))

    async def lock_widely(self, keys: LoginKeys) -> None:
        """Wait in the same way for the name and the address. To be called after `lock_pair`, if at all."""
        first, second = keys.wide_locks
        await self._session.execute(select(func.pg_advisory_xact_lock(first)))
        await self._session.execute(select(func.pg_advisory_xact_lock(second)))

    async def last_success(self, keys: LoginKeys, since: datetime) -> datetime | None:
        """When the pair logged in last, if that was since then."""
        statement = select(KnownPlace.succeeded_at).where(
            KnownPlace.pair == keys.pair, KnownPlace.succeeded_at >= since
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def failures(self, keys: LoginKeys, since: datetime) -> Sequence[datetime]:
        """When the pair failed after that time."""
        statement = select(LoginAttempt.failed_at).where(LoginAttempt.pair == keys.pair, LoginAttempt.failed_at > since)
        return (await self._session.execute(statement)).scalars().all()

    async def nth_failure(self, bound: Bound, keys: LoginKeys, number: int, since: datetime) -> datetime | None:
        """When the n-th newest failure of the pair, name or address happened; None when there are fewer since then."""
        column = _COUNTED[bound]
        statement = (
            select(LoginAttempt.failed_at)
            .where(column == getattr(keys, bound.value), LoginAttempt.failed_at > since)
            .order_by(LoginAttempt.failed_at.desc())
            .offset(number - 1)
            .limit(1)
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def add_failure(self, keys: LoginKeys, failed_at: datetime, forget_before: datetime) -> None:
        """Keep a failure, and forget some that have no effect any more."""
        old = (
            select(LoginAttempt.id)
            .where(LoginAttempt.failed_at < forget_before)
            .limit(PURGE_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        await self._session.execute(delete(LoginAttempt).where(LoginAttempt.id.in_(old)))
        row = {"pair": keys.pair, "name": keys.name, "address": keys.address, "failed_at": failed_at}
        await self._session.execute(insert(LoginAttempt).values(row))

    async def add_success(self, keys: LoginKeys, at: datetime) -> None:
        """Know the pair from now on; its failures until now do not count towards its lock any more."""
        row = insert(KnownPlace).values(pair=keys.pair, succeeded_at=at)
        await self._session.execute(
            row.on_conflict_do_update(
                index_elements=[KnownPlace.pair], set_={"succeeded_at": row.excluded.succeeded_at}
            )
        )

    async def is_news(self, key: bytes, now: datetime, until: datetime) -> bool:
        """Whether no note about the key holds still; from now on this one does."""
        row = insert(LimitNote).values(key=key, until=until)
        noted = row.on_conflict_do_update(
            index_elements=[LimitNote.key], set_={"until": row.excluded.until}, where=LimitNote.until <= now
        ).returning(LimitNote.key)
        return (await self._session.execute(noted)).scalar_one_or_none() is not None

    async def purge(self, failed_before: datetime, known_before: datetime, noted_before: datetime) -> None:
        """Forget what has no effect any more."""
        await self._session.execute(delete(LoginAttempt).where(LoginAttempt.failed_at < failed_before))
        await self._session.execute(delete(KnownPlace).where(KnownPlace.succeeded_at < known_before))
        await self._session.execute(delete(LimitNote).where(LimitNote.until < noted_before))
