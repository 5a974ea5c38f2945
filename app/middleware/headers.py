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
    b"""
    forwarded from x-real-ip client-ip true-client-ip cf-connecting-ip fastly-client-ip remote-addr x-account
    x-account-id x-actor x-admin x-anonymous-consumer x-apigateway-api-userinfo x-caller x-employee-id x-email
    x-endpoint-api-userinfo x-group x-groups x-id-token x-is-admin x-jwt-assertion x-login x-on-behalf-of x-permission
    x-permissions x-preferred-username x-principal x-rewrite-url x-scope x-scopes x-subject x-sudo x-tenant x-tenant-id
    """.split()
)

DROPPED_PREFIXES: Final = (
    b"x-user",  # X-User, X-User-Id, X-User-Role, X-Username, X-Userinfo
    b"x-auth",  # X-Auth-*, X-Authenticated-*, X-Authorization-*, X-Authentik-*, X-Authz-*
    b"x-forwarded-",  # X-Forwarded-User, -Email, -Groups, -Access-Token, -Client-Cert; see KEPT
    b"x-original-",  # X-Original-User, and the path overrides X-Original-URL and -URI
    b"sm-",  # SiteMinder: SM_USER
    *b"""
    x-role x-remote- remote-user remote-group remote-email remote-name x-webauth- x-ms-client-principal x-ms-token-
    x-amzn-oidc- x-amzn-mtls- x-goog-authenticated-user x-goog-iap- cf-access- x-access-token x-client-ip x-client-cert
    x-client-dn x-client-verify x-cluster-client-ip x-consumer- x-credential- x-identity x-impersonat impersonate-
    x-oauth x-oidc- oidc- x-pomerium- x-saml- x-shib- shib- x-spiffe- x-spyne- x-ssl- ssl-client- x-tailscale-
    tailscale-user- x-teleport- x-token- x-vouch- iv-user iv-groups iv-creds
    """.split(),
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
