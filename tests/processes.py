"""The `spyne` command as real processes, on loopback and in a state directory of their own."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests import loopback
from tests.spawning import Spawned, completed, free_port
from tests.waiting import eventually_blocking

READY_SECONDS = 120.0
"""Generous: a first start makes a database cluster, on a machine that is busy with other tests."""


OURS = ("SPYNE_", "DATABASE_", "SERVER_")
"""How the variables begin that must not leak in from the terminal of whoever runs the tests."""


def alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def children_of(pid: int) -> dict[str, int]:
    """The processes that a supervisor has started, by command."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            arguments = (entry / "cmdline").read_bytes().split(b"\x00")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == str(pid) and b"app.cli" in arguments:
            found[arguments[-2].decode()] = int(entry.name)
    return found


@dataclass
class Running:
    """A command that goes on."""

    process: Spawned
    url: str
    out: Path
    err: Path

    def wait_until_ready(self) -> None:
        eventually_blocking(self.ready, READY_SECONDS, what=f"ready ({self.err.read_text()[-2000:]})")

    def ready(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"it ended: {self.process.returncode}\n{self.err.read_text()[-3000:]}")
        try:
            with loopback.blocking(timeout=2) as client:
                return client.get(f"{self.url}/health/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 45) -> int:
        """The exit code after the signal."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    @property
    def output(self) -> str:
        return self.out.read_text() + self.err.read_text()


@dataclass
class Installation:
    """A state directory, a port, and the commands there."""

    home: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """What makes a command work here."""
        return {"SPYNE_HOME": str(self.home), "SERVER_PORT": str(self.port)} | self.environment

    @property
    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | self.variables

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str, text: str = "", seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """A command's outcome."""
        return completed("app.cli", *arguments, env=self._environment, typed=text, seconds=seconds)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[Running]:
        """A command that goes on while the block runs; what is left of it at the end is killed."""
        number = len(list(self.home.parent.glob("out-*")))
        out, err = (self.home.parent / f"{kind}-{number}" for kind in ("out", "err"))
        for file in (out, err):
            file.touch()
        process = Spawned("app.cli", *arguments, env=self._environment, output=out, errors=err)
        try:
            yield Running(process, self.url, out, err)
        finally:
            process.terminate()
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def postgres(self) -> int | None:
        """The process id of the embedded server, or None when there is no live one."""
        file = self.home / "postgres" / "postmaster.pid"
        try:
            pid = int(file.read_text().splitlines()[0])
        except (FileNotFoundError, IndexError):
            return None
        return pid if alive(pid) else None


@contextmanager
def installation(**environment: str) -> Iterator[Installation]:
    """An installation where nothing is yet; afterwards nothing of it is left, PostgreSQL included."""
    with tempfile.TemporaryDirectory(prefix="spyne-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root, PostgreSQL runs as another account
        place = Installation(Path(folder) / "home", free_port(), environment)
        try:
            yield place
        finally:
            if (pid := place.postgres()) is not None:
                os.kill(pid, signal.SIGINT)
                eventually_blocking(lambda: place.postgres() is None, READY_SECONDS, what="PostgreSQL stops")
