"""`/api/auth`: tokens, and who one is; `/api/clients`: service clients and their keys."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from app.access.grants import Grant, TokenGrants
from app.access.oauth import FORM, GrantType, Refusal, read_token_request
from app.access.permissions import CanAdministerUsers
from app.access.schemas import (
    CallerDocument,
    ClientDocument,
    CredentialDocument,
    IssuedKeyDocument,
    KeyDocument,
    NewClient,
    NewKey,
    TokenDocument,
    TokenErrorDocument,
)
from app.access.service import AccessService, ClientReading, ClientView, KeyRevoked, NameTaken
from app.access.standing import Credential
from app.audit.origin import note_client
from app.kernel.authorization import Actor, AnyActor
from app.kernel.database import OperationClass
from app.kernel.http import Controls, Reads, TransactionalRoute, Writes, operation
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import responses
from app.kernel.resources import ResourcesDep

router = APIRouter(prefix="/api", tags=["access"], route_class=TransactionalRoute)

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 section 5.1

_TEXT = {"type": "string"}
_TOKEN_FORM: dict[str, Any] = {
    "required": True,
    "content": {
        FORM: {
            "schema": {
                "type": "object",
                "required": ["grant_type"],
                "properties": {
                    "grant_type": {"type": "string", "enum": [grant.value for grant in GrantType]},
                    "username": _TEXT,
                    "password": {"type": "string", "format": "password"},
                    "client_id": _TEXT,
                    "client_secret": {
                        "type": "string",
                        "format": "password",
                        "description": "An API key of the client.",
                    },
                    "scope": {"type": "string", "description": "Narrows the token to these permissions."},
                },
            }
        }
    },
}


async def _grants(session: Controls, resources: ResourcesDep) -> TokenGrants:
    return TokenGrants(session, resources)


async def _access(session: Writes, resources: ResourcesDep) -> AccessService:
    return AccessService(session, resources)


AccessDep = Annotated[AccessService, Depends(_access)]
GrantsDep = Annotated[TokenGrants, Depends(_grants)]


@router.post(
    "/auth/token",
    operation_id="issue_token",
    response_model=TokenDocument,
    responses={
        400: {"model": TokenErrorDocument, "description": "The request is refused (RFC 6749 section 5.2)."},
        401: {"model": TokenErrorDocument, "description": "The client is not recognised."},
    },
    openapi_extra=operation(OperationClass.CONTROL) | {"requestBody": _TOKEN_FORM},
)
async def issue_token(request: Request, grants: GrantsDep) -> Response:
    """An access token for a person (`password`) or a service (`client_credentials`), as OAuth2 has it.

    Open in every mode, so that an admin can log in to end a maintenance.
    """
    headers = request.headers
    asked = read_token_request(
        headers.get("content-type", ""), ", ".join(headers.getlist("authorization")) or None, await request.body()
    )
    return _token_answer(await grants.answer(asked, note_client(request.scope)))


def _token_answer(answer: Grant | Refusal) -> Response:
    if isinstance(answer, Grant):
        document = TokenDocument(
            access_token=answer.token.text,
            token_type="Bearer",  # noqa: S106 - the type, not a token
            expires_in=answer.lifetime_seconds,
            scope=" ".join(sorted(answer.scope)),
        )
        return JSONResponse(document.model_dump(mode="json"), headers=NO_STORE)
    headers = dict(NO_STORE)
    if answer.status == 401:  # noqa: PLR2004 - RFC 6749 section 5.2 asks for the challenge with this status
        headers["WWW-Authenticate"] = 'Basic realm="spyne"'
    if answer.retry_after_seconds is not None:
        headers["Retry-After"] = str(answer.retry_after_seconds)
    error = TokenErrorDocument(error=answer.error, error_description=answer.description)
    return JSONResponse(error.model_dump(mode="json"), answer.status, headers=headers)


@router.get("/auth/me", operation_id="get_caller")
async def get_caller(actor: AnyActor, request: Request, response: Response) -> CallerDocument:
    """Who is calling, with what, and what it allows."""
    response.headers["Cache-Control"] = "no-store"
    return _caller(actor, request.scope["spyne.credential"])


def _caller(actor: Actor, credential: Credential) -> CallerDocument:
    shown = {"kind": credential.kind, "id": credential.id, "expires_at": credential.expires_at}
    return CallerDocument(
        kind=actor.kind.value,
        id=actor.id,
        name=actor.label,
        roles=sorted(actor.roles),
        permissions=sorted(actor.permissions),
        credential=CredentialDocument.model_validate(shown),
    )


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
async def create_client(wanted: NewClient, actor: CanAdministerUsers, access: AccessDep) -> ClientDocument:
    """A new service client; it can do nothing before a key is issued."""
    client = await access.create_client(actor, wanted.name, wanted.roles, wanted.description)
    return _client(ClientView(client, frozenset(wanted.roles), ()))


@router.post("/clients/{client_id}/keys", operation_id="issue_client_key", status_code=201)
async def issue_client_key(
    client_id: UUID, wanted: NewKey, actor: CanAdministerUsers, access: AccessDep, response: Response
) -> IssuedKeyDocument:
    """A fresh key of the client. This answer is the only one that shows it."""
    key, text = await access.issue_key(actor, client_id, wanted.expires_at)
    response.headers.update(NO_STORE)
    return IssuedKeyDocument(id=key.id, key=text, prefix=key.prefix, expires_at=key.expires_at)


@router.delete(
    "/clients/{client_id}/keys/{key_id}",
    operation_id="revoke_client_key",
    status_code=204,
    responses=responses(KeyRevoked),
)
async def revoke_client_key(client_id: UUID, key_id: UUID, actor: CanAdministerUsers, access: AccessDep) -> None:
    """End a key and the tokens that were issued for it, everywhere within a second."""
    await access.revoke_key(actor, client_id, key_id)
