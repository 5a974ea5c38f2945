"""Errors by which a unit of work fails without being at fault: retried, put off or answered as unavailable."""

from typing import Final

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.problems import Problem

DRIVER_FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Raised by the driver. The last one is what asyncpg says when a backend dies between two messages of a statement: its
state is another than the one that should follow. No connection of ours is used by two at once, which says the same."""

DATABASE_FAILURES: Final = (SQLAlchemyError, *DRIVER_FAILURES, OSError, TimeoutError)
"""Raised by SQLAlchemy, by its driver, or on the way to the server. Files of ours fail with an OSError too."""

FAILURES: Final = (*DATABASE_FAILURES, Problem)
"""These, and refusals of ours: the shield is up, or a limit is reached."""
