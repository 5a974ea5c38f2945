"""Where a command works: which database, which secret, which state directory.

With `DATABASE_URL` that server is used; without it the embedded PostgreSQL of the state directory, started when
nobody has, and stopped by the last process to leave.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass

import asyncpg
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from app.addons.knowledge.vectors.extension import make_extension
from app.commands.own_secret import ForeignSecretError, SilentDatabaseError, remember_secret, require_own_secret
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls, UnsupportedUrlError, database_urls
from app.kernel.db.database import sqlstate
from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.db.logins import OwnerRightsError
from app.kernel.embedded import EmbeddedServer, EmbeddedServerError
from app.kernel.runtime.resources import Resources
from app.kernel.security.secrets import ServiceSecret, WeakSecretError, load_secret
from app.kernel.storage.object_storage import UnsupportedStorageError
from app.settings import Settings, variable
from app.wiring import open_resources

DATABASE = "spyne"


class NoEnvironmentError(RuntimeError):
    """The command cannot work here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A database that answers, and the secret that goes with it."""

    settings: Settings
    urls: DatabaseUrls
    secret: ServiceSecret
    server: EmbeddedServer | None = None
    """The embedded PostgreSQL; None when the database is somebody else's to keep."""

    def keep_database(self) -> None:
        """Start the embedded server again if it died. Raises `NoEnvironmentError`."""
        if self.server is not None:
            try:
                self.server.revive()
            except EmbeddedServerError as error:
                raise NoEnvironmentError(str(error)) from error

    def migrate(self, revision: str = "head") -> None:
        """Make the logins and bring the schema to head, or to an earlier revision. Raises `NoEnvironmentError`."""
        with self.migrating():
            upgrade(self.urls.owner, revision)

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Logins that migrations grant to are there when the block runs; after it the database belongs to the secret.

        Raises `NoEnvironmentError`, also for what the database says to the block.
        """
        try:
            asyncio.run(migrations.prepare(self.urls.owner, self.settings.database, self.secret))
            yield
            asyncio.run(make_extension(self.urls.owner, self.settings))
            asyncio.run(remember_secret(self.urls.owner, self.secret))
        except (migrations.UnsupportedServerError, OwnerRightsError) as error:
            raise NoEnvironmentError(str(error)) from error
        except DATABASE_FAILURES as error:
            raise failed("The database cannot be migrated", error) from error

    def require_head(self) -> None:
        """Return when database and storage answer and the schema is at head. Raises `NoEnvironmentError`."""

        async def check() -> None:
            async with self.resources() as resources, resources.database.read() as session:
                await migrations.require_head(session)

        try:
            asyncio.run(check())
        except (migrations.StaleSchemaError, UnsupportedStorageError) as error:
            raise NoEnvironmentError(str(error)) from error
        except DATABASE_FAILURES as error:
            raise failed("The database cannot be used", error) from error

    @asynccontextmanager
    async def resources(self) -> AsyncIterator[Resources]:
        """The same wiring as the API's."""
        async with open_resources(self.settings, self.urls, self.secret) as resources:
            yield resources


MIGRATION_PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before further tries of a migration that found something locked: readers go on in between."""


def upgrade(url: str, revision: str) -> None:
    """Bring the schema to the revision, trying again while something holds a lock that a migration needs.

    Logins must be there: see `Environment.migrating`.
    """
    for pause in MIGRATION_PAUSES:
        try:
            migrations.upgrade(url, revision)
        except DBAPIError as error:
            if sqlstate(error) != _LOCKED:
                raise
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
        else:
            return
    migrations.upgrade(url, revision)


def failed(what: str, error: Exception) -> NoEnvironmentError:
    """What to raise for an error of the database: `what` cannot be done, why, and what may help."""
    return NoEnvironmentError(f"{what}: {_reason(error)}.{_hint(error)}")


def _reason(error: Exception) -> str:
    """What went wrong in one line: the innermost error's own words, without the statement that met it."""
    innermost: BaseException = error
    while innermost.__cause__ is not None:
        innermost = innermost.__cause__
    lines = str(innermost).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(innermost).__name__


_MAY_NOT_ENTER = ("28", "3D")
"""SQLSTATE classes: invalid authorization, no such database."""
_LOCKED = "55P03"


def _hint(error: Exception) -> str:
    state = sqlstate(error)
    if state == _LOCKED:
        return " Something holds a lock that the migration needs; nothing was changed, run it again."
    if state is not None and state.startswith(_MAY_NOT_ENTER):
        return " Check DATABASE_URL and SPYNE_SECRET; `spyne migrate` makes the logins."
    return ""


def read_settings() -> Settings:
    """The configuration. Raises `NoEnvironmentError` which names every variable that is wrong, without its value."""
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(_fault_of(error.title, fault["loc"], fault["msg"]) for fault in error.errors())
        raise NoEnvironmentError(f"The configuration has faults. {faults}.") from error


def _fault_of(group: str, location: tuple[int | str, ...], message: str) -> str:
    """The fault in words. What is wrong with several variables together names these itself."""
    said = message.removeprefix("Value error, ")
    return f"{variable(group, location)}: {said}" if location else said


@contextmanager
def open_environment(settings: Settings) -> Iterator[Environment]:
    """The configured environment, its embedded server running while the block does. Raises `NoEnvironmentError`."""
    try:
        require_own_secret(settings)
        secret = read_secret(settings)
        if settings.database.url is not None:
            yield Environment(
                settings, database_urls(settings.database.url.get_secret_value(), settings.database, secret), secret
            )
            return
        server = _embedded(settings, secret)
        with server as address:
            asyncio.run(_ensure_database(address.url("postgres")))
            urls = database_urls(address.url(DATABASE), settings.database, secret)
            yield Environment(settings, urls, secret, server)
    except SilentDatabaseError as error:
        raise NoEnvironmentError(
            "The database cannot be asked whether it belongs to a service secret, and there is none here: "
            f"{_reason(error)}.{_hint(error)} No secret was made."
        ) from error
    except (EmbeddedServerError, ForeignSecretError, WeakSecretError, UnsupportedUrlError) as error:
        raise NoEnvironmentError(str(error)) from error


def embedded_server(settings: Settings) -> EmbeddedServer:
    """The embedded server of the state directory, which need not run or be there. Raises `NoEnvironmentError`."""
    return _embedded(settings, read_secret(settings))


def _embedded(settings: Settings, secret: ServiceSecret) -> EmbeddedServer:
    return EmbeddedServer(settings.home / "postgres", password=secret.password("role:owner"))


def configured() -> AbstractContextManager[Environment]:
    """The environment that the variables of this process name. Raises `NoEnvironmentError`."""
    return open_environment(read_settings())


def read_secret(settings: Settings) -> ServiceSecret:
    """The service secret, made where there is none. Raises `NoEnvironmentError`."""
    try:
        return load_secret(settings)
    except WeakSecretError as error:
        raise NoEnvironmentError(str(error)) from error
    except OSError as error:
        raise NoEnvironmentError(f"The state directory {settings.home} cannot be used: {error.strerror}.") from error


async def _ensure_database(url: str) -> None:
    connection = await migrations.connect(url)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    except asyncpg.DuplicateDatabaseError:
        pass  # another first start was quicker
    finally:
        await connection.close()
