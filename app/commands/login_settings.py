"""What is set for the two logins beyond their attributes, which a dump of one database does not hold.

A backup carries it as values of known names; nothing else of a login is saved, and nothing of it is ever SQL.
"""

import re
from collections.abc import Mapping
from typing import Final, Self

from pydantic import Field, model_validator

from app.kernel.quoting import quote_identifier, quote_literal
from app.kernel.schemas import StrictModel

_SWITCH: Final = r"on|off"
_TIME: Final = r"(?:0|[1-9][0-9]{0,9})(?:us|ms|s|min|h|d)?"
_SIZE: Final = r"-1|(?:0|[1-9][0-9]{0,9})(?:B|kB|MB|GB|TB)?"
_NUMBER: Final = r"-?[0-9]{1,10}(?:\.[0-9]{1,10})?"
KNOWN: Final[Mapping[str, str]] = {
    "default_transaction_read_only": _SWITCH,
    "effective_cache_size": _SIZE,
    "hash_mem_multiplier": _NUMBER,
    "idle_in_transaction_session_timeout": _TIME,
    "jit": _SWITCH,
    "lock_timeout": _TIME,
    "maintenance_work_mem": _SIZE,
    "max_parallel_workers_per_gather": _NUMBER,
    "random_page_cost": _NUMBER,
    "search_path": "pg_catalog",
    "statement_timeout": _TIME,
    "synchronous_commit": "on|off|local|remote_write|remote_apply",
    "temp_buffers": _SIZE,
    "temp_file_limit": _SIZE,
    "transaction_timeout": _TIME,
    "work_mem": _SIZE,
}
"""Names of settings that are saved, and the form of their values: limits and tuning, none of which runs anything."""


class LoginSettings(StrictModel):
    """What is set for one login."""

    connection_limit: int = Field(-1, ge=-1, le=262_143, description="Connections at once; -1 for any number.")
    settings: dict[str, str] = Field(default_factory=dict, max_length=len(KNOWN))

    @model_validator(mode="after")
    def _known(self) -> Self:
        if not all(is_known(name, value) for name, value in self.settings.items()):
            raise ValueError("a setting that no backup of Spyne holds")
        return self


def is_known(name: str, value: str) -> bool:
    """Whether a setting is one that backups hold."""
    return name in KNOWN and re.fullmatch(KNOWN[name], value) is not None


def statements(role: str, wanted: LoginSettings) -> list[str]:
    """Statements that set a login up, from known names and values of known forms alone."""
    login = f"ALTER ROLE {quote_identifier(role)}"
    return [
        f"{login} CONNECTION LIMIT {wanted.connection_limit:d}",
        *(
            f"{login} SET {quote_identifier(name)} = {quote_literal(value)}"
            for name, value in sorted(wanted.settings.items())
            if is_known(name, value)
        ),
    ]
