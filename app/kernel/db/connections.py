"""Addresses of the one database, as its three logins see it."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import URL, make_url

from app.kernel.security.secrets import ServiceSecret
from app.settings import DatabaseSettings

DRIVER = "postgresql+asyncpg"
DIALECT: Any = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # has no types of its own
_OF_SQLALCHEMY = ("async_fallback", "prepared_statement_cache_size", "prepared_statement_name_func")
"""What a URL may say to SQLAlchemy's dialect, which keeps it from the driver."""
SCHEMES = ("postgresql", "postgres")
"""How a URL may begin: libpq knows both, and hosting services hand out the shorter one."""


class UnsupportedUrlError(ValueError):
    """`DATABASE_URL` is not a PostgreSQL address for asyncpg."""


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """SQLAlchemy URLs; they hold passwords, so they never show themselves."""

    owner: str = field(repr=False)
    app: str = field(repr=False)
    query: str = field(repr=False)


def owner_url(text: str) -> URL:
    """The owner's URL for our driver, from `DATABASE_URL`. Raises `UnsupportedUrlError`."""
    try:
        owner = make_url(text)
    except Exception as error:
        raise UnsupportedUrlError(
            "DATABASE_URL is not an address; it looks like postgresql+asyncpg://user:password@host:5432/database."
        ) from error
    if owner.get_backend_name() not in SCHEMES:
        raise UnsupportedUrlError(f"DATABASE_URL names {owner.get_backend_name()}; Spyne runs on PostgreSQL alone.")
    return owner.set(drivername=DRIVER)


def database_urls(given: str, settings: DatabaseSettings, secret: ServiceSecret) -> DatabaseUrls:
    """The three logins' URLs, from `DATABASE_URL`, which is the owner's. Raises `UnsupportedUrlError`."""
    owner = owner_url(given)

    def login(role: str) -> str:
        return owner.set(username=role, password=secret.password(f"role:{role}")).render_as_string(hide_password=False)

    return DatabaseUrls(
        owner=owner.render_as_string(hide_password=False),
        app=login(settings.app_role),
        query=login(settings.query_role),
    )


def driver_arguments(url: str) -> dict[str, Any]:
    """The arguments with which `asyncpg` connects as an engine of this SQLAlchemy URL does, its `ssl` included."""
    _, arguments = DIALECT.create_connect_args(make_url(url))
    return {name: value for name, value in arguments.items() if name not in _OF_SQLALCHEMY}
