"""No header that a client can set says who the client is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from app.middleware.headers import HeaderScrub, claims_identity
from tests.middleware.asgi import call

IDENTITY_NAMES = """
X-User X-User-Id X-User-ID X-User-Role X-User-Roles X-User-Name X-Username X-User-Email X-Userinfo X-Role X-Roles
X-Role-Id X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups X-Forwarded-Preferred-Username
X-Forwarded-Access-Token X-Forwarded-Client-Cert X-Remote-User X-Remote-Groups Remote-User Remote-Groups
Remote-Email Remote-Name REMOTE_USER X-Auth-User X-Auth-Request-User X-Auth-Request-Email X-Auth-Roles
X-Authenticated-User X-Authenticated-Userid X-Authenticated-Groups X-Authentik-Username X-Authorization-Role
Forwarded X-Real-Ip X-Original-User X-Original-URL X-Rewrite-Url X-Client-Ip True-Client-Ip X-WEBAUTH-USER
X-WebAuth-Role X-MS-CLIENT-PRINCIPAL X-MS-CLIENT-PRINCIPAL-NAME X-MS-CLIENT-PRINCIPAL-ID X-MS-TOKEN-AAD-ID-TOKEN
X-Amzn-Oidc-Identity X-Amzn-Oidc-Data X-Amzn-Oidc-Accesstoken X-Goog-Authenticated-User-Email
X-Goog-Authenticated-User-Id X-Goog-Iap-Jwt-Assertion Cf-Access-Authenticated-User-Email Cf-Access-Jwt-Assertion
Cf-Connecting-Ip X-Pomerium-Claim-Email X-Pomerium-Jwt-Assertion X-Vouch-User X-Consumer-Username
X-Credential-Username X-Groups X-Permissions X-Scopes X-Principal X-Actor X-Impersonate-User Impersonate-User
X-On-Behalf-Of X-Admin X-Is-Admin X-Ssl-Client-S-Dn Ssl-Client-Cert X-Client-Cert X-Client-Dn Tailscale-User-Login
OIDC-Claim-Email OIDC_CLAIM_sub X-Shib-Eppn SM_USER Iv-User X-Spyne-Actor X-Tenant-Id x_user_role X_FORWARDED_USER
x_auth-user X_Remote_User
"""
IDENTITY = IDENTITY_NAMES.split()

HARMLESS_NAMES = """
Authorization Cookie X-API-Key Host Accept Accept-Encoding Content-Type Content-Length Transfer-Encoding User-Agent
If-Match If-None-Match Idempotency-Key Prefer Range Origin Referer Traceparent Tracestate X-Request-ID X-CSRF-Token
X-Requested-With X-Forwarded-For X-Forwarded-Proto X-Forwarded-Host X-Forwarded-Port Webhook-Id Webhook-Signature
Last-Event-Id
"""
HARMLESS = HARMLESS_NAMES.split()


async def headers_inside(given_headers: list[tuple[bytes, bytes]], kind: str = "http") -> list[tuple[bytes, bytes]]:
    seen: list[tuple[bytes, bytes]] = []

    async def inner(scope: Scope, _: Receive, __: Send) -> None:
        seen.extend(scope["headers"])

    if kind == "http":
        await call(HeaderScrub(inner), headers=given_headers)
    else:

        async def unused(*_: object) -> None:
            raise AssertionError

        await HeaderScrub(inner)({"type": kind, "headers": given_headers}, unused, unused)  # type: ignore[arg-type]  # never called
    return seen


@pytest.mark.parametrize("name", IDENTITY)
async def test_identity_headers_do_not_get_in(name: str) -> None:
    sent = [(name.lower().encode(), b"ADMIN"), (name.encode(), b"ADMIN"), (b"accept", b"*/*")]
    assert await headers_inside(sent) == [(b"accept", b"*/*")]


async def test_all_of_them_at_once_and_repeated() -> None:
    sent = [(name.lower().encode(), b"root") for name in IDENTITY for _ in range(2)]
    assert await headers_inside(sent) == []


@pytest.mark.parametrize("name", HARMLESS)
async def test_other_headers_do(name: str) -> None:
    sent = [(name.lower().encode(), b"value"), (name.lower().encode(), b"again")]
    assert await headers_inside(sent) == sent


async def test_web_sockets_are_scrubbed_too() -> None:
    assert await headers_inside([(b"x-user-role", b"ADMIN"), (b"origin", b"x")], "websocket") == [(b"origin", b"x")]


@given(st.sampled_from(IDENTITY), st.randoms())
def test_neither_case_nor_underscores_matter(name: str, random: object) -> None:
    choose = getattr(random, "choice")  # noqa: B009 - hypothesis's own type is not exported
    spelled = "".join(choose((c.lower(), c.upper())) if c not in "-_" else choose("-_") for c in name)
    assert claims_identity(spelled.encode())


@given(st.binary(max_size=40))
def test_any_bytes_can_be_asked_about(name: bytes) -> None:
    assert claims_identity(name) in (True, False)
