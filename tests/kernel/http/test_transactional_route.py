"""A lost unit of work is run again, whole: in scopes of its own, over the same body, and never once it is committed."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from asyncpg.exceptions import SerializationError
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from starlette.types import Message, Receive, Scope, Send

from app.kernel.db.database import MAX_ATTEMPTS
from app.kernel.http.errors import install_problem_handlers
from app.kernel.http.routes import TransactionalRoute
from tests.middleware.asgi import Answer, call, scope

CHUNKS = (b'{"val', b'ue": ', b"7}")


class Unit:
    """Loses so many times, at a place of its life; notes what became of each try."""

    def __init__(self, losses: int, at: str) -> None:
        self.losses, self.at = losses, at
        self.bodies: list[Any] = []
        self.ends: list[str] = []
        self.router = APIRouter(route_class=TransactionalRoute)
        self.router.add_api_route("/unit", self._endpoint(), methods=["POST"])

    def lose(self, at: str) -> None:
        if at == self.at and self.losses:
            self.losses -= 1
            raise SerializationError("lost")

    def _endpoint(self) -> Any:
        unit = self

        async def session() -> AsyncIterator[str]:
            try:
                yield "open"
                unit.lose("commit")
            except SerializationError:
                unit.ends.append("rolled back")
                raise
            unit.ends.append("committed")

        class Sending(Response):
            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                unit.lose("answer")
                await super().__call__(scope, receive, send)

        async def endpoint(
            body: dict[str, int], request: Request, opened: Annotated[str, Depends(session, scope="function")]
        ) -> Response:
            assert opened == "open"
            assert await request.json() == body
            unit.bodies.append(body)
            unit.lose("handler")
            return Sending(b"done")

        return endpoint


def application(unit: Unit, *, included: bool) -> FastAPI:
    app = FastAPI(routes=[] if included else list(unit.router.routes))
    if included:
        app.include_router(unit.router)
    install_problem_handlers(app)
    return app


@pytest.mark.parametrize("included", [False, True], ids=["flat", "included"])
@pytest.mark.parametrize(
    ("losses", "at", "status", "ends"),
    [
        (0, "handler", 200, ["committed"]),
        (2, "handler", 200, ["rolled back", "rolled back", "committed"]),
        (2, "commit", 200, ["rolled back", "rolled back", "committed"]),
        (99, "handler", 503, ["rolled back"] * MAX_ATTEMPTS),
        (99, "commit", 503, ["rolled back"] * MAX_ATTEMPTS),
        (1, "answer", 503, ["committed"]),
    ],
)
async def test_a_unit_is_run_again_until_it_is_committed(
    losses: int, at: str, status: int, ends: list[str], *, included: bool
) -> None:
    unit = Unit(losses, at)
    json = [(b"content-type", b"application/json")]
    answer = await call(application(unit, included=included), "POST", "/unit", json, CHUNKS)
    assert (answer.status, unit.ends) == (status, ends)
    assert unit.bodies == [{"value": 7}] * len(ends)


async def test_the_body_is_received_once() -> None:
    unit, asked, answer = Unit(2, "commit"), 0, Answer()
    pending = list(CHUNKS)

    async def receive() -> Message:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": pending.pop(0), "more_body": bool(pending)}

    async def send(message: Message) -> None:
        answer.messages.append(message)

    wanted = scope("POST", "/unit", [(b"content-type", b"application/json")])
    await application(unit, included=False)(wanted, receive, send)
    assert (answer.status, len(unit.bodies), asked) == (200, 3, len(CHUNKS))
