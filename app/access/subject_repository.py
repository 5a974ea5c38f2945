"""All SQL that says what a subject may do now, from the tables that the domains of access share.

The status of a user within a session, whose table is the sessions' own: `app/access/sessions/repository.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Text, func, or_, select

from app.access.models import ApiClient, ApiKey, ClientRole, RevokedToken, RolePermission, User, UserRole
from app.access.subject_status import SubjectStatus, known_permissions
from app.access.subjects import client_subject, parse_subject, user_subject
from app.kernel.db.database import ReadSession
from app.kernel.security.authorization import ActorKind


@dataclass(frozen=True, slots=True)
class KnownKey:
    """An API key as it is kept, for comparing."""

    id: UUID
    client_id: UUID
    client_name: str
    digest: bytes
    expires_at: datetime | None


class SubjectReads:
    """Finds what users and clients may do now."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def subject(self, subject: str) -> SubjectStatus | None:
        """The status of the user or client of a `user:<uuid>` or `client:<uuid>`, or None when there is none."""
        kind, id_ = parse_subject(subject)
        return await (self.user(id_) if kind is ActorKind.USER else self.client(id_))

    async def user(self, user_id: UUID) -> SubjectStatus | None:
        """The status of a user, or None when there is none."""
        row = (await self._session.execute(select(*status_of_user(user_id)).where(User.id == user_id))).one_or_none()
        return None if row is None else user_status(row)

    async def client(self, client_id: UUID) -> SubjectStatus | None:
        """The status of a client with its valid keys, or None when there is none."""
        held = select(ClientRole.role).where(ClientRole.client_id == client_id)
        statement = select(
            ApiClient.name.label("label"),
            ApiClient.status,
            _gathered(ClientRole.role, ClientRole.client_id == client_id).label("roles"),
            _gathered(RolePermission.permission, RolePermission.role.in_(held)).label("permissions"),
            _revoked(client_subject(client_id)).label("revoked"),
            _valid_keys(client_id).label("valid"),
            ApiClient.made_by,
            _makers_of_keys(client_id).label("key_makers"),
            ApiClient.requests_per_minute,
        ).where(ApiClient.id == client_id)
        row = (await self._session.execute(statement)).one_or_none()
        if row is None:
            return None
        keys = {UUID(id_): None if scopes is None else frozenset(scopes) for id_, scopes in (row.valid or {}).items()}
        made_by = frozenset(row.made_by) | frozenset(row.key_makers or ())
        return _status(row, keys=keys, requests_per_minute=row.requests_per_minute, made_by=made_by)

    async def key(self, prefix: str) -> KnownKey | None:
        """The key with this prefix, whether it is valid or not, or None."""
        statement = (
            select(ApiKey.id, ApiKey.client_id, ApiClient.name, ApiKey.digest, ApiKey.expires_at)
            .join(ApiClient, ApiClient.id == ApiKey.client_id)
            .where(ApiKey.prefix == prefix)
        )
        found = (await self._session.execute(statement)).one_or_none()
        return KnownKey(*found) if found else None

    async def allowed_by(self, roles: frozenset[str]) -> dict[str, frozenset[str]]:
        """The permissions of each of the roles."""
        statement = (
            select(RolePermission.role, func.array_agg(RolePermission.permission))
            .where(RolePermission.role.in_(roles))
            .group_by(RolePermission.role)
        )
        allowed = {role: frozenset(names) for role, names in (await self._session.execute(statement)).all()}
        return dict.fromkeys(roles, frozenset[str]()) | allowed


def status_of_user(user_id: UUID) -> list[Any]:
    """The columns that `user_status` reads; the statement has the table of users."""
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


def user_status(row: Any) -> SubjectStatus:
    """The status of a user in a row with the columns of `status_of_user`."""
    return _status(row, epoch=row.epoch, must_change_password=row.must_change_password)


def _gathered(column: Any, *conditions: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(func.array_agg(column.distinct())).where(*conditions).scalar_subquery()


def _revoked(subject: str) -> ScalarSelect[Any]:
    return _gathered(RevokedToken.jti, RevokedToken.subject == subject, RevokedToken.expires_at > func.now())


def _valid_keys(client_id: UUID) -> ScalarSelect[Any]:
    """The scopes of the valid keys by their ids, as one JSON object."""
    scopes_by_id = func.jsonb_object_agg(ApiKey.id.cast(Text), func.to_jsonb(ApiKey.scopes))
    return select(scopes_by_id).where(*_valid(client_id)).scalar_subquery()


def _makers_of_keys(client_id: UUID) -> ScalarSelect[Any]:
    """The users behind those who issued the valid keys."""
    makers = select(func.unnest(ApiKey.made_by).label("maker")).where(*_valid(client_id)).subquery()
    return select(func.array_agg(makers.c.maker.distinct())).scalar_subquery()


def _valid(client_id: UUID) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a key of the client counts."""
    unexpired = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now())
    return ApiKey.client_id == client_id, ApiKey.revoked_at.is_(None), unexpired


def _status(row: Any, **more: Any) -> SubjectStatus:
    return SubjectStatus(
        label=row.label,
        active=row.status == "active",
        roles=frozenset(row.roles or ()),
        permissions=known_permissions(frozenset(row.permissions or ())),
        revoked=frozenset(row.revoked or ()),
        **more,
    )
