"""The application: lifespan, middleware table, routers. Nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from app.kernel.db.connections import DatabaseUrls, database_urls
from app.kernel.db.migrations import require_head
from app.kernel.http.errors import install_problem_handlers
from app.kernel.http.openapi import describe, serve_docs
from app.kernel.runtime.background import background
from app.kernel.security.secrets import ServiceSecret, has_secret, load_secret
from app.kernel.telemetry.logging import configure_logging
from app.kernel.telemetry.metrics import joined
from app.kernel.telemetry.span_export import exporting
from app.middleware.table import middleware
from app.operations.health.checkup import Checkup
from app.operations.metrics.prometheus import process_gauges
from app.operations.metrics.serving import Facts, metrics_served
from app.operations.modes.shield import ModeWatch
from app.operations.security.edge.edge_state import Edge
from app.settings import Settings
from app.wiring import api_background, open_resources, routers


def create_app(
    settings: Settings | None = None, urls: DatabaseUrls | None = None, secret: ServiceSecret | None = None
) -> FastAPI:
    """The service, of the environment's settings where none are given; it starts on a database at head alone."""
    settings = settings or Settings()
    configure_logging(settings.server)  # before the layers of the door bind their loggers
    modes = ModeWatch()
    counted_in = settings.rate_limit.storage_url
    edge = Edge(None if counted_in is None else counted_in.get_secret_value())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        used_secret = secret or _present_secret(settings)
        used_urls = urls or _configured_urls(settings, used_secret)
        async with exporting(settings.tracing, "api"), open_resources(settings, used_urls, used_secret) as resources:
            async with resources.database.read() as session:
                await require_head(session)
            app.state.resources = resources
            app.state.doors = modes
            app.state.checkup = resources.build(Checkup, modes)
            app.state.gauges = process_gauges(resources)
            resources.extensions.add(modes, edge)
            whole = joined(Facts(resources.database), app.state.gauges)
            with metrics_served(settings.server.metrics_host, settings.server.metrics_port, whole):
                async with background(api_background(), resources):
                    yield
                    app.state.checkup.leaving = True

    app = FastAPI(
        title="Spyne",
        version=version("spyne"),
        summary="The safe door between outside data and the people who query it.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # app/kernel/http/openapi.py serves it
        redirect_slashes=False,  # both spellings are served: app/middleware/equivalents.py
        middleware=middleware(settings, modes, edge),
        # Flat, not by `include_router`, which matches the routes of an included router twice on every request: 150
        # routes in 15 routers cost 18 to 50 % more CPU per request, by their place (see tests/test_routing.py).
        routes=[route for router in routers() for route in router.routes],
    )
    install_problem_handlers(app)
    serve_docs(app)
    describe(app)
    return app


def _present_secret(settings: Settings) -> ServiceSecret:
    """The secret that is here; none is made: the logins of a database at head were made with one already."""
    if not has_secret(settings):
        raise RuntimeError("There is no service secret here. `spyne run` and `spyne migrate` make one.")
    return load_secret(settings)


def _configured_urls(settings: Settings, secret: ServiceSecret) -> DatabaseUrls:
    if settings.database.url is None:
        raise RuntimeError("DATABASE_URL is not set. `spyne run` starts the embedded PostgreSQL and sets it.")
    return database_urls(settings.database.url.get_secret_value(), settings.database, secret)
