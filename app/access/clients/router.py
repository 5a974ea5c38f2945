"""`/api/clients`: service clients and their keys."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.access.clients.repository import ClientReads
from app.access.clients.rules import KeyExpired, KeyRevoked, KeyRotated
from app.access.clients.schemas import (
    ClientChange,
    ClientDocument,
    IssuedKeyDocument,
    KeyDocument,
    KeyRotation,
    NewClient,
    NewKey,
    RotatedKeyDocument,
)
from app.access.clients.service import ClientService, IssuedKey
from app.access.models import ApiClient
from app.access.naming import NameTaken
from app.access.permissions import CanAdministerUsers
from app.kernel.http.caching import NO_STORE
from app.kernel.http.etags import IfMatch, Tagged, etag
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import reads, writes
from app.kernel.paging import PageDocument, PageRequest, show, sorted_by
from app.kernel.problems import PreconditionFailed, responses

router = APIRouter(prefix="/api", tags=["access"], route_class=TransactionalRoute)

ClientsDep = Annotated[ClientService, writes(ClientService)]
ClientReadsDep = Annotated[ClientReads, reads(ClientReads)]


def _client(client: ApiClient) -> ClientDocument:
    names = ("id", "name", "description", "status", "requests_per_minute", "created_at", "updated_at")
    fields = {name: getattr(client, name) for name in names}
    keys = [KeyDocument.model_validate(key, from_attributes=True) for key in client.keys]
    return ClientDocument.model_validate(fields | {"roles": sorted(client.roles), "keys": keys})


def _issued(issued: IssuedKey) -> dict[str, Any]:
    shown = {name: getattr(issued.key, name) for name in ("id", "prefix", "label", "scopes", "expires_at")}
    return shown | {"key": issued.text}


SortedPaging = Annotated[PageRequest, sorted_by(*ClientReads.sorts)]


@router.get("/clients", operation_id="list_clients")
async def list_clients(
    _: CanAdministerUsers, clients: ClientReadsDep, paging: SortedPaging, request: Request, response: Response
) -> PageDocument[ClientDocument]:
    """Service clients with their roles and keys, newest first."""
    return show(await clients.newest(paging), _client, request, response)


@router.post("/clients", operation_id="create_client", status_code=201, responses=responses(NameTaken))
async def create_client(
    wanted: NewClient, actor: CanAdministerUsers, clients: ClientsDep, response: Response
) -> ClientDocument:
    """A new service client; it can do nothing before a key is issued."""
    client = await clients.create(actor, wanted.name, wanted.roles, wanted.description, wanted.requests_per_minute)
    response.headers.update({"Location": f"/api/clients/{client.id}", "ETag": etag(client.version)})
    return _client(client)


@router.get("/clients/{client_id}", operation_id="get_client")
async def get_client(
    client_id: UUID, _: CanAdministerUsers, clients: ClientReadsDep, response: Response
) -> ClientDocument:
    """One service client with its roles and keys."""
    client = await clients.whole(client_id)
    return _client(Tagged(client, etag(client.version)).put_on(response))


@router.patch("/clients/{client_id}", operation_id="change_client", responses=responses(PreconditionFailed))
async def change_client(
    client_id: UUID,
    wanted: ClientChange,
    actor: CanAdministerUsers,
    clients: ClientsDep,
    response: Response,
    if_match: IfMatch = None,
) -> ClientDocument:
    """Change description, roles, status or rate limit; it counts everywhere within a second."""
    changes = wanted.model_dump(include=wanted.model_fields_set)
    if "roles" in changes:
        changes["roles"] = frozenset(role.value for role in wanted.roles)
    return _client((await clients.change(actor, client_id, changes, if_match)).put_on(response))


@router.post("/clients/{client_id}/keys", operation_id="issue_client_key", status_code=201)
async def issue_client_key(
    client_id: UUID, wanted: NewKey, actor: CanAdministerUsers, clients: ClientsDep, response: Response
) -> IssuedKeyDocument:
    """A fresh key of the client. This answer is the only one that shows it."""
    issued = await clients.issue_key(actor, client_id, wanted.expires_at, scopes=wanted.scopes, label=wanted.label)
    response.headers.update(NO_STORE)
    return IssuedKeyDocument.model_validate(_issued(issued))


@router.post(
    "/clients/{client_id}/keys/{key_id}/rotate",
    operation_id="rotate_client_key",
    status_code=201,
    responses=responses(KeyRevoked, KeyRotated, KeyExpired),
)
async def rotate_client_key(
    client_id: UUID,
    key_id: UUID,
    wanted: KeyRotation,
    actor: CanAdministerUsers,
    clients: ClientsDep,
    response: Response,
) -> RotatedKeyDocument:
    """A fresh key with the same scopes, which this answer alone shows; the old one goes on for the grace."""
    grace = timedelta(seconds=wanted.grace_seconds)
    issued, old = await clients.rotate_key(actor, client_id, key_id, grace, wanted.expires_at)
    response.headers.update(NO_STORE)
    replaced = {"id": old.id, "expires_at": old.expires_at}
    return RotatedKeyDocument.model_validate(_issued(issued) | {"replaces": replaced})


@router.delete(
    "/clients/{client_id}/keys/{key_id}",
    operation_id="revoke_client_key",
    status_code=204,
    responses=responses(KeyRevoked),
)
async def revoke_client_key(client_id: UUID, key_id: UUID, actor: CanAdministerUsers, clients: ClientsDep) -> None:
    """End a key and the tokens that were issued for it, everywhere within a second."""
    await clients.revoke_key(actor, client_id, key_id)
