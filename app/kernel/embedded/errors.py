"""What can go wrong with the embedded server, in words for the person at the terminal.

These are raised before there is an HTTP service to answer with, so they are plain exceptions. No message holds a
password.
"""


class EmbeddedServerError(RuntimeError):
    """The embedded PostgreSQL cannot be used; the message says why and what to do."""


class UnsupportedPlatformError(EmbeddedServerError):
    """The PostgreSQL 18 binaries are missing or do not run on this machine."""


class DataDirectoryError(EmbeddedServerError):
    """The data directory is of another version, of another user, not a cluster, or out of reach."""


class AddressInUseError(EmbeddedServerError):
    """The TCP port or the Unix socket belongs to another live program."""


class ServerStartError(EmbeddedServerError):
    """PostgreSQL did not come up; the message ends with the last lines of its log."""


class ServerStopError(EmbeddedServerError):
    """PostgreSQL did not go away, even when asked to stop at once."""


class AuthenticationError(EmbeddedServerError):
    """The server runs but refuses the password, which was fixed when the data directory was made."""
