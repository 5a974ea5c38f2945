"""`/api/auth`: tokens, log-out and who the caller is; `POST /api/sessions`: log-in from a browser page."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.access.explain.dependencies import Explained
from app.access.explain.schemas import ExplanationDocument
from app.access.login.browser import BrowserLogin, LoggedIn, TooManyGuesses, WrongPassword
from app.access.login.grants import Grant, TokenGrants
from app.access.login.logout import Logout, NothingToLeave
from app.access.login.oauth import FORM, GrantRefusal, GrantType, read_token_request
from app.access.login.schemas import CallerDocument, CredentialDocument, TokenDocument, TokenErrorDocument
from app.access.sessions.csrf import ForgedRequest, require_own_site
from app.access.sessions.facts import facts_of
from app.access.sessions.schemas import NewSession, OpenedSessionDocument
from app.access.sessions.secrets import CSRF_KEY, clearing_cookie_header, csrf_token
from app.access.subject_status import Credential
from app.kernel.db.database import OperationClass
from app.kernel.http.caching import NO_STORE
from app.kernel.http.errors import problem_response
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import controls, operation
from app.kernel.problems import Problem, responses
from app.kernel.runtime.resources import ResourcesDep
from app.kernel.security.authorization import Actor, AnyActor
from app.kernel.security.secrets import ServiceSecret

router = APIRouter(prefix="/api", tags=["access"], route_class=TransactionalRoute)

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
                    "refresh_token": {"type": "string", "format": "password"},
                    "scope": {"type": "string", "description": "Narrows the token to these permissions."},
                },
            }
        }
    },
}


BrowserLoginDep = Annotated[BrowserLogin, controls(BrowserLogin)]
LogoutDep = Annotated[Logout, controls(Logout)]
GrantsDep = Annotated[TokenGrants, controls(TokenGrants)]


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
    """An access token for a person (`password`, `refresh_token`) or a service (`client_credentials`), as OAuth2 has it.

    A refresh token is good for one renewal; one that is shown again ends its session.

    Open in every mode, so that an admin can log in to end a maintenance.
    """
    headers = request.headers
    asked = read_token_request(
        headers.get("content-type", ""), ", ".join(headers.getlist("authorization")) or None, await request.body()
    )
    return _token_answer(await grants.answer(asked, facts_of(request)))


def _token_answer(answer: Grant | GrantRefusal) -> Response:
    if isinstance(answer, Grant):
        document = TokenDocument(
            access_token=answer.token.text,
            token_type="Bearer",  # noqa: S106 - the type, not a token
            expires_in=answer.lifetime_seconds,
            scope=" ".join(sorted(answer.scope)),
            refresh_token=answer.refresh_token,
        )
        return JSONResponse(document.model_dump(mode="json", exclude_none=True), headers=NO_STORE)
    headers = dict(NO_STORE)
    if answer.status == 401:  # noqa: PLR2004 - RFC 6749 section 5.2 asks for the challenge with this status
        headers["WWW-Authenticate"] = 'Basic realm="spyne"'
    if answer.retry_after_seconds is not None:
        headers["Retry-After"] = str(answer.retry_after_seconds)
    error = TokenErrorDocument(error=answer.error, error_description=answer.description)
    return JSONResponse(error.model_dump(mode="json"), answer.status, headers=headers)


@router.post(
    "/sessions",
    operation_id="open_session",
    status_code=201,
    response_model=OpenedSessionDocument,
    responses=responses(WrongPassword, ForgedRequest, TooManyGuesses),
    openapi_extra=operation(OperationClass.CONTROL),
)
async def open_session(wanted: NewSession, request: Request, login: BrowserLoginDep) -> Response:
    """Log in from a browser page: the answer sets the session's cookie.

    Every later request that changes something carries the CSRF token of this answer. Open in every mode.
    """
    require_own_site(request.scope["headers"])
    return _session_answer(await login.log_in(wanted.username, wanted.password, facts_of(request)))


def _session_answer(answer: LoggedIn | Problem) -> Response:
    if isinstance(answer, Problem):
        return problem_response(answer)
    opened = answer.opened
    assert opened.cookie is not None
    assert opened.csrf is not None
    document = OpenedSessionDocument(
        id=opened.id,
        user_id=answer.user.id,
        username=answer.user.username,
        csrf_token=opened.csrf,
        ends_at=opened.ends_at,
    )
    return JSONResponse(document.model_dump(mode="json"), 201, headers=NO_STORE | {"Set-Cookie": opened.cookie})


@router.post(
    "/auth/logout",
    operation_id="log_out",
    status_code=204,
    responses=responses(NothingToLeave),
    openapi_extra=operation(OperationClass.CONTROL),
)
async def log_out(actor: AnyActor, logout: LogoutDep, request: Request, response: Response) -> None:
    """End the access token or cookie that was shown, and its session, everywhere within a second.

    Open in every mode.
    """
    credential: Credential = request.scope["spyne.credential"]
    await logout.leave(actor, credential)
    if credential.kind == "session":
        response.headers["Set-Cookie"] = clearing_cookie_header()


@router.get("/auth/me", operation_id="get_caller")
async def get_caller(
    actor: AnyActor, request: Request, response: Response, resources: ResourcesDep, explanation: Explained
) -> CallerDocument:
    """Who is calling, with what, and what it allows."""
    response.headers["Cache-Control"] = "no-store"
    return _caller(actor, request.scope["spyne.credential"], resources.secret, explanation)


def _caller(
    actor: Actor, credential: Credential, secret: ServiceSecret, explanation: ExplanationDocument | None
) -> CallerDocument:
    session_id = credential.session_id if credential.kind == "session" else None
    shown = {"kind": credential.kind, "id": credential.id, "expires_at": credential.expires_at}
    return CallerDocument(
        kind=actor.kind.value,
        id=actor.id,
        name=actor.label,
        roles=sorted(actor.roles),
        permissions=sorted(actor.permissions),
        credential=CredentialDocument.model_validate(shown),
        explanation=explanation,
        csrf_token=None if session_id is None else csrf_token(secret.key(CSRF_KEY), session_id),
    )
