"""Ending an access token before its time: everywhere within a second, and audited."""

from datetime import datetime
from uuid import UUID

from app.access.credentials.actions import TokenAction
from app.access.credentials.repository import CredentialWrites
from app.access.subjects import client_subject, user_subject
from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.security.secrets import ServiceSecret


class TokenRevocation:
    """Ends tokens within one transaction."""

    def __init__(self, session: WriteSession, secret: ServiceSecret) -> None:
        self._credentials = CredentialWrites(session)
        self._audit = AuditTrail(session, secret)

    async def revoke(self, actor: Actor, kind: ActorKind, owner_id: UUID, jti: UUID, expires_at: datetime) -> None:
        """End one access token before its time.

        Args:
            actor: who ends it.
            kind: whether it is a user's or a client's.
            owner_id: the user's or client's id.
            jti: the token's id.
            expires_at: the end of the token itself.
        """
        subject = user_subject(owner_id) if kind is ActorKind.USER else client_subject(owner_id)
        await self._credentials.revoke(jti, subject, expires_at)
        before = {"expires_at": expires_at}
        await self._audit.append(actor, TokenAction.REVOKE, "access_token", jti, subject, before=before)
