"""All SQL of what becomes of credentials: tokens that are ended early, and the last uses of keys.

What a credential gives its holder: `app/access/subject_repository.py`.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Uuid, column, delete, func, or_, select, update, values
from sqlalchemy.dialects.postgresql import insert

from app.access.models import ApiKey, RevokedToken
from app.kernel.db.database import WriteSession


class CredentialWrites:
    """Ends tokens and notes uses of keys."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def revoke(self, jti: UUID, subject: str, expires_at: datetime) -> None:
        """End the token; once is enough. Rows of tokens that are over are removed on the way."""
        await self._session.execute(delete(RevokedToken).where(RevokedToken.expires_at < func.now()))
        row = insert(RevokedToken).values(jti=jti, subject=subject, expires_at=expires_at)
        await self._session.execute(row.on_conflict_do_nothing(index_elements=[RevokedToken.jti]))

    async def note_last_used(self, uses: Mapping[UUID, datetime]) -> None:
        """Write when the keys were used last; a key that somebody else is changing is left for the next time."""
        noted = values(column("id", Uuid()), column("at", DateTime(timezone=True)), name="noted")
        noted = noted.data(list(uses.items()))
        due = (
            select(ApiKey.id, noted.c.at)
            .join(noted, noted.c.id == ApiKey.id)
            .where(or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < noted.c.at))
            .order_by(ApiKey.id)
            .with_for_update(of=ApiKey, skip_locked=True)
            .cte("due")
        )
        statement = update(ApiKey).where(ApiKey.id == due.c.id).values(last_used_at=due.c.at)
        await self._session.execute(statement.execution_options(synchronize_session=False))
