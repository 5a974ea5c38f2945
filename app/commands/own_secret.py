"""Whether the service secret here is the one that the data belongs to, asked before anything is written.

Without this, a secret file that was lost would be replaced by a fresh one, and a wrong SPYNE_SECRET would be given to
the logins: what is encrypted could be read by nobody any more, and nobody would have said so.
"""

import asyncio
from typing import Final

from sqlalchemy import URL

from app.kernel.db import migrations
from app.kernel.db.connections import owner_url
from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.db.installation import belongs, keep_fingerprint, known_fingerprint
from app.kernel.security.secrets import ServiceSecret, has_secret, load_secret
from app.settings import Settings

_BRING: Final = "Bring the secret back: SPYNE_SECRET, or its file at {file}. Nothing was changed."


class ForeignSecretError(RuntimeError):
    """The data here belongs to another service secret; the message says what to do."""


class SilentDatabaseError(RuntimeError):
    """Whether the database belongs to a secret cannot be asked, and there is none here; the cause says why."""


def require_own_secret(settings: Settings) -> None:
    """Return when there is no data yet, or it belongs to the secret that is here. Makes no secret.

    Raises:
        ForeignSecretError: it belongs to another, or to one that is not here.
        SilentDatabaseError: there is no secret here, and the database cannot be asked.
        WeakSecretError: the secret that is here cannot be one.
        UnsupportedUrlError: DATABASE_URL cannot be used.
    """
    present = has_secret(settings)
    bring = _BRING.format(file=settings.home / "secret")
    if settings.database.url is None:
        if not present and _has_data(settings):
            raise ForeignSecretError(
                f"There is a database in {settings.home}, but not the service secret that it was made with. {bring}"
            )
        return
    try:
        known = asyncio.run(_known(owner_url(settings.database.url.get_secret_value())))
    except DATABASE_FAILURES as error:
        if present:
            return  # whoever needs the database says better what is wrong
        raise SilentDatabaseError from error
    if known is None:
        return
    if not present:
        raise ForeignSecretError(
            f"The database at DATABASE_URL belongs to an installation whose service secret is not here. {bring}"
        )
    if not belongs(known, load_secret(settings)):
        raise ForeignSecretError(
            "The database at DATABASE_URL belongs to another service secret than the one here: nothing encrypted could "
            f"be read, and no audit seal verified. {bring} To change the secret on purpose, set SPYNE_SECRET_PREVIOUS "
            "to the one before and run `spyne migrate`."
        )


def _has_data(settings: Settings) -> bool:
    """Whether the embedded server has been here: its directory is made whole, or not at all."""
    postgres = settings.home / "postgres"
    return postgres.is_symlink() or (postgres.is_dir() and any(postgres.iterdir()))


async def _known(url: URL) -> str | None:
    connection = await migrations.connect(url.render_as_string(hide_password=False))
    try:
        return await known_fingerprint(connection)
    finally:
        await connection.close()


async def remember_secret(url: str, secret: ServiceSecret) -> None:
    """Let the migrated database of the owner's URL belong to the secret."""
    connection = await migrations.connect(url)
    try:
        await keep_fingerprint(connection, secret)
    finally:
        await connection.close()
