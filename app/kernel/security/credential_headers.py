"""Which credential a request shows, read from its headers. Rules only, no I/O.

The door reads it once per request (app/middleware/credentials.py) and leaves it in the ASGI scope; whose it is, and
whether it counts, is for access to say (app/access/credentials/authenticator.py).

At most one is shown on purpose (RFC 6750 section 2). A cookie is sent by the browser whether the page wants it or
not, so beside a bearer token or a key it does not count: what was shown on purpose decides alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from starlette.types import Scope

SESSION_COOKIE: Final = "__Host-spyne_session"
"""The prefix makes browsers take the cookie over secure connections only, for this host and no other, and for the
whole path (RFC 6265bis section 4.1.3.2)."""

SCOPE_KEY: Final = "spyne.shown_credential"
"""Where the door leaves the credential; absent from the scopes of requests that show none."""

_BEARER = b"bearer "
_EXPLICIT = frozenset({b"authorization", b"x-api-key"})
_COOKIE = SESSION_COOKIE.encode()

Headers = Sequence[tuple[bytes, bytes]]


class CredentialKind(Enum):
    """What is shown."""

    BEARER = "bearer token"
    API_KEY = "API key"
    SESSION = "session cookie"
    OTHER_SCHEME = "an Authorization header of another scheme"
    SEVERAL = "several on purpose"
    SEVERAL_SESSIONS = "several cookies of the session's name"


@dataclass(frozen=True, slots=True)
class ShownCredential:
    """What a request shows; not found genuine yet."""

    kind: CredentialKind
    secret: bytes = b""
    """Empty where nothing is to be verified: of another scheme, and of several."""


_SEVERAL: Final = ShownCredential(CredentialKind.SEVERAL)
_SEVERAL_SESSIONS: Final = ShownCredential(CredentialKind.SEVERAL_SESSIONS)
_OTHER_SCHEME: Final = ShownCredential(CredentialKind.OTHER_SCHEME)


def read_credential(headers: Headers) -> ShownCredential | None:
    """The credential among the headers; None when none is shown."""
    explicit: tuple[bytes, bytes] | None = None
    has_cookie = False
    for header in headers:
        if header[0] in _EXPLICIT:
            if explicit is not None:
                return _SEVERAL
            explicit = header
        elif header[0] == b"cookie":
            has_cookie = True
    if explicit is not None:
        return _shown_on_purpose(*explicit)
    return _session(headers) if has_cookie else None


def shown_credential(scope: Scope) -> ShownCredential | None:
    """The credential that the door has found in a request; None when none is shown."""
    found: ShownCredential | None = scope.get(SCOPE_KEY)
    return found


def cookies_in(headers: Headers) -> Iterator[bytes]:
    """Every value of the session's cookie among the headers, in order; there should be one at most."""
    for name, value in headers:
        if name == b"cookie" and _COOKIE in value:
            for pair in value.split(b";"):
                key, equals, secret = pair.strip(b" \t").partition(b"=")
                if key == _COOKIE and equals:
                    yield secret


def _shown_on_purpose(name: bytes, value: bytes) -> ShownCredential:
    if name == b"x-api-key":
        return ShownCredential(CredentialKind.API_KEY, value)
    if value[:7].lower() != _BEARER:
        return _OTHER_SCHEME
    return ShownCredential(CredentialKind.BEARER, value[7:])


def _session(headers: Headers) -> ShownCredential | None:
    cookies = list(cookies_in(headers))
    if len(cookies) > 1:
        return _SEVERAL_SESSIONS
    return ShownCredential(CredentialKind.SESSION, cookies[0]) if cookies else None
