"""A server of Splunk's management protocol on loopback. Of what a package says it does what the replay does.

It keeps apps, stanzas, lookups and events, and answers as Splunk's REST API Reference shows. No Splunk runs on machines
without its licence: what is tested with this server is the protocol, and what the service does when it is broken.
"""

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from app.addons.package.conf import Stanza, render_conf
from app.addons.package.files import Package
from app.addons.replay.events import ReplayedEvent
from app.addons.replay.replaying import replay
from app.addons.sandbox.splunk import APP

TOKEN = "eyJ-hunter2-token"
INDEX = "spyne_sandbox"
Answer = tuple[int, bytes]
_SPOKEN = re.compile(r'source="([^"]*)" OR host="([^"]*)"')
_LOOKUP = re.compile(r'\| makeresults format=csv data="(.*)" \| fields - _time \| outputlookup "([^"]*)"', re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of the body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def call(self) -> str:
        """Method and path, by which a test puts another answer in place."""
        return f"{self.method} {self.path}"


Reply = Callable[[BaseHTTPRequestHandler, Asked], None]


def entry(**content: Any) -> bytes:
    """An answer about one thing."""
    return json.dumps({"entry": [{"name": "x", "content": content}]}).encode()


def said(text: str, kind: str = "ERROR") -> bytes:
    """An answer that says why not."""
    return json.dumps({"messages": [{"type": kind, "text": text}]}).encode()


def lines(*results: dict[str, Any]) -> bytes:
    """The answer of a search."""
    documents = [{"preview": False, "offset": n, "result": each} for n, each in enumerate(results)]
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def answering(status: int, body: bytes = b"", **headers: str) -> Reply:
    """Answers so."""

    def reply(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


@dataclass
class Kept:
    """What the server holds."""

    apps: dict[str, str] = field(default_factory=dict)
    """Labels by name."""
    stanzas: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    """Settings by conf file and stanza, of the app."""
    lookups: dict[str, bytes] = field(default_factory=dict)
    events: list[tuple[str, ReplayedEvent]] = field(default_factory=list)
    """Each with its mark."""


class SplunkServer:
    """The server: put answers in place by `instead`, look at `asked` and `kept`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.kept = Kept()
        self.instead: dict[str, Reply] = {}
        """By the beginning of `Asked.call`."""
        self.changed: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda results: results
        """What a search for events shows instead of what was found."""
        self.late = 0
        """Looks at which nothing can be searched yet."""
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), cast("type[BaseHTTPRequestHandler]", self._handler))
        self._is_sealed = tls is not None
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        """The management URL."""
        host = "https://localhost" if self._is_sealed else "http://127.0.0.1"
        return f"{host}:{self._server.server_port}"

    def calls(self, beginning: str) -> list[Asked]:
        """The requests whose method and path begin so."""
        return [each for each in self.asked if each.call.startswith(beginning)]

    def hangs(self, *_: Any) -> None:
        """Answers nothing until it is released."""
        self.released.wait()

    def drips(self, handler: BaseHTTPRequestHandler, _: Asked) -> None:
        """Answers a space every 20 ms until it is released."""
        handler.send_response(200)
        handler.end_headers()
        while not self.released.wait(0.02):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    def _answer(self, asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, said("call not properly authenticated", "WARN")
        if asked.path.startswith(f"/servicesNS/nobody/{APP}/"):
            return self._within(asked) if APP in self.kept.apps else (404, said("Application does not exist"))
        for beginning, answer in self._services.items():
            if asked.path.startswith(f"/services/{beginning}"):
                return answer(asked)
        return 404, said("Not Found")

    @property
    def _services(self) -> dict[str, Callable[[Asked], Answer]]:
        return {
            "server/info": lambda _: (200, entry(version="9.4.1", build="x")),
            f"data/indexes/{INDEX}": lambda _: (200, entry()),
            "apps/local": self._apps,
            "receivers/stream": self._received,
        }

    def _within(self, asked: Asked) -> Answer:
        path = asked.path.removeprefix(f"/servicesNS/nobody/{APP}/")
        if path.startswith("configs/conf-"):
            return self._configured(asked, *path.removeprefix("configs/conf-").split("/"))
        if path == "search/v2/jobs/export":
            return self._searched(asked.form["search"])
        return 404, said("Not Found")

    def _apps(self, asked: Asked) -> Answer:
        if asked.method == "POST":
            name = asked.form["name"]
            if name in self.kept.apps:
                return 409, said(f"Unable to create app: {name}. An app of this name is there.")
            self.kept.apps[name] = asked.form["label"]
            return 201, entry(label=asked.form["label"])
        if APP not in self.kept.apps:
            return 404, said("Could not find object id=spyne_sandbox")
        if asked.method == "DELETE":
            del self.kept.apps[APP]
            self.kept.stanzas.clear()
            self.kept.lookups.clear()
            return 200, b"{}"
        return 200, entry(label=self.kept.apps[APP])

    def _configured(self, asked: Asked, conf: str, stanza: str | None = None) -> Answer:
        stanzas, settings = self.kept.stanzas.setdefault(conf, {"default": {}}), asked.form
        if stanza is not None:
            stanzas[unquote(stanza)].update(settings)
            return 200, entry(**settings)
        name = settings.pop("name")
        if name in stanzas:
            return 409, said(f"An object with name={name} already exists")
        stanzas[name] = settings
        return 201, entry(**settings)

    def _received(self, asked: Asked) -> Answer:
        query = asked.query
        if query["index"] != INDEX:
            return 400, said("supplied index is missing")
        files = {
            f"default/{conf}.conf": render_conf([Stanza(*each) for each in stanzas.items()]).encode()
            for conf, stanzas in self.kept.stanzas.items()
        } | {f"lookups/{name}": content for name, content in self.kept.lookups.items()}
        made = replay(Package(APP, files), asked.body.decode(), sourcetype=query["sourcetype"])
        self.kept.events += [(query["source"], event) for event in made.events]
        return 204, b""

    def _searched(self, spl: str) -> Answer:
        if lookup := _LOOKUP.fullmatch(spl):
            text = lookup[1].replace('\\"', '"').replace("\\\\", "\\")
            self.kept.lookups[lookup[2]] = text.encode()
            return 200, b""
        marks = _SPOKEN.search(spl)
        if not spl.startswith(f'search index="{INDEX}" (source=') or marks is None or marks[1] != marks[2]:
            return 400, said(f"Unknown search command in {spl}", "FATAL")
        events = [event for mark, event in self.kept.events if mark == marks[1]]
        if spl.endswith("| stats count"):
            self.late -= 1
            return 200, lines({"count": str(len(events) if self.late < 0 else 0)})
        results = [_result(event, marks[1]) for event in reversed(events)]
        return 200, lines(*self.changed(results))

    def _handler(self, *args: Any) -> BaseHTTPRequestHandler:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                split = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                query = dict(parse_qsl(split.query))
                asked = Asked(self.command, split.path, query, dict(self.headers), body)
                server.asked.append(asked)
                instead = next((it for call, it in server.instead.items() if asked.call.startswith(call)), None)
                try:
                    (instead or answering(*server._answer(asked)))(self, asked)
                except ConnectionError:
                    self.close_connection = True  # who asked has left

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that the base class looks for

            def log_message(self, *_: Any) -> None:
                """Logs nothing."""

        return Handler(*args)

    @contextmanager
    def running(self) -> Iterator["SplunkServer"]:
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


def _result(event: ReplayedEvent, mark: str) -> dict[str, Any]:
    """The event as a search shows it: one value is a text, several are a list; with the fields that Splunk sets."""
    fields = dict(event.fields) | {"eventtype": event.eventtypes, "tag": event.tags, "sourcetype": (event.sourcetype,)}
    shown = {name: values[0] if len(values) == 1 else list(values) for name, values in fields.items() if values}
    time = 1_700_000_000.0 if event.time is None else event.time.moment.timestamp()
    of_splunk = {"host": mark, "source": mark, "index": INDEX, "linecount": "1", "punct": "__", "date_hour": "1"}
    return of_splunk | shown | {"_raw": event.raw, "_time": "2023-11-14", "_cd": "1:2", "spyne_time": f"{time:.6f}"}
