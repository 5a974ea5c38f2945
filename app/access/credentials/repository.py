"""What subjects may do now, and tokens that were ended early."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Text, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.access.models import ApiClient, ApiKey, ClientRole, RevokedToken, RolePermission, User, UserRole
from app.access.sessions.lifetimes import SessionTimes
from app.access.sessions.models import UserSession
from app.access.sessions.repository import TIMES, times_of
from app.access.subject_status import SubjectStatus, known_permissions
from app.access.subjects import client_subject, user_subject
from app.kernel.db.database import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What is kept of a key, for comparing."""

    id: UUID
    client_id: UUID
    client_name: str
    digest: bytes
    expires_at: datetime | None


class DirectoryRepository:
    """Answers what a subject may do now."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def user(self, user_id: UUID) -> SubjectStatus | None:
        """The standing of a user, or None when there is no such one."""
        row = (await self._session.execute(select(*_of_user(user_id)).where(User.id == user_id))).one_or_none()
        return None if row is None else _user_standing(row)

    async def user_in_session(self, user_id: UUID, session_id: UUID) -> tuple[SubjectStatus, SessionTimes] | None:
        """The standing of a user and the times of the session; None when it is none of the user's that counts."""
        statement = (
            select(*_of_user(user_id), *TIMES)
            .join(UserSession, UserSession.user_id == User.id)
            .where(User.id == user_id, UserSession.id == session_id, UserSession.epoch == User.credentials_epoch)
        )
        row = (await self._session.execute(statement)).one_or_none()
        return None if row is None else (_user_standing(row), times_of(row))

    async def client(self, client_id: UUID) -> SubjectStatus | None:
        """The standing of a client with its valid keys, or None when there is no such one."""
        held = select(ClientRole.role).where(ClientRole.client_id == client_id)
        statement = select(
            ApiClient.name.label("label"),
            ApiClient.status,
            _gathered(ClientRole.role, ClientRole.client_id == client_id).label("roles"),
            _gathered(RolePermission.permission, RolePermission.role.in_(held)).label("permissions"),
            _revoked(client_subject(client_id)).label("revoked"),
            _valid_keys(client_id).label("valid"),
            ApiClient.requests_per_minute,
        ).where(ApiClient.id == client_id)
        row = (await self._session.execute(statement)).one_or_none()
        if row is None:
            return None
        keys = {UUID(id_): None if scopes is None else frozenset(scopes) for id_, scopes in (row.valid or {}).items()}
        return _standing(row, keys=keys, requests_per_minute=row.requests_per_minute)

    async def key(self, prefix: str) -> KnownKey | None:
        """The key with this prefix, whether it is valid or not, or None."""
        statement = (
            select(ApiKey.id, ApiKey.client_id, ApiClient.name, ApiKey.digest, ApiKey.expires_at)
            .join(ApiClient, ApiClient.id == ApiKey.client_id)
            .where(ApiKey.prefix == prefix)
        )
        found = (await self._session.execute(statement)).one_or_none()
        return KnownKey(*found) if found else None


def _of_user(user_id: UUID) -> list[Any]:
    held = select(UserRole.role).where(UserRole.user_id == user_id)
    return [
        User.username.label("label"),
        User.status,
        _gathered(UserRole.role, UserRole.user_id == user_id).label("roles"),
        _gathered(RolePermission.permission, RolePermission.role.in_(held)).label("permissions"),
        _revoked(user_subject(user_id)).label("revoked"),
        User.credentials_epoch.label("epoch"),
        User.must_change_password,
    ]


def _user_standing(row: Any) -> SubjectStatus:
    return _standing(row, epoch=row.epoch, must_change_password=row.must_change_password)


def _gathered(column: Any, *conditions: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(func.array_agg(column.distinct())).where(*conditions).scalar_subquery()


def _revoked(subject: str) -> ScalarSelect[Any]:
    return _gathered(RevokedToken.jti, RevokedToken.subject == subject, RevokedToken.expires_at > func.now())


def _valid_keys(client_id: UUID) -> ScalarSelect[Any]:
    """The scopes of the valid keys by their ids, as one JSON object."""
    unexpired = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now())
    scopes_by_id = func.jsonb_object_agg(ApiKey.id.cast(Text), func.to_jsonb(ApiKey.scopes))
    valid = select(scopes_by_id).where(ApiKey.client_id == client_id, ApiKey.revoked_at.is_(None), unexpired)
    return valid.scalar_subquery()


def _standing(row: Any, **more: Any) -> SubjectStatus:
    return SubjectStatus(
        label=row.label,
        active=row.status == "active",
        roles=frozenset(row.roles or ()),
        permissions=known_permissions(frozenset(row.permissions or ())),
        revoked=frozenset(row.revoked or ()),
        **more,
    )


class RevokedTokens:
    """Tokens that were ended before their time."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def add(self, jti: UUID, subject: str, expires_at: datetime) -> None:
        """End the token; once is enough. Rows of tokens that are over are removed on the way."""
        await self._session.execute(delete(RevokedToken).where(RevokedToken.expires_at < func.now()))
        row = insert(RevokedToken).values(jti=jti, subject=subject, expires_at=expires_at)
        await self._session.execute(row.on_conflict_do_nothing(index_elements=[RevokedToken.jti]))
