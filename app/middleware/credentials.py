"""Reads the credential of a request once, for everything inside: see app/kernel/security/credential_headers.py.

Nothing is refused here. Where a credential is needed, several are a 400 and none is a 401, said by
app/access/credentials/authenticator.py: a request is counted and bounded first, and log-ins, which need none, have
answers of their own (RFC 6749 section 5.2).
"""

from starlette.types import Receive, Scope, Send

from app.kernel.security.credential_headers import SCOPE_KEY, read_credential
from app.middleware.layer import HttpLayer


class Credentials(HttpLayer):
    """Leaves the credential in the scope, if one is shown."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request with its credential read."""
        if (found := read_credential(scope["headers"])) is not None:
            scope[SCOPE_KEY] = found
        await self.app(scope, receive, send)
