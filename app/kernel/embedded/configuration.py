"""The server's settings: tuned for one small machine, never at the price of durability, and with no data in the log."""

import re
from collections.abc import Mapping

from app.kernel.quoting import quote_identifier, quote_literal

FILE = "spyne.conf"
"""Included at the end of `postgresql.conf` and written anew at each start."""

DEFAULTS: Mapping[str, str] = {
    "cluster_name": "spyne",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "shared_preload_libraries": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "jit": "off",  # the wheel is built without LLVM; said here so that a server with it behaves alike
    # Durability is not for sale; large batches want few checkpoints. No lz4 or zstd in the wheel, and pglz costs more
    # time than it saves.
    "fsync": "on",
    "full_page_writes": "on",
    "wal_compression": "off",
    "checkpoint_timeout": "15min",
    "max_wal_size": "4GB",
    # Values never reach the log: no statements, no parameters, no DETAIL or CONTEXT (they quote rows), no ERROR texts
    # (they quote input). Clients still receive all of it. `log` ranks above error: start-up, recovery, checkpoints,
    # FATAL and PANIC remain.
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "logging_collector": "off",
}

_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")


def render(settings: Mapping[str, str]) -> str:
    """The text of a PostgreSQL configuration file, one setting per line.

    Raises `ValueError`: a name is no setting name, or a value has a line break or NUL.
    """
    for name, value in settings.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a PostgreSQL setting name: {name!r}")
        if any(char in value for char in "\n\r\0"):
            raise ValueError(f"the value of PostgreSQL setting {name} has a line break")
    lines = (f"{name} = " + quote_literal(value.replace("\\", "\\\\")) + "\n" for name, value in settings.items())
    return "# Written by Spyne at each start; changes here are lost.\n" + "".join(lines)


def addressing(socket_dir: str, port: int, *, tcp: bool) -> dict[str, str]:
    """The settings that place the server: a Unix socket, and the loopback interface when `tcp`."""
    return {
        "unix_socket_directories": quote_identifier(socket_dir),
        "port": str(port),
        "listen_addresses": "127.0.0.1" if tcp else "",
    }
