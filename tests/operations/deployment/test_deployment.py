"""What runs here, without a secret; and the index of routes, which says what the routes declare."""

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import OperationClass
from app.kernel.db.migrations import head
from app.kernel.http.sessions import operation
from app.kernel.security.authorization import AnyActor, Permission
from app.main import create_app
from app.operations.deployment.revision import revision_of
from app.operations.deployment.routes import SUNSET, RouteFilter, index
from app.operations.deployment.service import storage_kind
from app.operations.permissions import CanRunSystem
from app.settings import NotifySettings, RateLimitSettings, Settings
from tests.conftest import SECRET
from tests.identities import PASSWORD, Identities

HIDDEN = ("smtp-pa55word", "redis-pa55word", "the-previous-s3cret-of-the-service-which-is-long")


@pytest.fixture
async def laden(settings: Settings, urls: DatabaseUrls) -> AsyncIterator[FastAPI]:
    """The service with every secret that its environment can hold."""
    full = settings.model_copy(
        update={
            "notify": NotifySettings(smtp_url=SecretStr(f"mailtos://user:{HIDDEN[0]}@mail.example.org")),
            "rate_limit": RateLimitSettings(storage_url=SecretStr(f"redis://:{HIDDEN[1]}@127.0.0.1:1/0")),
            "secret_previous": SecretStr(HIDDEN[2]),
            "revision": "abc123",
        }
    )
    application = create_app(full, urls, SECRET)
    async with application.router.lifespan_context(application):
        yield application


async def test_the_deployment_is_told_without_a_secret(laden: FastAPI, urls: DatabaseUrls) -> None:
    token = await Identities(laden.state.resources).token("ADMIN")
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(laden)
    async with httpx.AsyncClient(transport=transport, base_url="http://spyne.test", headers=headers) as client:
        answers = [await client.get(f"/system/{path}") for path in ("deployment", "routes", "dashboard", "config")]
    assert [answer.status_code for answer in answers] == [200] * 4
    passwords = [make_url(url).password for url in (urls.owner, urls.app, urls.query)]
    secrets = [*HIDDEN, *passwords, SECRET._value.decode(), SECRET.key("audit:1").hex(), token, PASSWORD]
    secrets += [urls.owner, urls.app, urls.query]
    for answer in answers:
        assert [secret for secret in secrets if secret and str(secret) in answer.text] == []
    found = answers[0].json()
    assert found["revision"] == "abc123"
    assert found["migrations"] == {"head": head(), "applied": head()}
    assert found["database"]["version"].startswith("18")
    assert found["process"]["pid"] == os.getpid()
    assert found["pools"].keys() == {"write", "read", "load", "query"}
    assert found["pools"]["read"]["in_use"] >= 1, "that of this very question"
    assert found["features"]["shared-rate-limits"] is True
    assert found["features"]["single-sign-on"] is False
    assert found["storage"] == "file"


@pytest.mark.parametrize(
    ("url", "kind"), [(None, "file"), ("file:///x", "file"), ("s3://key:secret@bucket/x", "s3"), ("az://c", "az")]
)
def test_of_the_storage_the_kind_alone_is_told(url: str | None, kind: str) -> None:
    assert storage_kind(url) == kind


def test_the_revision_is_that_of_the_checkout(tmp_path: Path) -> None:
    def git(*words: str, cwd: Path) -> str:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words]
        return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()

    assert revision_of(tmp_path) is None
    checkout, tree = tmp_path / "checkout", tmp_path / "tree"
    checkout.mkdir()
    git("init", "-q", cwd=checkout)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=checkout)
    commit = git("rev-parse", "HEAD", cwd=checkout)
    assert revision_of(checkout) == commit
    git("worktree", "add", "-q", "-b", "other", str(tree), cwd=checkout)
    assert revision_of(tree) == commit
    git("pack-refs", "--all", cwd=checkout)
    assert (revision_of(checkout), revision_of(tree)) == (commit, commit)
    git("checkout", "-q", "--detach", cwd=checkout)
    assert revision_of(checkout) == commit


async def test_the_index_says_what_the_document_says(admin: httpx.AsyncClient, document: dict[str, Any]) -> None:
    items = (await admin.get("/system/routes")).json()["items"]
    told = {(each["method"].lower(), each["path"]): each for each in items}
    documented = {
        (method, path): each for path, methods in document["paths"].items() for method, each in methods.items()
    }
    assert told.keys() == documented.keys()
    for place, each in told.items():
        assert each["operation_id"] == documented[place]["operationId"]
        assert (each["permissions"] is None) is not bool(documented[place].get("security"))
        assert each["summary"]
    assert told["put", "/system/maintenance"]["permissions"] == ["system:write"]
    assert told["put", "/system/maintenance"]["operation_class"] == "control"
    assert told["post", "/api/query/preview"]["operation_class"] == "record"
    assert told["get", "/health"]["permissions"] is None


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({"method": "DELETE"}, lambda each: each["method"] == "DELETE"),
        ({"tag": "security"}, lambda each: "security" in each["tags"]),
        ({"permission": "system:write"}, lambda each: "system:write" in each["permissions"]),
        ({"operation_class": "write"}, lambda each: each["operation_class"] == "write"),
        ({"deprecated": "false"}, lambda each: not each["deprecated"]),
        ({"search": "MAINTENANCE"}, lambda each: "maintenance" in each["path"]),
    ],
)
async def test_the_index_is_filtered(admin: httpx.AsyncClient, asked: dict[str, str], holds: object) -> None:
    items = (await admin.get("/system/routes", params=asked)).json()["items"]
    everything = (await admin.get("/system/routes")).json()["items"]
    assert items
    assert callable(holds)
    assert [each for each in everything if each["permissions"] is not None and holds(each)] == [
        each for each in items if each["permissions"] is not None
    ]


def test_what_is_to_go_away_says_when() -> None:
    router = APIRouter(tags=["old"])

    @router.post("/old", deprecated=True, openapi_extra=operation(OperationClass.RECORD) | {SUNSET: "2099-01-01"})
    async def old(_: CanRunSystem) -> None:
        """Old.

        Not the summary.
        """

    @router.get("/own", summary="Own")
    async def own(_: AnyActor) -> None: ...

    @router.get("/hidden", include_in_schema=False)
    async def hidden() -> None: ...

    first, second = index(router.routes, RouteFilter())
    assert (first.deprecated, first.sunset, first.summary, first.tags) == (True, "2099-01-01", "Old.", ["old"])
    assert (first.permissions, first.operation_class) == ([Permission.SYSTEM_WRITE], OperationClass.RECORD)
    assert (second.permissions, second.summary, second.operation_class) == ([], "Own", OperationClass.READ)
    assert index(router.routes, RouteFilter(deprecated=True)) == [first]
