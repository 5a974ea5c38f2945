"""The door's explanation of the modes: by operation class, deny by default."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.kernel.db.database import OperationClass
from app.kernel.http.sessions import OPERATION_CLASS, declared_class, operation
from app.middleware.shield import ReadOnlyShield
from app.operations.modes.modes import Maintenance, MaintenanceMode, passes
from tests.middleware.asgi import Answer, call

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
READ_ONLY, MAINTENANCE, NORMAL = MaintenanceMode.READ_ONLY, MaintenanceMode.MAINTENANCE, MaintenanceMode.NORMAL


class Modes:
    """A settable source of the mode."""

    def __init__(self) -> None:
        self.now = Maintenance()

    def current(self) -> Maintenance:
        return self.now


modes = Modes()


async def answer() -> str:
    return "done"


def build() -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.add_middleware(ReadOnlyShield, modes=modes, clock=lambda: NOW)
    app.api_route("/plain", methods=["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])(answer)
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/outer")
    for kind in OperationClass:
        inner.post(f"/{kind}/{{id}}", openapi_extra=operation(kind))(answer)
        app.post(f"/direct/{kind}", openapi_extra=operation(kind))(answer)
    inner.post("/odd", openapi_extra={OPERATION_CLASS: "harmless, really"})(answer)
    inner.get("/read/{id}")(answer)
    outer.include_router(inner)
    app.include_router(outer, prefix="/api")
    app.mount("/static", Starlette(routes=[Route("/", lambda _: PlainTextResponse("x"), methods=["GET", "POST"])]))
    return app


APP = build()


async def ask(mode: MaintenanceMode, method: str, path: str, until: datetime | None = None) -> Answer:
    modes.now = Maintenance(mode, until=until)
    return await call(APP, method, path)


@pytest.mark.parametrize("prefix", ["/direct/{}", "/api/outer/inner/{}/7"])
@pytest.mark.parametrize(
    ("mode", "open_classes"),
    [
        (NORMAL, {"read", "record", "write", "control"}),
        (READ_ONLY, {"read", "record", "control"}),
        (MAINTENANCE, {"control"}),
    ],
)
@pytest.mark.parametrize("kind", list(OperationClass))
async def test_mode_and_class(mode: MaintenanceMode, open_classes: set[str], kind: OperationClass, prefix: str) -> None:
    found = await ask(mode, "POST", prefix.format(kind))
    assert found.status == (200 if kind in open_classes else 503)
    if found.status == 503:
        assert found.problem["code"] == {READ_ONLY: "read-only", MAINTENANCE: "maintenance"}[mode]
        assert found.problem["correlation_id"]


@pytest.mark.parametrize("mode", [READ_ONLY, MAINTENANCE])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_says_nothing_is_a_write(mode: MaintenanceMode, method: str) -> None:
    assert (await ask(mode, method, "/plain")).status == 503
    assert (await ask(mode, "POST", "/api/outer/inner/odd")).status == 503
    assert (await ask(mode, "POST", "/static/")).status == 503


@pytest.mark.parametrize("mode", [READ_ONLY, MAINTENANCE])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_safe_methods_always_pass(mode: MaintenanceMode, method: str) -> None:
    assert (await ask(mode, method, "/plain")).status == 200


@pytest.mark.parametrize("mode", [READ_ONLY, MAINTENANCE])
async def test_unknown_paths_and_methods_are_answered_as_ever(mode: MaintenanceMode) -> None:
    assert (await ask(mode, "POST", "/nowhere")).status == 404
    assert (await ask(mode, "DELETE", "/direct/write")).status == 405
    assert (await ask(mode, "DELETE", "/api/outer/inner/write/7")).status == 405
    assert (await ask(mode, "BREW", "/plain")).status == 405


async def test_path_tricks_reach_no_open_class() -> None:
    for path in ("/api/outer/inner/write/read", "/api/outer/inner/write/..%2fcontrol%2f1"):
        assert (await ask(READ_ONLY, "POST", path)).status == 503


async def test_a_window_with_an_end_says_when_to_come_back() -> None:
    found = await ask(MAINTENANCE, "POST", "/plain", NOW + timedelta(seconds=89.2))
    assert found.headers["retry-after"] == "90"


def test_the_words_are_those_which_routes_declare() -> None:
    assert [declared_class(operation(kind)) for kind in OperationClass] == list(OperationClass)
    assert declared_class(None) is declared_class({}) is declared_class({OPERATION_CLASS: None}) is OperationClass.WRITE


def test_every_mode_admits_control() -> None:
    assert all(passes(Maintenance(mode), OperationClass.CONTROL) for mode in MaintenanceMode)
