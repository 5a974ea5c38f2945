"""What every router needs and no domain owns: the typed actor, the permissions, and `requires`.

The resolution of a credential to an actor belongs to access, which hands an `Authenticator` in; so planes below
access can guard their routes too. Client-set identity headers play no part anywhere.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, OAuth2, SecurityScopes

from app.kernel.problems import Forbidden


class Permission(StrEnum):
    """What a role may allow; also the OAuth2 scopes of the OpenAPI document."""

    TABLES_READ = "tables:read"
    TABLES_READ_SHADOW = "tables:read-shadow"
    TABLES_ADOPT = "tables:adopt"
    TABLES_PROMOTE = "tables:promote"
    TABLES_DEPRECATE = "tables:deprecate"
    CONTRACTS_READ = "contracts:read"
    CONTRACTS_WRITE = "contracts:write"
    INGESTION_READ = "ingestion:read"
    INGESTION_WRITE = "ingestion:write"
    QUERY_RUN = "query:run"
    QUERY_OVERRIDE_JOINS = "query:override-joins"
    AUDIT_READ = "audit:read"
    SYSTEM_READ = "system:read"
    SYSTEM_WRITE = "system:write"
    USERS_ADMIN = "users:admin"


DESCRIPTIONS: dict[Permission, str] = {
    Permission.TABLES_READ: "See tables, their state, history and profile.",
    Permission.TABLES_READ_SHADOW: "See tables in SHADOW.",
    Permission.TABLES_ADOPT: "Adopt relations that already exist.",
    Permission.TABLES_PROMOTE: "Promote a table.",
    Permission.TABLES_DEPRECATE: "Deprecate and restore a table.",
    Permission.CONTRACTS_READ: "Read contracts.",
    Permission.CONTRACTS_WRITE: "Register contracts.",
    Permission.INGESTION_READ: "See batches and quarantined rows.",
    Permission.INGESTION_WRITE: "Send batches.",
    Permission.QUERY_RUN: "Preview, validate and execute queries.",
    Permission.QUERY_OVERRIDE_JOINS: "Join on other columns than the accepted ones, with a rationale.",
    Permission.AUDIT_READ: "Read the audit log.",
    Permission.SYSTEM_READ: "See how the service is run.",
    Permission.SYSTEM_WRITE: "Change modes and configuration.",
    Permission.USERS_ADMIN: "Administer users, roles and clients.",
}


class ActorKind(StrEnum):
    """Who can act."""

    USER = "user"
    CLIENT = "api_client"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: resolved once per request, then passed on by value."""

    kind: ActorKind
    id: UUID | None
    label: str
    roles: frozenset[str] = frozenset()
    permissions: frozenset[Permission] = frozenset()
    credential_id: str | None = field(default=None, compare=False)

    def may(self, permission: Permission) -> bool:
        """Whether the actor holds the permission."""
        return permission in self.permissions


SYSTEM = Actor(kind=ActorKind.SYSTEM, id=None, label="system", permissions=frozenset(Permission))
"""Spyne itself: migrations, schedules, the command line."""


class Authenticator(Protocol):
    """Resolves the credential that came with a request."""

    async def __call__(self, request: Request) -> Actor:
        """The actor behind the request's credential. Raises `Unauthenticated` where there is no valid one."""
        ...


_oauth2 = OAuth2(
    flows={
        "password": {"tokenUrl": "/api/auth/token", "scopes": {p.value: DESCRIPTIONS[p] for p in Permission}},
        "clientCredentials": {"tokenUrl": "/api/auth/token", "scopes": {p.value: DESCRIPTIONS[p] for p in Permission}},
    },
    scheme_name="oauth2",
    auto_error=False,
)
_api_key = APIKeyHeader(name="X-API-Key", scheme_name="api_key", auto_error=False)


async def authenticated(
    request: Request,
    needed: SecurityScopes,
    _bearer: Annotated[str | None, Security(_oauth2)],
    _key: Annotated[str | None, Security(_api_key)],
) -> Actor:
    """The request's actor, who holds every permission that the route declares.

    Raises:
        Unauthenticated: no credential, or one that is not valid any more.
        Forbidden: the actor lacks one of the permissions.
    """
    authenticator: Authenticator = request.app.state.resources.authenticator
    actor = await authenticator(request)
    missing = [scope for scope in needed.scopes if scope not in actor.permissions]
    if missing:
        raise Forbidden(f"This needs the permission {', '.join(missing)}.", missing=missing)
    request.state.actor = actor
    return actor


def requires(*permissions: Permission) -> Any:
    """A marker for `Annotated[Actor, …]`: the route's actor must hold all of the permissions."""
    return Security(authenticated, scopes=[p.value for p in permissions])


AnyActor = Annotated[Actor, requires()]
"""Any authenticated caller."""
