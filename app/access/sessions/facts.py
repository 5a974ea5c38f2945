"""What a log-in's request says about itself, as far as it is kept."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from app.audit.log.diffs import clean
from app.audit.log.origin import note_client
from app.kernel.security.credential_headers import cookies_in

MAX_USER_AGENT = 256
"""Characters kept; enough for every browser, and nothing to fill a table with."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """Where a log-in comes from."""

    address: str | None = None
    user_agent: str | None = None
    cookies: tuple[str, ...] = ()
    """Sessions that the browser brought along; a log-in replaces them. Secrets."""


def facts_of(request: HTTPConnection) -> RequestFacts:
    """The facts of a request."""
    agent = request.headers.get("user-agent")
    return RequestFacts(
        address=note_client(request.scope),
        user_agent=clean(agent)[:MAX_USER_AGENT] if agent else None,
        cookies=tuple(value.decode("latin-1") for value in cookies_in(request.scope["headers"])),
    )
