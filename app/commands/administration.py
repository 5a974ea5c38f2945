"""Administration from the terminal: the same use cases as over HTTP, done by the system itself and audited so."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from app.access.clients.service import ClientService
from app.access.users.service import UserService
from app.commands.environment import Environment
from app.kernel.db.database import OperationClass
from app.kernel.security.authorization import SYSTEM

FIRST_ADMIN = "The first administrator, shown this once:"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A fresh login; the password is None when the caller chose it."""

    username: str
    password: str | None = field(repr=False)

    def shown(self, title: str) -> str:
        """For the terminal alone, this once."""
        return f"\n{title}\n\n  username  {self.username}\n  password  {self.password or '(as given)'}\n"


async def first_admin(place: Environment) -> Credentials | None:
    """The first administrator, made when there is no user at all; else None."""
    async with place.resources() as resources:
        made = await resources.database.run(
            lambda session: resources.build(UserService, session).ensure_first_admin(), OperationClass.CONTROL
        )
        return Credentials(*made) if made else None


async def create_admin(place: Environment, username: str, password: str | None) -> Credentials:
    """A new administrator. Raises the access plane's problems."""
    async with place.resources() as resources, resources.database.write(OperationClass.CONTROL) as session:
        name, chosen = await resources.build(UserService, session).create_admin(username, password)
    return Credentials(name, None if password is not None else chosen)


async def create_client(place: Environment, name: str, roles: Sequence[str]) -> str:
    """The key of a new API client. Raises the access plane's problems."""
    async with place.resources() as resources, resources.database.write(OperationClass.CONTROL) as session:
        clients = resources.build(ClientService, session)
        created = await clients.create(SYSTEM, name, roles)
        _, key = await clients.issue_key(SYSTEM, created.id)
    return key


async def demo_key(place: Environment, name: str) -> str:
    """A key for one day of the demonstration's own client, who is made the first time."""
    async with place.resources() as resources, resources.database.write(OperationClass.CONTROL) as session:
        clients = resources.build(ClientService, session)
        client = await clients.find(name) or await clients.create(SYSTEM, name, ["ADMIN"])
        _, key = await clients.issue_key(SYSTEM, client.id, resources.clock() + timedelta(days=1))
    return key
