"""The `spyne` command, in real processes: it starts from nothing, stops wholly, and refuses in one line."""

import asyncio
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app import cli
from app.commands import process
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.kernel.embedded import ServerAddress
from app.kernel.security.secrets import load_secret
from app.settings import Settings
from tests import owners
from tests.processes import OURS, READY_SECONDS, Installation, Running, alive, children_of, installation
from tests.spawning import free_port
from tests.waiting import eventually_blocking

pytestmark = pytest.mark.slow

PASSWORD_LINE = re.compile(r"password {2}(\S+)")
SECRET = "the secret of the tests, which is long enough to be taken"
"""The same as that of the other tests: they share the server's logins, whose passwords come from it."""


def token(url: str, username: str, password: str) -> httpx.Response:
    form = {"grant_type": "password", "username": username, "password": password}
    return httpx.post(f"{url}/api/auth/token", data=form, trust_env=False)


def one_line(text: str) -> str:
    """The only line of a refusal."""
    (line,) = text.strip().splitlines()
    assert line.startswith("spyne: ")
    return line


@pytest.fixture(scope="class")
def place() -> Iterator[Installation]:
    with installation() as place:
        yield place


class TestFromNothing:
    """One installation from its first start, which is killed, to its last, step by step."""

    def test_the_first_start_prints_the_password_once_and_serves(
        self, place: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with place.started("run") as first:
            first.wait_until_ready()
            (password,) = PASSWORD_LINE.findall(first.output)
            answer = token(place.url, "admin", password)
            assert answer.status_code == 200
            assert call("client create reader --role VIEWER", place.variables, monkeypatch) == 0
            key = capsys.readouterr().out.split()[-1]
            self._the_key_works(place, key)
            assert call("run", place.variables, monkeypatch) == 1
            assert f"Port {place.port} on 127.0.0.1 is in use" in one_line(capsys.readouterr().err)
            self._a_dead_child_is_started_again(first)
            self._a_dead_database_is_started_again(place, first)
            self._a_killed_supervisor_takes_its_children_along(first)
            assert first.output.count(password) == 1
            self._no_secrets(place, first.output.replace(password, ""), [password, key, answer.json()["access_token"]])

    @staticmethod
    def _the_key_works(place: Installation, key: str) -> None:
        answer = httpx.get(f"{place.url}/api/auth/me", headers={"X-API-Key": key}, trust_env=False)
        assert answer.status_code == 200
        assert httpx.get(f"{place.url}/api/auth/me", trust_env=False).status_code == 401

    @staticmethod
    def _a_dead_child_is_started_again(running: Running) -> None:
        before = children_of(running.process.pid)
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)

        def replaced() -> bool:
            now = children_of(running.process.pid)
            return now.keys() == before.keys() and not set(now.values()) & set(before.values())

        eventually_blocking(replaced, READY_SECONDS, what="new children")
        running.wait_until_ready()

    @staticmethod
    def _a_dead_database_is_started_again(place: Installation, running: Running) -> None:
        before = place.postgres()
        assert before is not None
        os.kill(before, signal.SIGKILL)
        eventually_blocking(lambda: place.postgres() not in (None, before), READY_SECONDS, what="a new PostgreSQL")
        running.wait_until_ready()

    @staticmethod
    def _a_killed_supervisor_takes_its_children_along(running: Running) -> None:
        """A worker that found no database has ended, and may end once more: what counts is who is there at the kill."""
        children: dict[str, int] = {}

        def both() -> bool:
            children.clear()
            children.update(children_of(running.process.pid))
            return set(children) == {"serve", "worker"}

        eventually_blocking(both, READY_SECONDS, what="both children")
        running.process.kill()
        running.process.wait()
        eventually_blocking(lambda: not any(map(alive, children.values())), what="the children leave")

    @staticmethod
    def _no_secrets(place: Installation, output: str, known: list[str]) -> None:
        secret = load_secret(Settings(home=place.home))
        known += [secret.password(f"role:{role}") for role in ("owner", "spyne_app", "spyne_query")]
        known.append((place.home / "secret").read_text().strip())
        for text in (output, (place.home / "postgres.log").read_text()):
            assert [value for value in known if value in text] == []
        assert (place.home / "secret").stat().st_mode & 0o777 == 0o600

    def test_the_next_start_works_and_ctrl_c_stops_everything(self, place: Installation) -> None:
        with place.started("run") as second:
            second.wait_until_ready()
            children, database = [*children_of(second.process.pid).values()], place.postgres()
            assert database is not None
            assert len(children) == 2
            assert second.stop(signal.SIGINT) == 0
            assert not [pid for pid in (*children, database) if alive(pid)]
            assert "password" not in second.output, "shown at the first start alone"
        assert place.postgres() is None

    def test_serving_alone_stops_its_database_too(self, place: Installation) -> None:
        with place.started("serve") as alone:
            alone.wait_until_ready()
            assert alone.stop() == 0
        assert place.postgres() is None

    def test_a_start_that_is_called_off_leaves_nothing(self, place: Installation) -> None:
        with place.started("run") as early:
            eventually_blocking(lambda: place.postgres() is not None, READY_SECONDS, what="PostgreSQL starts")
            early.stop()
        assert place.postgres() is None


