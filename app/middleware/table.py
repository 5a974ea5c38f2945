"""The layers around every request, outermost first; a test asserts the order."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.middleware import Middleware

from app.middleware.admission import Admission
from app.middleware.answers import AnswerHeaders
from app.middleware.body_limit import BodyClass, BodyLimit
from app.middleware.boundary import Boundary
from app.middleware.client_address import ClientAddress
from app.middleware.correlation import Correlation
from app.middleware.credentials import Credentials
from app.middleware.equivalents import HeadAsGet, OneSpelling
from app.middleware.headers import HeaderScrub
from app.middleware.ip_filter import Gate
from app.middleware.observation import Observation
from app.middleware.rate_limit import RateLimit
from app.middleware.shield import ModeSource, ReadOnlyShield
from app.middleware.wellformed import WellFormed
from app.operations.security.edge.edge_state import Edge
from app.settings import Settings

KNOWLEDGE_BYTES: Final = (20 * 1024 + 64) * 1024
"""Of an upload: the file of 20 MiB, the fields, and what stands around them (app/addons/knowledge/upload_form.py)."""

ORDER: Final[tuple[Any, ...]] = (
    AnswerHeaders,  # what every answer says to browsers
    Boundary,  # 500, whatever raised
    OneSpelling,  # of paths: a slash at the end makes no difference
    Admission,  # 503, bounded in-flight
    WellFormed,  # 400, 414, 431: addresses and heads that no operation can read
    BodyLimit,  # 413, by received bytes
    HeaderScrub,
    ClientAddress,  # who is behind our own proxies
    Correlation,
    Observation,  # metrics and the access-log line
    Gate,  # 403, blocks and allowed networks
    Credentials,  # what the caller shows, read once
    RateLimit,  # 429
    ReadOnlyShield,  # 503, while the mode does not admit
    HeadAsGet,  # without a body, and without a trace
)


FORM_BYTES: Final = 64 * 1024
"""What a multipart form may have around its file: boundaries and headers take less than one of a hundred of that."""


def body_classes(settings: Settings) -> tuple[BodyClass, ...]:
    """The operations that read large bodies as they arrive, each with the bound of its own."""
    sample, package = settings.addons.max_sample_bytes + FORM_BYTES, settings.addons.max_package_bytes + FORM_BYTES
    return (
        BodyClass(
            "/api/ingestion/", "/batches", settings.ingestion.max_batch_bytes, lambda uploads: uploads.max_batch_bytes
        ),
        BodyClass("/api/addons/requests/", "/samples", sample, lambda uploads: uploads.max_sample_bytes),
        BodyClass("/api/addons/requests/", "/revisions", package, lambda uploads: uploads.max_sample_bytes),
        BodyClass("/api/knowledge/", "/documents", KNOWLEDGE_BYTES, lambda uploads: uploads.max_sample_bytes),
    )


def middleware(settings: Settings, modes: ModeSource, edge: Edge) -> list[Middleware]:
    """The layers, for `FastAPI(middleware=…)`; `modes` and `edge` are as this process saw them last."""
    uploads = body_classes(settings)
    arguments: Mapping[Any, dict[str, Any]] = {
        Admission: {
            "max_in_flight": settings.server.max_in_flight,
            "max_body_bytes": settings.server.max_body_bytes,
            "uploads": uploads,
        },
        BodyLimit: {"max_bytes": settings.server.max_body_bytes, "classes": uploads, "policy": edge.policy_now},
        ClientAddress: {"trusted_proxies": settings.server.trusted_proxies},
        Gate: {"edge": edge},
        RateLimit: {"edge": edge},
        ReadOnlyShield: {"modes": modes},
    }
    return [Middleware(layer, **arguments.get(layer, {})) for layer in ORDER]
