"""All SQL of log-ins at the provider."""

from datetime import datetime

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from app.access.oidc.models import EndedLogin
from app.kernel.db.database import WriteSession


class EndedLoginWrites:
    """Remembers which attempts have come back."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def end(self, digest: bytes, expires_at: datetime) -> bool:
        """Whether this is the first time; rows of old attempts are removed on the way."""
        await self._session.execute(delete(EndedLogin).where(EndedLogin.expires_at < func.now()))
        row = insert(EndedLogin).values(digest=digest, expires_at=expires_at).on_conflict_do_nothing()
        return (await self._session.execute(row.returning(EndedLogin.digest))).scalar_one_or_none() is not None