@pytest.fixture
def empty_database(server: ServerAddress) -> Iterator[str]:
    """The owner's URL of a database on the shared server in which nothing is yet."""
    name = f"cli_{secrets.token_hex(6)}"

    asyncio.run(_execute(server.url("postgres"), f"CREATE DATABASE {name}{owners.belonging()}"))
    yield owners.owner_url(server, name)
    asyncio.run(_execute(server.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await migrations.connect(url)
    await connection.execute(statement)
    await connection.close()


def test_a_stale_schema_is_refused_with_the_way_out(
    empty_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with installation(DATABASE_URL=empty_database, SPYNE_SECRET=SECRET) as place:
        variables = place.variables
        assert call("serve", variables, monkeypatch) == 1
        assert "`spyne migrate`" in one_line(capsys.readouterr().err)
        assert call("migrate", variables, monkeypatch) == 0
        asyncio.run(_execute(empty_database, "UPDATE spyne.alembic_version SET version_num = '0001'"))
        capsys.readouterr()
        for command in ("serve", "worker", "admin create eve", "client create x --role ADMIN"):
            assert call(command, variables, monkeypatch) == 1
            said = one_line(capsys.readouterr().err)
            assert "The database is at migration 0001" in said
            assert "Run `spyne migrate`" in said


def test_a_server_of_ones_own(
    urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with installation(DATABASE_URL=urls.owner, SPYNE_SECRET=SECRET) as place:
        made = place.run("admin", "create", "ada", "--password-stdin", text="correct horse battery staple\n")
        assert made.returncode == 0, made.stderr
        assert "correct horse" not in made.stdout + made.stderr
        assert call("admin create bob", place.variables, monkeypatch) == 0
        (shown,) = PASSWORD_LINE.findall(capsys.readouterr().out)
        with place.started("serve") as alone:
            alone.wait_until_ready()
            assert httpx.get(f"{place.url}/health", trust_env=False).json()["status"] == "degraded", (
                "no worker is there"
            )
            assert token(place.url, "ada", "correct horse battery staple").status_code == 200
            assert token(place.url, "bob", shown).status_code == 200
            raw = wire(place.port, b"GET /api/tables HTTP/1.1\r\nHost: x\r\nX-Filler: " + b"f" * 50_000 + b"\r\n\r\n")
            assert b" 431 " in raw.splitlines()[0]
            raw = wire(place.port, b"GET /api/tables/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b" 400 " in raw.splitlines()[0]
            assert b"application/problem+json" in raw
            assert alone.stop() == 0
        assert not (place.home / "postgres").exists()


def wire(port: int, request: bytes) -> bytes:
    """What comes back for these very bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = connection.recv(65_536)
            if not piece:
                break
            answer += piece
    return answer


def test_the_help_lists_the_commands() -> None:
    with installation() as place:
        shown = place.run("--help")
        assert shown.returncode == 0
        for name in ("run", "serve", "worker", "migrate", "demo", "admin", "client", "db"):
            assert re.search(rf"\b{name}\b", shown.stdout)
        assert not place.home.exists(), "asking for help changes nothing"


EVERY_HELP = """
import sys
from typer.main import get_command
from app import cli

def helps(command, path):
    yield [*path, "--help"]
    for name, child in getattr(command, "commands", {}).items():
        yield from helps(child, [*path, name])

for arguments in helps(get_command(cli.cli), []):
    sys.argv = ["spyne", *arguments]
    try:
        cli.main()
    except SystemExit as left:
        assert left.code == 0, arguments
    print("asked for:", *arguments, file=sys.stderr)
print("imported:", *sys.modules, file=sys.stderr)
"""


def test_asking_for_help_does_not_load_the_service() -> None:
    ran = subprocess.run([sys.executable, "-c", EVERY_HELP], capture_output=True, text=True, check=True, timeout=60)
    *asked, imported = ran.stderr.splitlines()
    assert {"asked for: --help", "asked for: audit --help", "asked for: audit verify --help"} <= set(asked)
    assert ran.stdout.count("Usage:") == len(asked)
    modules = set(imported.split())
    assert "app.cli" in modules
    assert modules & {"fastapi", "sqlalchemy", "asyncpg", "uvicorn", "app.settings", "app.wiring"} == set()


KEPT = """
import atexit, gc, sys
from app import cli

atexit.register(lambda: print("spared at the end:", gc.get_freeze_count() > 500_000))
sys.argv = ["spyne", "--help"]
try:
    cli.main()
except SystemExit:
    before = gc.get_stats()[2]["collections"]
    kept = [[] for _ in range(500_000)]
    print("full collections:", gc.get_stats()[2]["collections"] - before)
"""


def test_what_is_loaded_is_not_searched_for_garbage() -> None:
    ran = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.splitlines()[-2:] == ["full collections: 0", "spared at the end: True"]


UNREACHABLE = "postgresql+asyncpg://owner:hush-hush@127.0.0.1:1/spyne"
BAD = {
    "no address": ({"DATABASE_URL": "nonsense"}, "DATABASE_URL is not an address"),
    "another database": ({"DATABASE_URL": "mysql://root:hush-hush@h/d"}, "DATABASE_URL names mysql"),
    "nobody there": ({"DATABASE_URL": UNREACHABLE}, "The database cannot be"),
    "no such host": ({"DATABASE_URL": UNREACHABLE.replace("127.0.0.1", "no.such.invalid")}, "The database cannot be"),
    "no such socket": ({"DATABASE_URL": "postgresql://o:hush-hush@/d?host=/nowhere"}, "The database cannot be"),
    "a short secret": ({"SPYNE_SECRET": "hush-hush"}, "at least 32 random bytes"),
    "no number": ({"SERVER_PORT": "eighty"}, "SERVER_PORT: "),
    "beyond the bounds": ({"SERVER_PORT": "70000", "DATABASE_POOL_SIZE": "0"}, "DATABASE_POOL_SIZE: "),
    "no directory": ({"SPYNE_HOME": "/proc/nothing"}, "/proc/nothing cannot be used"),
}


@pytest.mark.parametrize(
    "command", ["serve", "worker", "migrate", "run", "admin create x", "client create x --role ADMIN"]
)
@pytest.mark.parametrize("name", BAD)
def test_what_is_configured_wrongly_is_told_in_one_line(
    name: str, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment, expected = BAD[name]
    code = call(command, {"SPYNE_HOME": str(tmp_path / "home"), **environment}, monkeypatch)
    captured = capsys.readouterr()
    assert code == 1
    assert expected in one_line(captured.err)
    assert "hush-hush" not in captured.err + captured.out
    assert not (tmp_path / "home" / "postgres").exists()


def call(command: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a command, run in this process: thirty interpreters would take a minute to start."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    for name, value in {"SERVER_PORT": str(free_port()), **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["spyne", *command.split()])
    monkeypatch.setattr(process, "begin", lambda: None)  # this process keeps its own handlers
    with pytest.raises(SystemExit) as left:
        cli.main()
    code = left.value.code
    assert code is None or isinstance(code, int)
    return code or 0


def test_a_damaged_secret_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret").write_text("not base64!\n")
    assert call("migrate", {"SPYNE_HOME": str(tmp_path)}, monkeypatch) == 1
    assert "is damaged" in one_line(capsys.readouterr().err)


def test_what_the_domain_refuses_is_told_in_one_line(
    urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"SPYNE_HOME": str(tmp_path), "DATABASE_URL": urls.owner, "SPYNE_SECRET": SECRET}
    assert call("client create twice --role VIEWER", environment, monkeypatch) == 0
    capsys.readouterr()
    for command in ("client create x --role NO_SUCH_ROLE", "client create twice --role VIEWER"):
        assert call(command, environment, monkeypatch) == 1
        one_line(capsys.readouterr().err)
