"""`alembic` and `spyne db` as processes, as a shell starts them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from app.kernel.db import migrations
from tests.processes import Installation
from tests.spawning import completed

ROOT = Path(__file__).resolve().parents[3]


def alembic(place: Installation, *arguments: str, code: int = 0) -> str:
    """What `alembic` answers in the checkout, or what it says of a fault, when it has ended with this code."""
    return _said(place, "alembic", arguments, code)


def spyne(place: Installation, *arguments: str, code: int = 0) -> str:
    """What `spyne` answers, or what it says of a fault, when it has ended with this code."""
    return _said(place, "app.cli", arguments, code)


def _said(place: Installation, module: str, arguments: tuple[str, ...], code: int) -> str:
    done = completed(module, *arguments, env=place._environment, cwd=ROOT)
    assert done.returncode == code, (module, arguments, done.returncode, done.stdout[-3000:], done.stderr[-3000:])
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def asked(url: str, doing: Callable[[asyncpg.Connection], Any]) -> Any:
    """What is answered over a connection of the owner, for tests that have no event loop."""

    async def work() -> Any:
        connection = await migrations.connect(url)
        try:
            return await doing(connection)
        finally:
            await connection.close()

    return asyncio.run(work())


def value(url: str, query: str) -> Any:
    """The one value that the owner is answered."""
    return asked(url, lambda connection: connection.fetchval(query))
