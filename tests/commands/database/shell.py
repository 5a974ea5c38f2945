"""`alembic` and `spyne db` as processes, as a shell starts them."""

import asyncio
import shutil
import subprocess
import sys
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


class Checkout:
    """A copy of what Alembic works with, in which new revisions may be written."""

    def __init__(self, folder: Path) -> None:
        self.configuration = folder / "alembic.ini"
        self.versions = folder / "alembic" / "versions"
        shutil.copytree(ROOT / "alembic", folder / "alembic", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("alembic.ini", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)

    def run(self, place: Installation, *arguments: str, code: int = 0) -> str:
        return alembic(place, "-c", str(self.configuration), *arguments, code=code)

    @staticmethod
    def passes_ruff(file: Path) -> bool:
        return all(
            subprocess.run([sys.executable, "-m", "ruff", *step, file], check=False).returncode == 0
            for step in (("check", "--quiet"), ("format", "--check", "--quiet"))
        )
