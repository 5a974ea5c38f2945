"""What every router needs and no domain owns: the typed actor, the permissions, and `requires`.

The resolution of a credential to an actor belongs to access, which hands an `Authenticator` in; so planes below
access can guard their routes too. Client-set identity headers play no part anywhere.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Protocol, Self
from uuid import UUID

from fastapi import Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import OAuth2 as OAuth2Model
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlowPassword, OAuthFlows
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase

from app.kernel.problems import Forbidden
from app.kernel.security.credential_headers import ShownCredential


class Permission(StrEnum):
    """What a role may allow; also the OAuth2 scopes of the OpenAPI document."""

    _value_: str
    description: str

    def __new__(cls, value: str, description: str = "") -> Self:
        """A member whose value is its name on the wire."""
        member = str.__new__(cls, value)
        member._value_, member.description = value, description
        return member

    TABLES_READ = "tables:read", "See tables, their state, history and profile."
    TABLES_READ_SHADOW = "tables:read-shadow", "See tables in SHADOW."
    TABLES_ADOPT = "tables:adopt", "Adopt relations that already exist."
    TABLES_PROMOTE = "tables:promote", "Promote a table."
    TABLES_DEPRECATE = "tables:deprecate", "Deprecate and restore a table."
    CONTRACTS_READ = "contracts:read", "Read contracts."
    CONTRACTS_WRITE = "contracts:write", "Register contracts."
    INGESTION_READ = "ingestion:read", "See batches and quarantined rows."
    INGESTION_WRITE = "ingestion:write", "Send batches."
    INGESTION_REWRITE = "ingestion:rewrite", "Take batches back, replay and backfill; see and end such runs."
    JOINS_READ = "joins:read", "See accepted joins and candidates between tables that the caller sees."
    JOINS_SUGGEST = "joins:suggest", "Look for candidates anew, and reject candidates."
    JOINS_ACCEPT = "joins:accept", "Accept and deprecate joins."
    GLOSSARY_WRITE = "glossary:write", "Give terms a meaning, and revoke it."
    QUERY_RUN = "query:run", "Preview, validate and execute queries."
    QUERY_CORRECT = "query:correct", "Say what one's questions meant, and see and take back what one said."
    QUERY_OVERRIDE_JOINS = "query:override-joins", "Join on other columns than the accepted ones, with a rationale."
    EXPORTS_RUN = "exports:run", "Export what the caller may read, and fetch the files."
    AUDIT_READ = "audit:read", "Read the audit log."
    SYSTEM_READ = "system:read", "See how the service is run."
    SYSTEM_WRITE = "system:write", "Change modes and configuration."
    USERS_ADMIN = "users:admin", "Administer users, roles and clients."
    SECURITY_ADMIN = "security:admin", "Set the security policy and rate limits, block callers, see security events."
    ADDONS_REQUEST = (
        "addons:request",
        "Ask for add-ons: file requests, upload samples and edited packages, read one's own.",
    )
    ADDONS_APPROVE = "addons:approve", "See all requests for add-ons, and decide about those of others."
    ADDONS_ADMINISTER = "addons:administer", "See, cancel and retry all requests for add-ons."
    KNOWLEDGE_READ = "knowledge:read", "See documents of knowledge, and search in them."
    KNOWLEDGE_MANAGE = "knowledge:manage", "Upload, change and remove documents of knowledge."
    FLAGS_EVALUATE = "flags:evaluate", "Ask for the values of feature flags."


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
    made_by: frozenset[UUID] = frozenset()
    """Users who made the client or a valid key of the client, as far as is known; empty for users."""

    @property
    def people(self) -> frozenset[UUID]:
        """Ids of the users who may be behind what the actor does: a user, or those who made a client and its keys."""
        return frozenset({self.id}) if self.kind is ActorKind.USER and self.id is not None else self.made_by

    def may(self, permission: Permission) -> bool:
        """Whether the actor holds the permission."""
        return permission in self.permissions


SYSTEM = Actor(kind=ActorKind.SYSTEM, id=None, label="system", permissions=frozenset(Permission))
"""Spyne itself: migrations, schedules, the command line."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whose credential a request carries, as far as this process knows without asking anybody."""

    subject: str
    """`user:<id>` or `client:<id>`."""
    requests_per_minute: int | None = None
    """The bound of this caller alone, when it has one."""


