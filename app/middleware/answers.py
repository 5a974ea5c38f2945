"""How a layer answers by itself: as a problem, like every error of the service, with the request's correlation id."""

import orjson
from starlette.types import Scope, Send

from app.kernel.problems import PROBLEM_JSON, Problem
from app.middleware.correlation import REQUEST_ID, request_id


def _carries_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


async def refuse(scope: Scope, send: Send, problem: Problem) -> None:
    """Send the problem as the whole answer.

    The connection is closed after it when the request has a body, since nobody is going to read that.
    """
    correlation = request_id(scope)
    body = orjson.dumps(problem.document(correlation))
    headers = [
        (b"content-type", PROBLEM_JSON.encode("ascii")),
        (b"content-length", str(len(body)).encode("ascii")),
        (REQUEST_ID, correlation.encode("ascii")),
    ]
    headers.extend((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in problem.headers.items())
    if _carries_body(scope):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
