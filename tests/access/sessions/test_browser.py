"""A real browser: it keeps the cookie of a log-in, and does not help another site to forge a request."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import asyncpg
import httpx
import pytest

from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.kernel.security.credential_headers import SESSION_COOKIE
from app.settings import Settings
from tests.access.oidc.chromium import CHROMIUM, chromium
from tests.conftest import SECRET
from tests.identities import PASSWORD, Identities
from tests.service_processes import ApiProcess, Surroundings, api_process
from tests.waiting import eventually_blocking

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: no browser to ask")

OURS = """<script>
(async () => {
  const told = {};
  const json = {"Content-Type": "application/json"};
  const login = JSON.stringify({username: "NAME", password: "PASSWORD"});
  const made = await fetch("/api/sessions", {method: "POST", headers: json, body: login});
  told.opened = made.status;
  const csrf = (await made.json()).csrf_token;
  const me = await fetch("/api/auth/me");
  told.me = me.status;
  told.same_token = (await me.json()).csrf_token === csrf;
  told.visible = document.cookie.includes("spyne");
  const change = (name, headers) =>
    fetch("/api/clients", {method: "POST", headers, body: JSON.stringify({name, roles: ["VIEWER"]})});
  told.without_token = (await change("a", json)).status;
  told.with_token = (await change("b", {...json, "X-CSRF-Token": csrf})).status;
  await fetch("/report", {method: "POST", body: JSON.stringify(told)});
  const frame = document.createElement("iframe");
  frame.src = "http://127.0.0.1:OTHER/";
  document.body.append(frame);
  while (await (await fetch("/arrived")).text() === "0") await new Promise(done => setTimeout(done, 50));
  location.href = "http://localhost:OTHER/";
})();
</script>"""
"""Logs in as a page of ours, then opens another site of the same host name and one of another."""

THEIRS = """<form method="post" action="http://127.0.0.1:PORT/api/auth/logout"><input name="a" value="b"></form>
<script>document.forms[0].submit()</script>"""


class Sites:
    """Our site (pages of the test beside the service) and another one, as the browser sees them."""

    def __init__(self, api: str) -> None:
        self.api = api
        self.pages: dict[int, str] = {}
        self.told: dict[str, object] = {}
        self.forged: list[tuple[str, bool, int]] = []
        """Log-outs by forms: what the browser says of the site, whether it sent the cookie, the answer."""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        page = self.pages.get(request.server.server_address[1]) if request.path in {"/", "/page"} else None
        if page is not None:
            return self._send(request, 200, {"Content-Type": "text/html"}, page.encode())
        if request.path == "/report":
            self.told = json.loads(body)
            return self._send(request, 204, {}, b"")
        if request.path == "/arrived":
            return self._send(request, 200, {}, str(len(self.forged)).encode())
        headers = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
        answer = httpx.request(request.command, self.api + request.path, headers=headers, content=body, trust_env=False)
        if request.path == "/api/auth/logout":
            site = request.headers.get("Sec-Fetch-Site", "")
            self.forged.append((site, SESSION_COOKIE in request.headers.get("Cookie", ""), answer.status_code))
        kept = {name: answer.headers[name] for name in ("content-type", "set-cookie") if name in answer.headers}
        return self._send(request, answer.status_code, kept, answer.content)

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
        request.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def serving(sites: Sites) -> Iterator[int]:
    """A port where the sites answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sites.answer(self)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
async def api(urls: DatabaseUrls, settings: Settings, tmp_path: Path) -> AsyncIterator[ApiProcess]:
    async with api_process(Surroundings(urls, SECRET, settings.home, tmp_path)) as process:
        yield process


def browse(url: str, profile: Path, sites: Sites) -> None:
    """Open the page, and stay until the forms of both other sites have come."""
    with chromium(profile) as browser:
        browser.go(url)
        eventually_blocking(lambda: len(sites.forged) == 2, 90, what="a form of each of the two other sites")


async def test_a_browser_keeps_the_cookie_and_forges_nothing(
    api: ApiProcess, resources: Resources, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    name, _ = await Identities(resources).user("ADMIN")
    sites = Sites(api.url)
    with serving(sites) as ours, serving(sites) as other:
        page = OURS.replace("NAME", name).replace("PASSWORD", PASSWORD).replace("OTHER", str(other))
        sites.pages = {ours: page, other: THEIRS.replace("PORT", str(ours))}
        await asyncio.to_thread(browse, f"http://127.0.0.1:{ours}/page", tmp_path / "profile", sites)
    print(sites.told, sites.forged)
    assert sites.told == {
        "opened": 201,
        "me": 200,
        "same_token": True,
        "visible": False,
        "without_token": 403,
        "with_token": 201,
    }
    assert ("same-site", True, 403) in sites.forged, (
        "another port is the same site: the cookie comes, the token does not"
    )
    assert ("cross-site", False, 401) in sites.forged, "to another site's form the browser gives no cookie"
    assert await owner.fetchval("SELECT ended_at FROM spyne.sessions") is None, "nobody was logged out"
