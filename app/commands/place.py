"""Where a command works: which database, which secret, which state directory.

With `DATABASE_URL` that server is used; without it the embedded PostgreSQL of the state directory, started when
nobody has, and stopped by the last process to leave.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import asyncpg

from app.kernel import migrations
from app.kernel.connections import DatabaseUrls, UnsupportedUrlError, database_urls
from app.kernel.embedded import EmbeddedServer, EmbeddedServerError
from app.kernel.resources import Resources
from app.kernel.secrets import ServiceSecret, WeakSecretError, load_secret
from app.registry import open_resources
from app.settings import Settings

DATABASE = "spyne"


class PlaceError(RuntimeError):
    """The command cannot work here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database that answers, and the secret that goes with it."""

    settings: Settings
    urls: DatabaseUrls
    secret: ServiceSecret

    def migrate(self) -> None:
        """Make the logins and bring the schema to head. Raises `PlaceError`."""
        try:
            asyncio.run(migrations.prepare(self.urls.owner, self.settings.database, self.secret))
            migrations.upgrade(self.urls.owner)
        except migrations.UnsupportedServerError as error:
            raise PlaceError(str(error)) from error
        except (asyncpg.PostgresError, OSError) as error:
            raise PlaceError(f"The database cannot be migrated: {error}") from error

    def require_head(self) -> None:
        """Return when the schema is at head. Raises `PlaceError`."""

        async def check() -> None:
            async with self.resources() as resources, resources.database.read() as session:
                await migrations.require_head(session)

        try:
            asyncio.run(check())
        except migrations.StaleSchemaError as error:
            raise PlaceError(str(error)) from error

    @asynccontextmanager
    async def resources(self) -> AsyncIterator[Resources]:
        """The same wiring as the API's."""
        async with open_resources(self.settings, self.urls, self.secret) as resources:
            yield resources


@contextmanager
def open_place(settings: Settings) -> Iterator[Place]:
    """The configured place, its embedded server running while the block does. Raises `PlaceError`."""
    try:
        secret = load_secret(settings)
        if settings.database.url is not None:
            yield Place(
                settings, database_urls(settings.database.url.get_secret_value(), settings.database, secret), secret
            )
            return
        with EmbeddedServer(settings.home / "postgres", password=secret.password("role:owner")) as address:
            asyncio.run(_ensure_database(address.url("postgres")))
            yield Place(settings, database_urls(address.url(DATABASE), settings.database, secret), secret)
    except (EmbeddedServerError, WeakSecretError, UnsupportedUrlError) as error:
        raise PlaceError(str(error)) from error


async def _ensure_database(url: str) -> None:
    connection = await migrations.connect(url)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    except asyncpg.DuplicateDatabaseError:
        pass  # another first start was quicker
    finally:
        await connection.close()
