"""`/api/clients`: service clients and their keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from app.access.clients.schemas import ClientDocument, IssuedKeyDocument, KeyDocument, NewClient, NewKey
from app.access.clients.service import ClientReading, ClientService, ClientView, KeyRevoked
from app.access.naming import NameTaken
from app.access.permissions import CanAdministerUsers
from app.kernel.http import Reads, TransactionalRoute, Writes
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import responses
from app.kernel.resources import ResourcesDep

router = APIRouter(prefix="/api", tags=["access"], route_class=TransactionalRoute)

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def _clients(session: Writes, resources: ResourcesDep) -> ClientService:
    return ClientService(session, resources)


ClientsDep = Annotated[ClientService, Depends(_clients)]


def _client(view: ClientView) -> ClientDocument:
    fields = {name: getattr(view.client, name) for name in ("id", "name", "description", "status", "created_at")}
    keys = [KeyDocument.model_validate(key, from_attributes=True) for key in view.keys]
    return ClientDocument.model_validate(fields | {"roles": sorted(view.roles), "keys": keys})


@router.get("/clients", operation_id="list_clients")
async def list_clients(
    _: CanAdministerUsers, session: Reads, paging: Paging, request: Request, response: Response
) -> PageDocument[ClientDocument]:
    """Service clients with their roles and keys, newest first."""
    return show(await ClientReading(session).page(paging), _client, request, response)


@router.post("/clients", operation_id="create_client", status_code=201, responses=responses(NameTaken))
async def create_client(wanted: NewClient, actor: CanAdministerUsers, clients: ClientsDep) -> ClientDocument:
    """A new service client; it can do nothing before a key is issued."""
    client = await clients.create(actor, wanted.name, wanted.roles, wanted.description)
    return _client(ClientView(client, frozenset(wanted.roles), ()))


@router.post("/clients/{client_id}/keys", operation_id="issue_client_key", status_code=201)
async def issue_client_key(
    client_id: UUID, wanted: NewKey, actor: CanAdministerUsers, clients: ClientsDep, response: Response
) -> IssuedKeyDocument:
    """A fresh key of the client. This answer is the only one that shows it."""
    key, text = await clients.issue_key(actor, client_id, wanted.expires_at)
    response.headers.update(NO_STORE)
    return IssuedKeyDocument(id=key.id, key=text, prefix=key.prefix, expires_at=key.expires_at)


@router.delete(
    "/clients/{client_id}/keys/{key_id}",
    operation_id="revoke_client_key",
    status_code=204,
    responses=responses(KeyRevoked),
)
async def revoke_client_key(client_id: UUID, key_id: UUID, actor: CanAdministerUsers, clients: ClientsDep) -> None:
    """End a key and the tokens that were issued for it, everywhere within a second."""
    await clients.revoke_key(actor, client_id, key_id)
