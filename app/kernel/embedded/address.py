"""Where a running server is reached, in the forms its clients want. The password never shows in a repr."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode


@dataclass(frozen=True)
class ServerAddress:
    """A server's Unix socket (always) and TCP address (when asked for), with the owner's login."""

    socket_dir: Path
    port: int
    user: str
    password: str = field(repr=False)
    tcp_host: str | None = None

    def connect_kwargs(
        self, database: str = "postgres", *, user: str | None = None, password: str | None = None
    ) -> dict[str, Any]:
        """Arguments for asyncpg; the owner's login unless another is given."""
        return {
            "host": str(self.socket_dir),
            "port": self.port,
            "user": user or self.user,
            "password": password or self.password,
            "database": database,
        }

    def url(self, database: str = "postgres", *, user: str | None = None, password: str | None = None) -> str:
        """A SQLAlchemy URL, `postgresql+asyncpg://user:password@/database?host=<socket dir>&port=<port>`."""
        login = f"{quote(user or self.user, safe='')}:{quote(password or self.password, safe='')}"
        where = urlencode({"host": str(self.socket_dir), "port": self.port}, quote_via=quote)
        return f"postgresql+asyncpg://{login}@/{quote(database, safe='')}?{where}"
