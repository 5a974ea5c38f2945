"""The use cases of access on one transaction, for tests that change something in a line."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.access.clients.service import ClientService
from app.access.credentials.revocation import TokenRevocation
from app.access.users.service import UserService
from app.kernel.runtime.resources import Resources


@dataclass(frozen=True)
class Administration:
    users: UserService
    clients: ClientService
    tokens: TokenRevocation


Change = Callable[[Callable[[Administration], Awaitable[Any]]], Awaitable[Any]]


async def change(resources: Resources, what: Callable[[Administration], Awaitable[Any]]) -> Any:
    """What it answers, in a transaction of its own."""
    return await resources.database.run(
        lambda session: what(
            Administration(
                resources.build(UserService, session),
                resources.build(ClientService, session),
                resources.build(TokenRevocation, session),
            )
        )
    )
