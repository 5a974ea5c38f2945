"""One call of an endpoint: JSON to an address below its base URL, within bounds, never tried again.

Names are resolved and addresses checked by the guarded client, which follows no redirect and takes no proxy from the
environment. Keys go into the headers of the request and nowhere else.
"""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import msgspec

from app.addons.knowledge.vectors.outcome import NoVectors, Obstacle
from app.kernel.http.client import (
    OutboundFailed,
    OutboundHttp,
    OutboundPolicy,
    OutboundRefused,
    OutboundTimeout,
    OutboundTooLarge,
)
from app.setting_groups import EndpointGroup


async def post(
    settings: EndpointGroup, path: str, document: Mapping[str, Any], headers: Mapping[str, str], *, most_bytes: int
) -> bytes | NoVectors:
    """The body of the answer, or why there is none.

    Args:
        settings: where the endpoint is, and what may be called.
        path: below the base URL.
        document: what is sent.
        headers: of the request, the key among them.
        most_bytes: of the answer.
    """
    policy = OutboundPolicy(
        schemes=frozenset({"https", "http"} if settings.allow_http else {"https"}),
        networks=settings.allowed_networks,
        deadline=timedelta(seconds=settings.timeout_seconds),
        max_body_bytes=most_bytes,
    )
    url = f"{(settings.url or '').rstrip('/')}/{path}"
    sent = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    try:
        async with OutboundHttp(policy) as http:
            answer = await http.request("POST", url, headers=sent, content=msgspec.json.encode(document))
    except OutboundTimeout:
        return NoVectors(Obstacle.TIMEOUT)
    except OutboundTooLarge:
        return NoVectors(Obstacle.TOO_LARGE)
    except (OutboundRefused, OutboundFailed):
        return NoVectors(Obstacle.UNREACHABLE)
    if answer.status != HTTPStatus.OK:
        return NoVectors(Obstacle.STATUS, status=answer.status)
    return answer.body
