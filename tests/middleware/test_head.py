"""HEAD answers what GET would, without the body and without a trace: every operation that reads, and the pages."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from app.kernel.embedded import ServerAddress
from app.middleware.equivalents import HeadAsGet
from app.middleware.observation import Observation
from tests.authorization.place import Place, opened
from tests.authorization.world import Call, called
from tests.census import census, differences
from tests.middleware.asgi import call
from tests.operations_catalogue import CATALOGUE

pytestmark = pytest.mark.slow

READING = sorted(label for label, operation in CATALOGUE.items() if operation.method == "GET")
USED_UP = "GET /api/auth/oidc/callback"
"""What it brings is good once, at the provider: a look would use it up."""
PAGES = ("/docs", "/docs/oauth2-redirect", "/docs/assets/favicon.png", "/openapi.json")
OF_THE_MOMENT = frozenset(
    {"date", "x-request-id", "ratelimit", "set-cookie", "location", "x-ratelimit-reset", "retry-after"}
)
"""Headers that differ between two requests of the same."""
LENGTH_OF_THE_MOMENT = frozenset(
    {
        "GET /health",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
        "GET /system/dashboard",
        "GET /system/deployment",
    }
)
"""What they answer is a measure: its length differs between two GETs too."""
LOOKS_ARE_KEPT = frozenset({"spyne.api_keys", "spyne.sessions", "spyne.security_events", "spyne.worker_heartbeats"})
"""When a credential was last used, and what processes note of themselves beside requests."""
BESIDE = LOOKS_ARE_KEPT | {"spyne.spyne_metrics", "spyne.job_runs", "jobs.pgqueuer", "jobs.pgqueuer_log"}


@pytest.fixture(scope="module")
async def place(server: ServerAddress, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with opened(server, template, tmp_path_factory.mktemp("home")) as place:
        yield place


@pytest.mark.parametrize("operation", READING)
async def test_head_is_get_without_the_body_and_without_a_trace(place: Place, operation: str) -> None:
    admin = place.holder("person: ADMIN")
    _, made = await place.world.sound(operation, admin, fresh=True)
    get = called(operation, made)
    head = Call("HEAD", get.path, get.more, get.mark, get.bare)
    before = await census(place.owner, BESIDE)
    looked = await place.world.send(head, admin)
    assert differences(before, await census(place.owner, BESIDE)) == []
    assert looked.content == b""
    answer = await place.world.send(get, admin)
    if operation == USED_UP:
        assert (looked.status_code, looked.headers["allow"]) == (405, "GET")
        return
    assert looked.status_code == answer.status_code
    passing = OF_THE_MOMENT | ({"content-length"} if operation in LENGTH_OF_THE_MOMENT else set())
    assert _lasting(looked, passing) == _lasting(answer, passing)
    assert ("content-length" in looked.headers) is ("content-length" in answer.headers)


@pytest.mark.parametrize("path", PAGES)
async def test_head_of_pages_and_files(place: Place, path: str) -> None:
    looked, answer = await place.world.anonymous.head(path), await place.world.anonymous.get(path)
    assert (looked.status_code, looked.content) == (200, b"")
    assert _lasting(looked, OF_THE_MOMENT) == _lasting(answer, OF_THE_MOMENT)
    assert int(looked.headers["content-length"]) == len(answer.content)


def _lasting(answer: httpx.Response, passing: frozenset[str] | set[str]) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in passing}


async def test_a_download_that_was_looked_at_is_not_audited_and_one_that_was_fetched_is(place: Place) -> None:
    admin = place.holder("person: ADMIN")
    _, made = await place.world.sound("GET /system/exports/{export_id}/download", admin, fresh=True)
    get = called("GET /system/exports/{export_id}/download", made)
    count = "SELECT count(*) FROM spyne.audit_log WHERE action = 'export:download'"
    before = await place.owner.fetchval(count)
    looked = await place.world.send(Call("HEAD", get.path, get.more), admin)
    assert (looked.status_code, await place.owner.fetchval(count)) == (200, before)
    answer = await place.world.send(get, admin)
    assert (int(looked.headers["content-length"]), looked.headers["etag"]) == (
        len(answer.content),
        answer.headers["etag"],
    )
    assert await place.owner.fetchval(count) == before + 1


async def test_who_may_not_get_may_not_look(place: Place) -> None:
    nobody = place.holder("nobody")
    for operation in READING:
        _, made = await place.world.sound(operation, nobody, fresh=False)
        get = called(operation, made)
        looked = await place.world.send(Call("HEAD", get.path, get.more), nobody)
        if operation != USED_UP:
            assert looked.status_code == (await place.world.send(get, nobody)).status_code, operation


async def test_only_what_can_be_read_has_a_head(place: Place) -> None:
    for path in ("/api/auth/token", "/api/query/execute", "/system/retention/raw_batches/preview"):
        answer = await place.world.anonymous.head(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await place.world.anonymous.post("/health/live")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_a_body_is_not_made_for_nobody_and_the_layers_around_see_the_request_as_it_came() -> None:
    made: list[int] = []
    app = FastAPI()
    app.add_middleware(HeadAsGet)
    app.add_middleware(Observation)

    @app.get("/things/{name}")
    async def things(name: str) -> StreamingResponse:
        async def blocks() -> AsyncIterator[bytes]:
            for number in range(1000):
                made.append(number)
                yield name.encode()

        return StreamingResponse(blocks(), headers={"Content-Length": "1000"})

    answer = await call(app, "HEAD", "/things/a")
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "1000", b"")
    assert answer.complete
    assert len(made) <= 1


@pytest.mark.parametrize("error", [ClientDisconnect, LookupError])
async def test_what_goes_wrong_before_the_answer_goes_on(error: type[Exception]) -> None:
    async def failing(_: Scope, __: Receive, ___: Send) -> None:
        raise error

    with pytest.raises(error):
        await call(HeadAsGet(failing), "HEAD")


def test_the_walk_knows_its_exceptions() -> None:
    assert {USED_UP} | LENGTH_OF_THE_MOMENT <= set(READING)
