"""Requests that another site makes a browser send. Rules only, no I/O.

A cookie goes with every request to us, whoever wrote the page it comes from. So a request that changes something and
is authorised by the cookie alone must carry the session's token, and must not say that it comes from elsewhere.
"""

import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

from app.kernel.problems import Forbidden

HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110 section 9.2.1)."""

_OURS = frozenset({b"same-origin", b"none"})
_DEFAULT_PORTS = {"http": 80, "https": 443}

Headers = Sequence[tuple[bytes, bytes]]


class ForgedRequest(Forbidden):
    """The request may have been made by another site."""

    code, title = "csrf", "The request may have been made by another site"


def require_own_site(headers: Headers) -> None:
    """Return when nothing in the request says that it comes from another site.

    `Sec-Fetch-Site` is set by the browser itself, and `Origin` too; other programs need not send them.

    Raises:
        ForgedRequest: one of them names another site.
    """
    if any(name == b"sec-fetch-site" and value not in _OURS for name, value in headers):
        raise ForgedRequest("The browser says that another site made this request (Sec-Fetch-Site).")
    hosts = [value for name, value in headers if name == b"host"]
    if any(name == b"origin" and not _same_host(value, hosts) for name, value in headers):
        raise ForgedRequest("The browser says that another site made this request (Origin).")


def require_token(headers: Headers, expected: str) -> None:
    """Return when the request carries the session's token, once. Raises `ForgedRequest`."""
    tokens = [value for name, value in headers if name == b"x-csrf-token"]
    if len(tokens) != 1 or not hmac.compare_digest(tokens[0], expected.encode()):
        raise ForgedRequest(
            f"A request with a session cookie that changes something needs the session's token in {HEADER}."
        )


def _same_host(origin: bytes, hosts: Sequence[bytes]) -> bool:
    """Whether the origin names the host that the request was sent to.

    The scheme is not compared: behind a proxy that ends TLS, ours is http and the browser's https.
    """
    if len(hosts) != 1:
        return False
    try:
        parts = urlsplit(origin.decode("ascii"))
        default = _DEFAULT_PORTS[parts.scheme]
        own = urlsplit(f"//{hosts[0].decode('ascii')}")
        return (parts.hostname, parts.port or default) == (own.hostname, own.port or default) and bool(parts.hostname)
    except (ValueError, KeyError):
        return False
