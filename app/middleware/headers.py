"""Drops every header by which a client could claim to be somebody: identity comes from checked credentials alone.

Proxies that authenticate put the caller into headers of many spellings; whoever reaches Spyne directly can send the
same. Names are compared in lower case and with `_` read as `-`: gateways between (CGI, nginx) mix these up.

Kept: `Authorization`, `Cookie` and `X-API-Key`, which are checked, and `X-Forwarded-For/-Proto/-Host/-Port`, which
only count when they come from a configured proxy.
"""

from functools import lru_cache
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

KEPT: Final = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"})

DROPPED: Final = frozenset(
    {
        b"forwarded",
        b"from",
        b"x-real-ip",
        b"client-ip",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"fastly-client-ip",
        b"remote-addr",
        b"x-account",
        b"x-account-id",
        b"x-actor",
        b"x-admin",
        b"x-anonymous-consumer",
        b"x-apigateway-api-userinfo",
        b"x-caller",
        b"x-employee-id",
        b"x-email",
        b"x-endpoint-api-userinfo",
        b"x-group",
        b"x-groups",
        b"x-id-token",
        b"x-is-admin",
        b"x-jwt-assertion",
        b"x-login",
        b"x-on-behalf-of",
        b"x-permission",
        b"x-permissions",
        b"x-preferred-username",
        b"x-principal",
        b"x-rewrite-url",
        b"x-scope",
        b"x-scopes",
        b"x-subject",
        b"x-sudo",
        b"x-tenant",
        b"x-tenant-id",
    }
)

DROPPED_PREFIXES: Final = (
    b"x-user",  # X-User, X-User-Id, X-User-Role, X-Username, X-Userinfo
    b"x-role",
    b"x-auth",  # X-Auth-*, X-Authenticated-*, X-Authorization-*, X-Authentik-*, X-Authz-*
    b"x-forwarded-",  # X-Forwarded-User, -Email, -Groups, -Access-Token, -Client-Cert; see KEPT
    b"x-remote-",
    b"remote-user",
    b"remote-group",
    b"remote-email",
    b"remote-name",
    b"x-original-",  # X-Original-User, and the path overrides X-Original-URL and -URI
    b"x-webauth-",
    b"x-ms-client-principal",
    b"x-ms-token-",
    b"x-amzn-oidc-",
    b"x-amzn-mtls-",
    b"x-goog-authenticated-user",
    b"x-goog-iap-",
    b"cf-access-",
    b"x-access-token",
    b"x-client-ip",
    b"x-client-cert",
    b"x-client-dn",
    b"x-client-verify",
    b"x-cluster-client-ip",
    b"x-consumer-",
    b"x-credential-",
    b"x-identity",
    b"x-impersonat",
    b"impersonate-",
    b"x-oauth",
    b"x-oidc-",
    b"oidc-",
    b"x-pomerium-",
    b"x-saml-",
    b"x-shib-",
    b"shib-",
    b"x-spiffe-",
    b"x-spyne-",
    b"x-ssl-",
    b"ssl-client-",
    b"x-tailscale-",
    b"tailscale-user-",
    b"x-teleport-",
    b"x-token-",
    b"x-vouch-",
    b"sm-",  # SiteMinder: SM_USER
    b"iv-user",
    b"iv-groups",
    b"iv-creds",
)


@lru_cache(maxsize=1024)  # clients send the same few names; hostile ones only evict each other
def claims_identity(name: bytes) -> bool:
    """Whether a header of this name (as received) says who the caller is, or where from, without proof."""
    name = name.lower()
    if b"_" in name:
        name = name.replace(b"_", b"-")
    return name in DROPPED or (name.startswith(DROPPED_PREFIXES) and name not in KEPT)


class HeaderScrub:
    """Removes identity headers before anything inside can read them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request without its identity headers; web sockets too."""
        if scope["type"] != "lifespan":
            scope["headers"] = [header for header in scope["headers"] if not claims_identity(header[0])]
        await self.app(scope, receive, send)
