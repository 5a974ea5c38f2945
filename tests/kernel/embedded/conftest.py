"""Real servers for the tests of their life cycle, and other processes that use them."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.kernel.embedded import EmbeddedServer
from tests.kernel.embedded.servers import FAST, PASSWORD

CHILD = """
import os, sys
import asyncio.base_events, concurrent.futures.thread, encodings.idna, encodings.ascii, stringprep
from pathlib import Path
from app.kernel.embedded import EmbeddedServer

if sys.argv[3] != "-":
    os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[3]))
    os.environ["HOME"] = str(Path(sys.argv[1]).parent)
server = EmbeddedServer(Path(sys.argv[1]), password=sys.argv[2], settings={"fsync": "off", "shared_buffers": "16MB"})
with server:
    if (child := os.fork()) == 0:
        server.stop()  # not the child's to stop
        os._exit(0)
    os.waitpid(child, 0)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A state directory which every account can reach (pytest's own is closed to all but its user)."""
    directory = Path(tempfile.mkdtemp(prefix="spyne-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def server(home: Path) -> Iterator[Callable[..., EmbeddedServer]]:
    """Makes servers on `home/postgres`; all are left at the end of the test."""
    made: list[EmbeddedServer] = []

    def make(data: Path = home / "postgres", password: str = PASSWORD, **options: Any) -> EmbeddedServer:
        made.append(EmbeddedServer(data, password=password, **{"settings": FAST, **options}))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def child(home: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts other processes that use the server until their input ends."""
    made: list[subprocess.Popen[str]] = []

    def make(*, uid: str = "-", data: Path = home / "postgres") -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", CHILD, str(data), PASSWORD, uid]
        made.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return made[-1]

    yield make
    for each in made:
        each.communicate(timeout=30)
