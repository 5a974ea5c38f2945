"""`/api/auth/oidc`: a person logs in at the identity provider, and comes back with a session."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.access.oidc.attempt import CLEARING
from app.access.oidc.paths import MAX_LENGTH, is_local
from app.access.oidc.problems import (
    CodeRefused,
    InvalidCallback,
    InvalidIdToken,
    LoginDenied,
    LoginNotBegun,
    OidcNotConfigured,
    PersonRefused,
    ProviderAway,
    ProviderFault,
    ProviderSlow,
)
from app.access.oidc.provider import ProviderInForce
from app.access.oidc.service import Callback, OidcLogin
from app.access.sessions.facts import facts_of
from app.kernel.http.routes import AnsweringRoute, StrictRoute
from app.kernel.problems import Fault, InvalidRequest, Problem, responses
from app.kernel.runtime.resources import ResourcesDep

router = APIRouter(prefix="/api/auth/oidc", tags=["access"], route_class=StrictRoute)
callback_router = APIRouter(prefix="/api/auth/oidc", tags=["access"], route_class=AnsweringRoute)

_MAX_CODE = 4096
_MAX_STATE = 256
_FOUND, _SEE_OTHER = 302, 303


class ForeignReturn(InvalidRequest):
    """`return_to` leads away from this service."""

    code, title = "foreign-return", "return_to is not a path of this service"

    def __init__(self) -> None:
        super().__init__(faults=[Fault(pointer="query/return_to", code=self.code, message=self.title)])


async def _login(resources: ResourcesDep) -> OidcLogin:
    provider = resources.extensions.of(ProviderInForce).current
    if provider is None:
        raise OidcNotConfigured
    return resources.build(OidcLogin, provider)


LoginDep = Annotated[OidcLogin, Depends(_login)]


@router.get(
    "/login",
    operation_id="begin_oidc_login",
    status_code=_FOUND,
    response_class=Response,
    response_description="To the provider.",
    responses=responses(OidcNotConfigured, ForeignReturn, ProviderFault, ProviderAway, ProviderSlow),
)
async def begin_oidc_login(
    login: LoginDep,
    return_to: Annotated[
        str, Query(max_length=MAX_LENGTH, description="Path of this service to go to afterwards.")
    ] = "/",
) -> Response:
    """Send the browser to the identity provider."""
    if not is_local(return_to):
        raise ForeignReturn
    url, cookie = await login.begin(return_to)
    return _redirect(_FOUND, url, cookie)


@callback_router.get(
    "/callback",
    operation_id="end_oidc_login",
    status_code=_SEE_OTHER,
    response_class=Response,
    response_description="Logged in, with a session cookie; on to where the log-in began.",
    responses=responses(
        LoginNotBegun,
        InvalidCallback,
        CodeRefused,
        InvalidIdToken,
        LoginDenied,
        PersonRefused,
        OidcNotConfigured,
        ProviderFault,
        ProviderAway,
        ProviderSlow,
    ),
)
async def end_oidc_login(
    login: LoginDep,
    request: Request,
    state: Annotated[str, Query(max_length=_MAX_STATE, description="What the log-in began with.")] = "",
    code: Annotated[str | None, Query(max_length=_MAX_CODE, description="The provider's code.")] = None,
    iss: Annotated[str | None, Query(max_length=_MAX_CODE, description="The provider (RFC 9207).")] = None,
    error: Annotated[str | None, Query(max_length=_MAX_STATE, description="Why there is no code.")] = None,
) -> Response:
    """Open the session of the person whom the identity provider sends back."""
    attempt = login.attempt(request.scope["headers"], state)
    try:
        opened = await login.end(attempt, Callback(state, code, iss, error), facts_of(request))
    except Problem as problem:
        problem.headers["Set-Cookie"] = CLEARING
        raise
    assert opened.cookie is not None
    return _redirect(_SEE_OTHER, attempt.return_to, CLEARING, opened.cookie)


def _redirect(status: int, url: str, *cookies: str) -> Response:
    response = Response(status_code=status, headers={"Location": url, "Cache-Control": "no-store"})
    for cookie in cookies:
        response.headers.append("Set-Cookie", cookie)
    return response
