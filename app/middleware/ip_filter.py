"""Shuts out blocked addresses, and whoever is not within the allowed networks; notes who asks for a decoy.

Health is answered to everybody: a load balancer must see that the service lives. The refusal says
nothing of the reason. Users and clients are shut out once their credential is known (kernel/authorization).
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.kernel.problems import Forbidden
from app.kernel.security.authorization import Blocked
from app.kernel.security.security_events import EventKind
from app.kernel.telemetry.metrics import REQUESTS_REFUSED
from app.middleware.answers import refuse
from app.middleware.layer import HttpLayer
from app.middleware.probes import HEALTH_PATHS
from app.operations.security.edge.decoys import decoy_path
from app.operations.security.edge.edge_state import Edge, EdgeVerdict


class NetworkRefused(Forbidden):
    """The request comes from outside of the networks that the security policy allows."""

    code, title = "network-refused", "Requests from this network are not taken"


_REFUSALS = {
    EdgeVerdict.BLOCKED: (Blocked, EventKind.BLOCKED_REQUEST),
    EdgeVerdict.ELSEWHERE: (NetworkRefused, EventKind.NETWORK_REFUSED),
}


class Gate(HttpLayer):
    """Lets requests pass whose address may come in."""

    def __init__(self, app: ASGIApp, edge: Edge) -> None:
        super().__init__(app)
        self._edge = edge

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        view = self._edge.view
        if view.guards or view.decoy_paths:
            client = scope.get("client")
            address = client[0] if client else None
            if view.guards and scope["path"] not in HEALTH_PATHS:
                verdict = view.verdict(address)
                if verdict is EdgeVerdict.LOCAL and _came_through_a_proxy(scope):
                    verdict = EdgeVerdict.ELSEWHERE
                if verdict in _REFUSALS:
                    problem, kind = _REFUSALS[verdict]
                    REQUESTS_REFUSED.labels(problem.code).inc()
                    self._edge.events.note(kind, address=address)
                    await refuse(scope, receive, send, problem())
                    return
            if view.decoy_paths and decoy_path(scope["path"]) in view.decoy_paths:
                self._edge.events.note(
                    EventKind.HONEYPOT_HIT, address=address, detail={"path": scope["path"], "method": scope["method"]}
                )
        await self.app(scope, receive, send)


def _came_through_a_proxy(scope: Scope) -> bool:
    """Whether a proxy on this machine, which no setting trusts, passed the request on."""
    return any(name == b"x-forwarded-for" for name, _ in scope["headers"])
