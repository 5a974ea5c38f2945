"""Errors by which a unit of work fails without being at fault: retried, put off or answered as unavailable."""

from typing import Final

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.problems import Problem

DATABASE_FAILURES: Final = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""Raised by SQLAlchemy, by its driver, or on the way to the server. Files of ours fail with an OSError too."""

FAILURES: Final = (*DATABASE_FAILURES, Problem)
"""These, and refusals of ours: the shield is up, or a limit is reached."""
