"""All SQL of log-ins: failures, known places, and what was told already."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from app.access.login.lockout import Bound
from app.access.login.login_keys import LoginKeys, lock_of
from app.access.login.models import KnownPlace, LimitNote, LoginAttempt
from app.access.models import User
from app.kernel.db.database import WriteSession

PURGE_AT_ONCE = 100
"""Old failures removed with each new one: more than come in, so the table stays small between the daily jobs."""

_COUNTED: dict[Bound, InstrumentedAttribute[bytes]] = {
    Bound.PAIR: LoginAttempt.pair,
    Bound.NAME: LoginAttempt.name,
    Bound.ADDRESS: LoginAttempt.address,
}


class LoginRecords:
    """What is remembered of log-ins, within a transaction."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def lock_pair(self, place: LoginKeys) -> None:
        """Wait until no other log-in of the pair is under way, in any process; locks end with the transaction."""
        await self._session.execute(select(func.pg_advisory_xact_lock(lock_of(place.pair))))

    async def lock_widely(self, place: LoginKeys) -> None:
        """As `lock_pair`, for the name and the address. To be taken after the pair's lock, if at all."""
        first, second = place.wide_locks
        await self._session.execute(select(func.pg_advisory_xact_lock(first)))
        await self._session.execute(select(func.pg_advisory_xact_lock(second)))

    async def last_success(self, place: LoginKeys, since: datetime) -> datetime | None:
        """When the pair logged in last, if that was since then."""
        statement = select(KnownPlace.succeeded_at).where(
            KnownPlace.pair == place.pair, KnownPlace.succeeded_at >= since
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def failures(self, place: LoginKeys, since: datetime) -> Sequence[datetime]:
        """When the pair failed after that time."""
        statement = select(LoginAttempt.failed_at).where(
            LoginAttempt.pair == place.pair, LoginAttempt.failed_at > since
        )
        return (await self._session.execute(statement)).scalars().all()

    async def nth_failure(self, bound: Bound, place: LoginKeys, number: int, since: datetime) -> datetime | None:
        """When the n-th newest failure of the pair, name or address happened; None when there are fewer since then."""
        column = _COUNTED[bound]
        statement = (
            select(LoginAttempt.failed_at)
            .where(column == getattr(place, bound.value), LoginAttempt.failed_at > since)
            .order_by(LoginAttempt.failed_at.desc())
            .offset(number - 1)
            .limit(1)
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def add_failure(self, place: LoginKeys, failed_at: datetime, forget_before: datetime) -> None:
        """Keep a failure, and forget some that have no effect any more."""
        old = (
            select(LoginAttempt.id)
            .where(LoginAttempt.failed_at < forget_before)
            .limit(PURGE_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        await self._session.execute(delete(LoginAttempt).where(LoginAttempt.id.in_(old)))
        row = {"pair": place.pair, "name": place.name, "address": place.address, "failed_at": failed_at}
        await self._session.execute(insert(LoginAttempt).values(row))

    async def add_success(self, place: LoginKeys, at: datetime) -> None:
        """Know the pair from now on; its failures until now do not count towards its lock any more."""
        row = insert(KnownPlace).values(pair=place.pair, succeeded_at=at)
        await self._session.execute(
            row.on_conflict_do_update(
                index_elements=[KnownPlace.pair], set_={"succeeded_at": row.excluded.succeeded_at}
            )
        )

    async def is_news(self, key: bytes, now: datetime, until: datetime) -> bool:
        """Whether nothing was told about the key yet that holds still; from now on something was."""
        row = insert(LimitNote).values(key=key, until=until)
        told = row.on_conflict_do_update(
            index_elements=[LimitNote.key], set_={"until": row.excluded.until}, where=LimitNote.until <= now
        ).returning(LimitNote.key)
        return (await self._session.execute(told)).scalar_one_or_none() is not None

    async def noted_login(self, user_id: UUID, epoch: int, at: datetime, password_hash: str | None) -> bool:
        """Note the log-in, and the password's hash when it was made afresh.

        False when the password was changed, or the user disabled, since they were read: the log-in is none then.
        """
        values: dict[str, Any] = {"last_login_at": at}
        if password_hash is not None:
            values["password_hash"] = password_hash
        still = (User.id == user_id) & (User.credentials_epoch == epoch) & (User.status == "active")
        noted = await self._session.execute(update(User).where(still).values(values).returning(User.id))
        return noted.scalar_one_or_none() is not None

    async def purge(self, failed_before: datetime, known_before: datetime, told_before: datetime) -> None:
        """Forget what has no effect any more."""
        await self._session.execute(delete(LoginAttempt).where(LoginAttempt.failed_at < failed_before))
        await self._session.execute(delete(KnownPlace).where(KnownPlace.succeeded_at < known_before))
        await self._session.execute(delete(LimitNote).where(LimitNote.until < told_before))
