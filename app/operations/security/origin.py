"""Where the caller of an operation is, for the questions whether a change would shut them out."""

from typing import Annotated

from fastapi import Depends, Request

from app.kernel.addresses import plain_address
from app.operations.security.edge.blocking import is_loopback


async def _own_address(request: Request) -> str | None:
    client = request.client
    address = plain_address(client.host) if client else None
    if address is None or (is_loopback(address) and "x-forwarded-for" in request.headers):
        return None  # behind a proxy that nobody has declared trusted: it could be anybody
    return str(address)


OwnAddress = Annotated[str | None, Depends(_own_address)]
"""The caller's address; None when it is not known."""
