"""People and services for tests, made through the service's own use cases."""

import itertools

from app.access.service import AccessService

from app.kernel.authorization import SYSTEM
from app.kernel.resources import Resources

_numbers = itertools.count()
PASSWORD = "correct horse battery staple"


class Identities:
    """Makes users on one database and tokens for them."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def user(self, *roles: str) -> str:
        """The name of a fresh user who holds the roles; the password is `PASSWORD`."""
        name = f"{'-'.join(role.lower() for role in roles) or 'nobody'}-{next(_numbers)}"
        async with self._resources.database.write() as session:
            await AccessService(session, self._resources).create_user(SYSTEM, name, PASSWORD, roles)
        return name

    async def token(self, *roles: str) -> str:
        """An access token of a fresh user who holds the roles."""
        raise NotImplementedError
