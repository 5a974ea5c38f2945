"""All SQL of log-ins at the provider."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.access.models import User
from app.access.oidc.models import EndedLogin
from app.kernel.db.database import WriteSession
from app.kernel.db.repository import Writing


class EndedLogins:
    """Remembers which attempts have come back."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def end(self, digest: bytes, expires_at: datetime) -> bool:
        """Whether this is the first time; rows of old attempts are removed on the way."""
        await self._session.execute(delete(EndedLogin).where(EndedLogin.expires_at < func.now()))
        row = insert(EndedLogin).values(digest=digest, expires_at=expires_at).on_conflict_do_nothing()
        return (await self._session.execute(row.returning(EndedLogin.digest))).scalar_one_or_none() is not None


class OidcPeople(Writing[User]):
    """People by what the provider calls them."""

    model = User

    async def find(self, issuer: str, subject: str) -> User | None:
        """The user of this identity, or None."""
        known = select(User).where(User.provider_issuer == issuer, User.provider_subject == subject)
        return await self.maybe(known.where(User.auth_provider == "oidc"))

    async def insert(self, values: dict[str, Any]) -> User | None:
        """The new user, or None when the name or the identity is taken."""
        statement = insert(User).values(values).on_conflict_do_nothing().returning(User)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def note_login(self, user_id: UUID, at: datetime) -> None:
        """Note the time of a log-in."""
        await self.session.execute(update(User).where(User.id == user_id).values(last_login_at=at))
