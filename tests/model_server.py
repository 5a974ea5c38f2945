"""A server of OpenAI's protocol on loopback, which answers as a test says and keeps what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """What the model is told: the JSON document of the user's message."""
        told: dict[str, Any] = json.loads(json.loads(self.body)["messages"][1]["content"])
        return told


def completion(content: Any, **choice: Any) -> bytes:
    """A chat completion with this text."""
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"} | choice]
    return json.dumps({"id": "c-1", "object": "chat.completion", "choices": choices}).encode()


def proposing(sql: str | None) -> Reply:
    """Answers with the statement, as it was told to."""
    return sending(completion(json.dumps({"sql": sql})))


def sending(body: bytes, status: int = 200, **headers: str) -> Reply:
    """Answers with these bytes."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


class ModelServer:
    """The server: set `reply`, look at `asked`."""

    def __init__(self) -> None:
        self.reply: Reply = proposing(None)
        self.asked: list[Asked] = []
        self.released = threading.Event()
        """Ends replies that hang."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), cast("type[BaseHTTPRequestHandler]", self._handler))

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def hangs(self, handler: BaseHTTPRequestHandler) -> None:
        """Answers nothing until it is released."""
        self.released.wait()
        proposing(None)(handler)

    def drips(self, handler: BaseHTTPRequestHandler) -> None:
        """Answers a space every 20 ms until it is released."""
        handler.send_response(200)
        handler.end_headers()
        while not self.released.wait(0.02):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    def _handler(self, *args: Any) -> BaseHTTPRequestHandler:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.asked.append(Asked(self.path, dict(self.headers), body))
                try:
                    server.reply(self)
                except ConnectionError:
                    self.close_connection = True  # who asked has left

            def log_message(self, *_: Any) -> None:
                """Logs nothing."""

        return Handler(*args)

    @contextmanager
    def running(self) -> Iterator["ModelServer"]:
        """The server, as long as the block lasts."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()
