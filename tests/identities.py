"""People and services for tests, made through the service's own use cases."""

import itertools
from collections.abc import Sequence
from uuid import UUID

from app.access.clients.service import ClientService
from app.access.credentials.tokens import AccessTokens
from app.access.subjects import user_subject
from app.access.users.service import UserService
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM

_numbers = itertools.count()
PASSWORD = "correct horse battery staple"


class Identities:
    """Makes users, clients and tokens on one database."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._tokens = AccessTokens(resources.secret, resources.settings.access)

    async def user(self, *roles: str) -> tuple[str, UUID]:
        """Name and id of a fresh user who holds the roles; the password is `PASSWORD`."""
        name = f"{'-'.join(role.lower() for role in roles) or 'nobody'}-{next(_numbers)}"
        async with self._resources.database.write() as session:
            user = await self._resources.build(UserService, session).create(SYSTEM, name, PASSWORD, roles)
        return name, user.id

    async def token(self, *roles: str) -> str:
        """An access token of a fresh user who holds the roles."""
        _, id_ = await self.user(*roles)
        return self._tokens.issue(user_subject(id_), self._resources.clock()).text

    async def api_key(self, *roles: str) -> str:
        """A key of a fresh API client which holds the roles."""
        return await self.key_of(await self.client(*roles))

    async def client(self, *roles: str) -> UUID:
        """The id of a fresh API client which holds the roles."""
        async with self._resources.database.write() as session:
            clients = self._resources.build(ClientService, session)
            return (await clients.create(SYSTEM, f"client-{next(_numbers)}", roles)).id

    async def key_of(self, client_id: UUID, scopes: Sequence[str] | None = None) -> str:
        """A fresh key of the client, narrowed to the scopes if there are any."""
        async with self._resources.database.write() as session:
            clients = self._resources.build(ClientService, session)
            return (await clients.issue_key(SYSTEM, client_id, scopes=scopes)).text
