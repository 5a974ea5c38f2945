"""Which credential counts, and that the door leaves it in the scope."""

import pytest
from starlette.types import Receive, Scope, Send

from app.kernel.security.credential_headers import (
    SESSION_COOKIE,
    CredentialKind,
    ShownCredential,
    read_credential,
    shown_credential,
)
from app.middleware.credentials import Credentials
from tests.middleware.asgi import Headers, call

A, K = (b"authorization", b"Bearer t"), (b"x-api-key", b"k")
C = (b"cookie", SESSION_COOKIE.encode() + b"=c")
NAME = SESSION_COOKIE.encode()
KEY = ShownCredential(CredentialKind.API_KEY, b"k")
TOKEN = ShownCredential(CredentialKind.BEARER, b"t")
SEVERAL = ShownCredential(CredentialKind.SEVERAL)
SEVERAL_SESSIONS = ShownCredential(CredentialKind.SEVERAL_SESSIONS)
OTHER_SCHEME = ShownCredential(CredentialKind.OTHER_SCHEME)

SHOWN: list[tuple[Headers, ShownCredential | None]] = [
    ([A], TOKEN),
    ([(b"authorization", b"bEARER t")], TOKEN),
    ([K], KEY),
    ([C], ShownCredential(CredentialKind.SESSION, b"c")),
    ([(b"cookie", b"a=b; " + NAME + b"=c")], ShownCredential(CredentialKind.SESSION, b"c")),
    ([C, A], TOKEN),
    ([K, C], KEY),
    ([A, C, C], TOKEN),
    ([], None),
    ([(b"host", b"x"), (b"proxy-authorization", b"Bearer t")], None),
    ([(b"cookie", b"a=b")], None),
    ([A, K], SEVERAL),
    ([A, A], SEVERAL),
    ([K, C, K], SEVERAL),
    ([C, C], SEVERAL_SESSIONS),
    ([(b"cookie", NAME + b"=a; " + NAME + b"=b")], SEVERAL_SESSIONS),
    ([(b"authorization", b"Basic eA=="), C], OTHER_SCHEME),
    ([(b"authorization", b"Bearer"), C], OTHER_SCHEME),
    ([(b"authorization", b"")], OTHER_SCHEME),
]


@pytest.mark.parametrize(("headers", "shown"), SHOWN)
async def test_what_is_shown_on_purpose_counts_alone(headers: Headers, shown: ShownCredential | None) -> None:
    assert read_credential(headers) == shown
    found: list[ShownCredential | None] = []

    async def inside(scope: Scope, _: Receive, __: Send) -> None:
        found.append(shown_credential(scope))
        assert (shown is None) == ("spyne.shown_credential" not in scope)

    await call(Credentials(inside), headers=headers)
    assert found == [shown]
