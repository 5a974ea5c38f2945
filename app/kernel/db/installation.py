"""Which service secret the data of an installation belongs to: a fingerprint of it, kept in the database.

What is encrypted, sealed and derived with one secret is lost under another, so whoever opens a database asks first,
over the owner's login, which does not depend on the secret. The fingerprint is 64 bits of a key that is used for
nothing else: it tells secrets apart, and gives nothing of them away.
"""

from datetime import datetime
from typing import Final

import asyncpg
from sqlalchemy import CheckConstraint, Text, func, true
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base
from app.kernel.security.secrets import ServiceSecret

PURPOSE: Final = "installation:1"

_TABLE: Final = "SELECT to_regclass('spyne.installation') IS NOT NULL"
_KNOWN: Final = "SELECT secret_fingerprint FROM spyne.installation"
_KEEP: Final = (
    "INSERT INTO spyne.installation (secret_fingerprint) VALUES ($1) ON CONFLICT (single) DO UPDATE "
    "SET secret_fingerprint = excluded.secret_fingerprint, secret_since = now() "
    "WHERE installation.secret_fingerprint <> excluded.secret_fingerprint"
)


class Installation(Base):
    """The one row about the installation itself."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("single", name="one_row"), {"comment": "The installation: one row"})

    single: Mapped[bool] = mapped_column(primary_key=True, server_default=true(), comment="True: there is one row")
    secret_fingerprint: Mapped[str] = mapped_column(
        Text, comment="By which the service secret is known, in hexadecimal"
    )
    secret_since: Mapped[datetime] = mapped_column(server_default=func.now(), comment="Since when this is the secret")


async def known_fingerprint(connection: asyncpg.Connection) -> str | None:
    """The fingerprint of the secret that the database belongs to; None while it belongs to none."""
    if not await connection.fetchval(_TABLE):
        return None
    found: str | None = await connection.fetchval(_KNOWN)
    return found


def belongs(fingerprint: str, secret: ServiceSecret) -> bool:
    """Whether the secret is the one of the fingerprint, or follows on it (`SPYNE_SECRET_PREVIOUS`)."""
    known = [secret] if secret.previous is None else [secret, secret.previous]
    return any(each.fingerprint(PURPOSE) == fingerprint for each in known)


async def keep_fingerprint(connection: asyncpg.Connection, secret: ServiceSecret) -> None:
    """Let the database belong to the secret; `belongs` was asked before. Nothing before the migration of the table."""
    if await connection.fetchval(_TABLE):
        await connection.execute(_KEEP, secret.fingerprint(PURPOSE))
