"""A slash at the end of a path makes no difference, and nothing is redirected, whatever `Host` says."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import Receive, Scope, Send

from app.middleware.equivalents import OneSpelling
from tests.middleware.asgi import call

HOSTILE = {"Host": "attacker.example"}
LEADS_TO_THE_PROVIDER = "/api/auth/oidc/login"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def templates(app: FastAPI) -> list[str]:
    return sorted({context.path for context in iter_route_contexts(app.routes) if context.path})


def spellings(path: str) -> tuple[str, str]:
    bare = path.removesuffix("/")
    return bare, f"{bare}/"


async def test_every_route_answers_both_spellings_alike_and_redirects_nobody(
    app: FastAPI, anonymous: httpx.AsyncClient
) -> None:
    paths = [template.replace("{", "").replace("}", "") for template in templates(app)]
    assert len(paths) > 100
    for path in paths:
        for method in METHODS:
            answers = [await anonymous.request(method, spelled, headers=HOSTILE) for spelled in spellings(path)]
            for answer in answers:
                assert answer.status_code not in range(300, 400), (method, path)
                assert "attacker" not in str(answer.headers), (method, path)
            first, second = answers
            assert first.status_code == second.status_code, (method, path)
            assert first.headers.get("allow") == second.headers.get("allow"), (method, path)


async def test_the_admins_answers_are_the_same_too(admin: httpx.AsyncClient, document: dict[str, Any]) -> None:
    readable = [
        path
        for path, methods in document["paths"].items()
        if "get" in methods and "{" not in path and path != LEADS_TO_THE_PROVIDER
    ]
    assert {"/system/exports/", "/system/notify/", "/system/retention/", "/api/tables"} <= set(readable)
    for path in readable:
        first, second = [await admin.get(spelled, headers=HOSTILE) for spelled in spellings(path)]
        assert first.status_code == second.status_code, path
        assert (first.status_code, first.headers["content-type"]) != (404, "text/html"), path


@pytest.mark.parametrize(
    "path", ["/api/tables//", "//api/tables", "/api//tables", "//attacker.example/", "//", "/system/exports//"]
)
async def test_more_slashes_are_another_path(anonymous: httpx.AsyncClient, path: str) -> None:
    answer = await anonymous.get(f"http://spyne.test{path}", headers=HOSTILE)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert "location" not in answer.headers


@pytest.mark.usefixtures("open_for_data")
async def test_a_body_arrives_by_both_spellings(admin: httpx.AsyncClient) -> None:
    wanted = {"job_type": "users", "filter_params": {}, "format": "csv"}
    for path in spellings("/system/exports"):
        answer = await admin.post(path, json=wanted)
        assert answer.status_code == 202, answer.text


def test_the_document_has_one_spelling_of_each(app: FastAPI, document: dict[str, Any]) -> None:
    paths = [path.removesuffix("/") for path in document["paths"]]
    assert len(paths) == len(set(paths))
    assert [path for path in templates(app) if path.endswith("/") and "{" in path] == [], "the layer knows none"


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("/things", "/things"),
        ("/things/", "/things"),
        ("/listed", "/listed/"),
        ("/listed/", "/listed/"),
        ("/listed/1/", "/listed/1"),
        ("/", "/"),
        ("//", "//"),
        ("/things//", "/things//"),
        ("/listed//", "/listed//"),
    ],
)
async def test_everything_inside_sees_the_documented_path(sent: str, seen: str) -> None:
    inner = FastAPI()
    inner.add_api_route("/listed/", lambda: None)
    inner.add_api_route("/things", lambda: None)
    found: list[Any] = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        found.append(scope["path"])

    layer = OneSpelling(app)

    async def within(scope: Scope, receive: Receive, send: Send) -> None:
        await layer({**scope, "app": inner}, receive, send)

    await call(within, path=sent)
    assert found == [seen]
