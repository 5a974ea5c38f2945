"""What every layer of the door is: an ASGI application around another one."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send


class HttpLayer(ABC):
    """A layer that serves HTTP requests its own way, and lets web sockets and the lifespan pass."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """The service of the request, to be awaited; no coroutine of its own stands around that of the layer."""
        return self.serve(scope, receive, send) if scope["type"] == "http" else self.app(scope, receive, send)

    @abstractmethod
    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an HTTP request."""
