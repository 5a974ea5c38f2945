"""A server on loopback that speaks the protocols of OpenAI's embeddings and of Pinecone's data plane, or none."""

import hashlib
import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

Reply = Callable[["ProtocolServer", BaseHTTPRequestHandler, str, dict[str, Any]], None]

DIMENSIONS = 8
SYNONYMS = ({"machine", "computer", "host"}, {"login", "logon", "signin"}, {"firewall", "gateway"})
"""Words that mean the same to the model of the tests."""


def vector_of(text: str) -> list[float]:
    """A vector whose direction is that of the words of the text; words of one set of synonyms have one direction."""
    total = [0.0] * DIMENSIONS
    for word in "".join(each if each.isalnum() else " " for each in text.lower()).split():
        meant = next((min(each) for each in SYNONYMS if word in each), word)
        digest = hashlib.sha256(meant.encode()).digest()
        weight = 5.0 if any(word in each for each in SYNONYMS) else 0.2
        total = [so_far + weight * (byte - 127.5) / 127.5 for so_far, byte in zip(total, digest, strict=False)]
    length = math.sqrt(sum(each * each for each in total)) or 1.0
    return [each / length for each in total] if any(total) else [1.0] + [0.0] * (DIMENSIONS - 1)


def sends(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """Answer with these bytes."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def sending(body: bytes, status: int = 200, **headers: str) -> Reply:
    """Answers everything with these bytes."""
    return lambda _server, handler, _path, _document: sends(handler, body, status, **headers)


def embeddings(vectors: Sequence[Any]) -> bytes:
    """An answer of the embeddings protocol."""
    data = [{"object": "embedding", "index": place, "embedding": each} for place, each in enumerate(vectors)]
    return json.dumps({"object": "list", "data": data, "model": "m", "usage": {"total_tokens": 1}}).encode()


def speaking(server: "ProtocolServer", handler: BaseHTTPRequestHandler, path: str, document: dict[str, Any]) -> None:
    """Answers as the protocols say."""
    if path.endswith("/embeddings"):
        sends(handler, embeddings([vector_of(text) for text in document["input"]]))
    elif path == "/vectors/upsert":
        server.kept |= {each["id"]: each["values"] for each in document["vectors"]}
        sends(handler, json.dumps({"upsertedCount": len(document["vectors"])}).encode())
    elif path == "/vectors/delete":
        for each in document["ids"]:
            server.kept.pop(each, None)
        sends(handler, b"{}")
    elif path == "/query":
        scored = sorted(
            (
                {"id": id_, "score": sum(a * b for a, b in zip(document["vector"], vector, strict=True))}
                for id_, vector in server.kept.items()
            ),
            key=lambda match: -match["score"],
        )
        sends(handler, json.dumps({"matches": scored[: document["topK"]], "namespace": document["namespace"]}).encode())
    else:
        sends(handler, b"not found", 404)


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    document: dict[str, Any]


@dataclass
class ProtocolServer:
    """The server: set `reply`, look at `asked` and `kept`."""

    reply: Reply = speaking
    asked: list[Asked] = field(default_factory=list)
    kept: dict[str, list[float]] = field(default_factory=dict)
    """Vectors of the index, by id."""
    released: threading.Event = field(default_factory=threading.Event)
    """Ends replies that hang."""
    url: str = ""

    def hangs(self, *_: Any) -> None:
        """Answers nothing until it is released."""
        self.released.wait()

    @contextmanager
    def running(self) -> Iterator["ProtocolServer"]:
        """The server, as long as the block lasts."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), cast("type[BaseHTTPRequestHandler]", self._handler))
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def _handler(self, *args: Any) -> BaseHTTPRequestHandler:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.asked.append(Asked(self.path, dict(self.headers), document))
                try:
                    server.reply(server, self, self.path, document)
                except ConnectionError:
                    self.close_connection = True  # who asked has left

            def log_message(self, *_: Any) -> None:
                """Logs nothing."""

        return Handler(*args)
