"""The database of an `alembic` command line, which is that of `spyne` commands: `DATABASE_URL`, or the embedded server.

A server of the state directory is started when nobody has, shared with a service that runs, and stopped by the last
to leave. `alembic/env.py` calls this module where no program hands a URL in.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.config import fileConfig

from alembic.config import Config

from app.commands import process
from app.commands.environment import DATABASE, NoEnvironmentError, configured, embedded_server, failed, read_settings
from app.commands.own_secret import ForeignSecretError, require_own_secret
from app.kernel.db.connections import UnsupportedUrlError, owner_url
from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.db.migrations import DatabaseAccess
from app.kernel.embedded import EmbeddedServerError
from app.kernel.security.secrets import has_secret
from app.settings import Settings


def run(config: Config, access: DatabaseAccess, command: Callable[[str], None]) -> None:
    """Run the command with the owner's URL.

    Raises `SystemExit`: what keeps the command from its work, in one line, and exit code 1.
    """
    process.begin()
    if config.config_file_name is not None:
        fileConfig(config.config_file_name, disable_existing_loggers=False)
    try:
        with (changed if access is DatabaseAccess.CHANGE else looked_at)() as url:
            command(url)
    except NoEnvironmentError as error:
        sys.exit(f"alembic: {error}")


@contextmanager
def changed() -> Iterator[str]:
    """The owner's URL of the configured database, made where there is none, its logins too.

    Raises `NoEnvironmentError`, also for what the database says to the block.
    """
    with configured() as here, here.migrating():
        yield here.urls.owner


@contextmanager
def looked_at() -> Iterator[str]:
    """The owner's URL of the configured database. Nothing is made: no secret, no server, no login.

    Raises `NoEnvironmentError`, also for what the database says to the block.
    """
    settings = read_settings()
    try:
        if settings.database.url is not None:
            yield owner_url(settings.database.url.get_secret_value()).render_as_string(hide_password=False)
            return
        require_own_secret(settings)
        with _existing_server(settings) as url:
            yield url
    except (EmbeddedServerError, ForeignSecretError, UnsupportedUrlError) as error:
        raise NoEnvironmentError(str(error)) from error
    except DATABASE_FAILURES as error:
        raise failed("The database cannot be used", error) from error


@contextmanager
def _existing_server(settings: Settings) -> Iterator[str]:
    server = embedded_server(settings) if has_secret(settings) else None
    if server is None or not server.exists():
        raise NoEnvironmentError(
            f"There is no database in {settings.home} yet: `alembic upgrade head` or `spyne migrate` makes it, and "
            "DATABASE_URL names one that is elsewhere."
        )
    with server as address:
        yield address.url(DATABASE)