class Blocked(Forbidden):
    """An admin or a rule has shut this caller or address out; why is for the admins to know."""

    code, title = "blocked", "Requests from here are not taken"


class BlockedSubjects:
    """Users and clients who are shut out for now, as this process saw them last: at most a second old."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: Mapping[str, float] = {}

    def replace(self, until: Mapping[str, float]) -> None:
        """Let these hold from now on: subjects (`user:<id>`, `client:<id>`), and until which Unix time."""
        self._until = until

    def check(self, actor: Actor) -> None:
        """Return when the actor may go on. Raises `Blocked`."""
        if self._until and self._until.get(subject_of(actor) or "", 0.0) > time.time():
            raise Blocked


def subject_of(actor: Actor) -> str | None:
    """`user:<id>` or `client:<id>`, as credentials name it; None for the system."""
    if actor.id is None:
        return None
    return f"{'user' if actor.kind is ActorKind.USER else 'client'}:{actor.id}"


class DecoyKeys:
    """Keys that belong to nobody and were laid out to be found, by digest: at most a second old."""

    __slots__ = ("_digests",)

    def __init__(self) -> None:
        self._digests: frozenset[bytes] = frozenset()

    def replace(self, digests: frozenset[bytes]) -> None:
        """Let these be the decoys from now on: the SHA-256 of each whole key."""
        self._digests = digests

    def is_decoy(self, digest: bytes) -> bool:
        """Whether this is the digest of a decoy; as quick for others, and a digest reveals nothing by its timing."""
        return digest in self._digests


class Authenticator(Protocol):
    """Resolves the credential that came with a request."""

    async def __call__(self, request: Request) -> Actor:
        """The actor behind the request's credential. Raises `Unauthenticated` where there is no valid one."""

    def recognised(self, shown: ShownCredential) -> Recognised | None:
        """Whose credential a request shows, if it was found genuine and valid here before; None for all others.

        For counting alone: the answer may be half a second old, and nothing is raised.
        """


_SCOPES = {permission.value: permission.description for permission in Permission}
_TOKEN_URL = "/api/auth/token"  # noqa: S105 - an address


class _Authenticated(SecurityBase):
    """Answers the request's actor, who holds every permission that the route declares.

    One dependency that is its own OpenAPI scheme: schemes as dependencies of their own would be solved on each request
    only to be ignored, as the door has read the headers.
    """

    model = OAuth2Model(
        flows=OAuthFlows(
            password=OAuthFlowPassword(tokenUrl=_TOKEN_URL, scopes=_SCOPES),
            clientCredentials=OAuthFlowClientCredentials(tokenUrl=_TOKEN_URL, scopes=_SCOPES),
        )
    )
    scheme_name = "oauth2"

    async def __call__(self, request: Request, needed: SecurityScopes) -> Actor:
        resources = request.app.state.resources
        authenticator: Authenticator = resources.authenticator
        actor = await authenticator(request)
        resources.blocked_subjects.check(actor)
        missing = [scope for scope in needed.scopes if scope not in actor.permissions]
        if missing:
            raise Forbidden(f"This needs the permission {', '.join(missing)}.", missing=missing)
        request.state.actor = actor
        return actor


_authenticated = _Authenticated()


def requires(*permissions: Permission) -> Any:
    """A marker for `Annotated[Actor, …]`: the route's actor must hold all of the permissions.

    Such a route answers 401 without a valid credential and 403 when a permission is missing.
    """
    return Security(_authenticated, scopes=[permission.value for permission in permissions])


def needed_permissions(dependant: Dependant) -> tuple[Permission, ...] | None:
    """What a route needs, sorted; None when it is open to callers without a credential."""
    found: set[str] | None = None
    for inner in dependant.dependencies:
        if inner.call is _authenticated:
            found = (found or set()) | {*(inner.parent_oauth_scopes or ()), *(inner.own_oauth_scopes or ())}
        deeper = needed_permissions(inner)
        found = found if deeper is None else (found or set()) | set(deeper)
    return None if found is None else tuple(sorted(Permission(scope) for scope in found))


AnyActor = Annotated[Actor, requires()]
"""Any authenticated caller."""
