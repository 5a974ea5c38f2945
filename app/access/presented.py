"""Which credential a request carries. Rules only, no I/O.

At most one is shown on purpose (RFC 6750 section 2). A cookie is sent by the browser whether the page wants it or
not, so beside a bearer token or a key it does not count: what was shown on purpose decides alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.access.sessions.secrets import cookies_in
from app.access.tokens import InvalidToken
from app.kernel.problems import BadRequest, Unauthenticated

_BEARER = b"bearer "
_EXPLICIT = frozenset({b"authorization", b"x-api-key"})


class TwoCredentials(BadRequest):
    """A request carries one credential, or none."""

    code, title = "two-credentials", "The request carries more than one credential"


@dataclass(frozen=True, slots=True)
class Presented:
    """The one credential; the others are None."""

    bearer: bytes | None = None
    key: bytes | None = None
    cookie: bytes | None = None


def presented(headers: Sequence[tuple[bytes, bytes]]) -> Presented:
    """The credential among the headers.

    Raises:
        Unauthenticated: there is none.
        TwoCredentials: there are several, or several cookies of the session's name.
    """
    explicit: tuple[bytes, bytes] | None = None
    has_cookie = False
    for header in headers:
        if header[0] in _EXPLICIT:
            if explicit is not None:
                raise TwoCredentials
            explicit = header
        elif header[0] == b"cookie":
            has_cookie = True
    if explicit is not None:
        return _shown_on_purpose(*explicit)
    if not has_cookie:
        raise Unauthenticated
    return _cookie(headers)


def _shown_on_purpose(name: bytes, value: bytes) -> Presented:
    if name == b"x-api-key":
        return Presented(key=value)
    if value[:7].lower() != _BEARER:
        raise InvalidToken("The Authorization header does not carry a bearer token.")
    return Presented(bearer=value[7:])


def _cookie(headers: Sequence[tuple[bytes, bytes]]) -> Presented:
    cookies = list(cookies_in(headers))
    if not cookies:
        raise Unauthenticated
    if len(cookies) > 1:
        raise TwoCredentials("The request carries several session cookies.")
    return Presented(cookie=cookies[0])
