"""Puts the client behind our own proxies into `scope["client"]`, where everything inside reads it.

Without configured proxies, and for every other peer, the connection's peer is the client: nothing that it sends about
itself is believed.
"""

from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from app.kernel.addresses import Network
from app.middleware.forwarding import Proxies

_MAPPED: Final = "::ffff:"


class ClientAddress:
    """Finds the client's address and scheme before anything inside asks for them."""

    def __init__(self, app: ASGIApp, trusted_proxies: Sequence[Network] = ()) -> None:
        self.app = app
        self._proxies = Proxies(trusted_proxies)
        self._any = bool(trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request under its client's address; web sockets too."""
        client = scope.get("client")
        if client is not None:
            address = client[0]
            if address.startswith(_MAPPED):  # how a listener for both families names an IPv4 peer
                address = address.removeprefix(_MAPPED)
                scope["client"] = (address, client[1])
            if self._any and self._proxies.trusted(address):
                self._believe(scope, address)
        await self.app(scope, receive, send)

    def _believe(self, scope: Scope, peer: str) -> None:
        headers = scope["headers"]
        origin = self._proxies.origin(
            peer,
            [value for name, value in headers if name == b"x-forwarded-for"],
            [value for name, value in headers if name == b"x-forwarded-proto"],
        )
        if origin.address != peer:
            scope["client"] = (origin.address, 0)  # the client's port is not known
        if origin.scheme is not None:
            scope["scheme"] = origin.scheme if scope["type"] == "http" else origin.scheme.replace("http", "ws")
