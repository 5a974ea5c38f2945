"""What every answer says to browsers; and that what shows a secret is kept by nobody."""

import re

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.kernel.http.pages import content_security_policy
from app.middleware.answers import AnswerHeaders
from tests.middleware.asgi import call

ALWAYS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY"}
ONE = "'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='"
"""Of the script `1`."""
OF_DATA = "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", "/api/tables", 401),
        ("GET", "/nothing", 404),
        ("DELETE", "/health", 405),
        ("GET", "/api/tables?limit=%", 400),
        ("POST", "/api/auth/token", 400),
        ("GET", "/openapi.json", 200),
        ("HEAD", "/health/live", 200),
    ],
)
async def test_every_answer(anonymous: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await anonymous.request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    assert answer.headers["content-security-policy"] == OF_DATA
    assert "no-store" in answer.headers["cache-control"]
    assert len(answer.headers.get_list("content-security-policy")) == 1


async def test_pages_run_their_own_scripts_alone(anonymous: httpx.AsyncClient) -> None:
    for path in ("/docs", "/docs/oauth2-redirect"):
        answer = await anonymous.get(path)
        (policy,) = answer.headers.get_list("content-security-policy")
        assert "unsafe" not in policy
        assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy.split("; "))
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
        assert policy.count("'sha256-") == len(re.findall(r"<script(?: type=\S+)?>", answer.text)) >= 1


async def test_files_of_the_pages_may_be_kept_and_asked_for_again(anonymous: httpx.AsyncClient) -> None:
    path = "/docs/assets/swagger-ui.css"
    answer = await anonymous.get(path)
    assert answer.headers["cache-control"] == "no-cache"
    again = await anonymous.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert {name: again.headers.get(name) for name in ALWAYS} == ALWAYS


async def test_a_bug_has_them_too(app: FastAPI, anonymous: httpx.AsyncClient) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    app.add_api_route("/broken", broken)
    answer = await anonymous.get("/broken")
    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS


async def test_what_an_answer_says_itself_stays() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"cache-control", b"max-age=5"), (b"content-security-policy", b"default-src 'self'")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    answer = await call(AnswerHeaders(app))
    assert answer.all("cache-control") == ["max-age=5"]
    assert answer.all("content-security-policy") == ["default-src 'self'"]
    assert answer.all("x-content-type-options") == ["nosniff"]


async def test_keys_that_others_verify_with_may_be_kept_and_secrets_may_not(
    anonymous: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    made = await admin.post("/api/clients", json={"name": "loader", "roles": ["VIEWER"]})
    key = await admin.post(f"/api/clients/{made.json()['id']}/keys", json={"label": "a"})
    assert key.json()["key"].startswith("spy_")
    assert "no-store" in key.headers["cache-control"]
    assert "no-store" not in (await anonymous.get("/api/auth/.well-known/jwks.json")).headers["cache-control"]


@pytest.mark.parametrize(
    ("html", "scripts"),
    [
        ("<p>x</p>", "'self'"),
        ("<script src='/a.js'></script>", "'self'"),
        ("<script>1</script>", f"'self' {ONE}"),
        ('<script>1</script><script type="text/javascript">1</script>', f"'self' {ONE} {ONE}"),
    ],
)
def test_the_policy_of_a_page(html: str, scripts: str) -> None:
    assert f"script-src {scripts};" in content_security_policy(html)
