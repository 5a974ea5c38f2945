"""Drives an ASGI application without sockets, message by message."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from app.operations.modes.modes import Maintenance

Headers = list[tuple[bytes, bytes]]


class AlwaysNormal:
    """A source of modes that never shields."""

    def current(self) -> Maintenance:
        """The normal mode."""
        return Maintenance()


@dataclass
class Answer:
    """What the application sent."""

    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        (start,) = [message for message in self.messages if message["type"] == "http.response.start"]
        return int(start["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    def all(self, name: str) -> list[str]:
        return [value.decode() for given, value in self.messages[0]["headers"] if given == name.encode()]

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages if m["type"] == "http.response.body")

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        assert int(self.headers["content-length"]) == len(self.body)
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        return document

    @property
    def complete(self) -> bool:
        return bool(self.messages) and self.messages[-1].get("more_body", False) is False


def scope(method: str = "GET", path: str = "/", headers: Iterable[tuple[bytes, bytes]] = (), **more: Any) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": list(headers),
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 8080),
        **more,
    }


async def call(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/",
    headers: Iterable[tuple[bytes, bytes]] = (),
    chunks: Iterable[bytes] = (b"",),
    *,
    aborted: bool = False,
    answer: Answer | None = None,
) -> Answer:
    """The answer to a request whose body comes in these chunks; `aborted`: the client leaves before its end."""
    answer = answer if answer is not None else Answer()
    pending = list(chunks)
    inbox: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": aborted or index < len(pending) - 1}
        for index, chunk in enumerate(pending)
    ]

    async def receive() -> Message:
        return inbox.pop(0) if inbox else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.messages.append(message)

    await app(scope(method, path, headers), receive, send)
    return answer
