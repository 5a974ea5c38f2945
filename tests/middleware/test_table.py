"""The built application has the layers of the table, in its order, and all of them work together."""

import io
import json

import pytest
from fastapi import FastAPI, Request
from starlette.middleware.base import BaseHTTPMiddleware

from app.kernel.correlation import correlation_id
from app.kernel.security.policy import SecurityPolicy, UploadPolicy
from app.kernel.telemetry.logging import configure_logging
from app.middleware.body_limit import BodyLimit
from app.middleware.table import FORM_BYTES, ORDER, body_classes, middleware
from app.operations.security.edge.edge_state import Edge
from app.settings import AddonSettings, IngestionSettings, ServerSettings, Settings
from tests.middleware.asgi import AlwaysNormal, call

SETTINGS = Settings(
    server=ServerSettings(max_body_bytes=50, max_in_flight=3), ingestion=IngestionSettings(max_batch_bytes=500)
)


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI(middleware=middleware(SETTINGS, AlwaysNormal(), Edge()))

    @app.get("/seen")
    async def seen(request: Request) -> dict[str, str | None]:
        return {"role": request.headers.get("x-user-role"), "correlation_id": correlation_id()}

    @app.post("/api/ingestion/{contract_id}/batches")
    async def upload(contract_id: str, request: Request) -> int:
        assert contract_id
        return len(await request.body())

    @app.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError

    return app


def names(app: FastAPI) -> list[str]:
    found, layer = [], app.build_middleware_stack()
    while layer is not None:
        found.append(type(layer).__name__)
        layer = getattr(layer, "app", None)  # type: ignore[assignment]  # the innermost has none
    return found


def test_the_order(app: FastAPI) -> None:
    ours = [layer.__name__ for layer in ORDER]
    assert ours == [
        "AnswerHeaders",
        "Boundary",
        "OneSpelling",
        "Admission",
        "WellFormed",
        "BodyLimit",
        "HeaderScrub",
        "ClientAddress",
        "Correlation",
        "Observation",
        "Gate",
        "Credentials",
        "RateLimit",
        "ReadOnlyShield",
        "HeadAsGet",
    ]
    assert [name for name in names(app) if name in ours] == ours


def test_all_layers_are_pure_asgi() -> None:
    assert not any(issubclass(layer, BaseHTTPMiddleware) for layer in ORDER)


async def test_a_request_through_all_layers(app: FastAPI) -> None:
    answer = await call(app, path="/seen", headers=[(b"x-user-role", b"ADMIN"), (b"x-request-id", b"mine")])
    assert json.loads(answer.body) == {"role": None, "correlation_id": "mine"}
    assert answer.all("x-request-id") == ["mine"]


async def test_limits_by_path(app: FastAPI) -> None:
    assert (await call(app, "POST", "/api/ingestion/e_v1/batches", chunks=[b"x" * 100] * 5)).body == b"500"
    assert (await call(app, "POST", "/api/ingestion/e_v1/batches", chunks=[b"x" * 100] * 6)).status == 413
    assert (await call(app, "POST", "/seen", [(b"content-length", b"51")])).status == 413


async def test_a_bug_is_counted_logged_and_answered(app: FastAPI) -> None:
    stream = io.BytesIO()
    configure_logging(ServerSettings(), stream)
    answer = await call(app, path="/bug", headers=[(b"x-request-id", b"mine")])
    assert answer.status == 500
    assert answer.problem["correlation_id"] == "mine"
    assert answer.all("x-request-id") == ["mine"]
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["request", "unhandled exception"]
    assert {line["correlation_id"] for line in lines} == {"mine"}


@pytest.mark.parametrize(
    ("path", "bound", "lowered"),
    [
        ("/api/ingestion/x_v1/batches", 500, 7),
        ("/api/addons/requests/1/samples", 2_048 + FORM_BYTES, 9),
        ("/api/addons/requests/1/revisions", 1_024 + FORM_BYTES, 9),
        ("/api/addons/requests/1/submit", 50, 5),
        ("/api/addons/requests/1/samples/2", 50, 5),
        ("/api/tables", 50, 5),
    ],
)
def test_each_class_of_bodies_has_a_bound_that_the_policy_may_lower(path: str, bound: int, lowered: int) -> None:
    addons = AddonSettings(max_sample_bytes=2_048, max_package_bytes=1_024)
    classes = body_classes(SETTINGS.model_copy(update={"addons": addons}))
    policy = SecurityPolicy()
    limit = BodyLimit(FastAPI(), 50, classes, lambda: policy)
    assert limit.limit_of(path) == bound
    policy = SecurityPolicy(uploads=UploadPolicy(max_body_bytes=5, max_batch_bytes=7, max_sample_bytes=9))
    assert limit.limit_of(path) == lowered
    policy = SecurityPolicy(uploads=UploadPolicy(max_body_bytes=2**40, max_batch_bytes=2**40, max_sample_bytes=2**40))
    assert limit.limit_of(path) == bound
