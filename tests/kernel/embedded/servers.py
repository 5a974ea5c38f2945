"""What the tests of the embedded server share: options, and questions to a running server."""

import os
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.kernel.embedded import ServerAddress, postmaster

PASSWORD = "p w'\\%@/:ü"
FAST = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"}
IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="needs root to become another user")


def said_ready(process: "subprocess.Popen[str]") -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "ready\n"


def pid_of(data: Path) -> int | None:
    found = postmaster.running(data)
    return found.pid if found else None


async def ask(address: ServerAddress, statement: str) -> Any:
    connection = await asyncpg.connect(**address.connect_kwargs())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
