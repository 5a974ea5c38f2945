"""Making, starting, sharing and stopping real servers, and the messages when that is refused."""

import asyncio
import fcntl
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.kernel.embedded import EmbeddedServer, launch
from app.kernel.embedded.account import account_for
from app.kernel.embedded.errors import AddressInUseError, AuthenticationError, DataDirectoryError, ServerStartError
from tests.kernel.embedded.servers import FAST, PASSWORD, ask, pid_of, said_ready


async def test_makes_starts_and_stops(home: Path, server: Callable[..., EmbeddedServer]) -> None:
    one = server()
    address = one.start()  # blocking, inside an event loop
    assert one.start() is address
    data = home / "postgres"
    assert data.stat().st_mode & 0o777 == 0o700
    engine = create_async_engine(address.url())
    async with engine.connect() as connection:
        answer = await connection.execute(text("SELECT uuid_extract_version(uuidv7()), current_user, 'b' < 'Z'"))
        assert answer.one() == (7, "spyne_owner", False)  # C.UTF-8 orders by code point
    await engine.dispose()
    shown = {
        name: await ask(address, f"SHOW {name}")
        for name in ("listen_addresses", "data_checksums", "server_encoding", "fsync", "log_statement", "max_wal_size")
    }
    assert shown == {
        "listen_addresses": "",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "fsync": "off",
        "log_statement": "none",
        "max_wal_size": "4GB",
    }
    rules = await ask(address, "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules")
    assert rules == ["scram-sha-256"]
    pid = pid_of(data)
    assert pid is not None
    assert os.getsid(pid) != os.getsid(0), "Ctrl-C in the terminal would reach the server"
    await one.astop()
    assert pid_of(data) is None
    assert not (data / "postmaster.pid").exists()
    one.stop()


async def test_keeps_data_and_default_settings_over_a_restart(home: Path) -> None:
    odd = home / "it's a $HOME `dir`" / 'of "data"'
    async with EmbeddedServer(odd, password=PASSWORD, settings={"fsync": "off"}) as address:
        await ask(address, "CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedServer(odd, password=PASSWORD) as address:
        assert await ask(address, "SELECT answer FROM kept") == 42
        assert await ask(address, "SHOW fsync") == "on"
        assert await ask(address, "SHOW shared_buffers") == "256MB"


def test_a_wrong_password_is_told_and_leaves_others_alone(home: Path, server: Callable[..., EmbeddedServer]) -> None:
    first = server()
    first.start()
    pid = pid_of(home / "postgres")
    with pytest.raises(AuthenticationError, match="refuses the login of spyne_owner") as told:
        server(password="not-the-password").start()
    assert "not-the-password" not in str(told.value)
    assert pid_of(home / "postgres") == pid
    first.stop()
    with pytest.raises(AuthenticationError):
        server(password="not-the-password").start()
    assert pid_of(home / "postgres") is None
    assert list((home / "postgres.handles").iterdir()) == []


async def test_processes_share_it_and_the_last_one_stops_it(
    home: Path, server: Callable[..., EmbeddedServer], child: Callable[..., "subprocess.Popen[str]"]
) -> None:
    others = [child(), child()]  # a race for a fresh directory
    assert all(said_ready(other) for other in others)
    pid = pid_of(home / "postgres")
    mine = server()
    address = mine.start()
    for other in others:
        other.communicate(timeout=30)
        assert other.returncode == 0
    assert pid_of(home / "postgres") == pid
    assert await ask(address, "SELECT 1") == 1
    mine.stop()
    assert pid_of(home / "postgres") is None


async def test_threads_share_it(home: Path) -> None:
    servers = [EmbeddedServer(home / "postgres", password=PASSWORD, settings=FAST) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        addresses = set(pool.map(EmbeddedServer.start, servers))
        assert len(addresses) == 1
        list(pool.map(EmbeddedServer.stop, servers[1:]))
    assert await ask(addresses.pop(), "SELECT 1") == 1
    servers[0].stop()
    assert pid_of(home / "postgres") is None


async def test_tcp_on_request_and_a_port_in_use_is_named(home: Path, server: Callable[..., EmbeddedServer]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(AddressInUseError, match=f"Port {port} on 127.0.0.1"):
            server(port=port).start()
    with_tcp = server(port=port)
    address = with_tcp.start()
    assert (address.port, address.tcp_host) == (port, "127.0.0.1")
    connection = await asyncpg.connect(**{**address.connect_kwargs(), "host": "127.0.0.1"})
    await connection.close()
    with_tcp.stop()
    server().start()
    with pytest.raises(AddressInUseError, match=f"already runs without TCP port {port}"):
        server(port=port).start()
    assert pid_of(home / "postgres") is not None


def test_a_socket_in_use_is_named(home: Path, server: Callable[..., EmbeddedServer]) -> None:
    one = server()
    one.start()
    one.stop()
    path = home / "postgres" / ".s.PGSQL.5432"
    with socket.socket(socket.AF_UNIX) as holder:
        holder.bind(str(path))
        holder.listen()
        with pytest.raises(AddressInUseError, match="in use by another live server"):
            one.start()
    assert path.exists()  # left behind by a server that is gone
    one.start()


async def test_a_long_path_gets_a_short_private_socket(home: Path, server: Callable[..., EmbeddedServer]) -> None:
    one = server(home / ("long" * 30) / "postgres")
    address = one.start()
    assert not address.socket_dir.is_relative_to(home)
    assert address.socket_dir.stat().st_mode & 0o777 == 0o700
    assert await ask(address, "SELECT 1") == 1
    one.stop()
    assert not address.socket_dir.exists()
    address.socket_dir.mkdir(mode=0o755)  # somebody waits there for our connections
    try:
        with pytest.raises(DataDirectoryError, match="not a private directory"):
            one.start()
    finally:
        address.socket_dir.rmdir()


def test_a_failed_start_shows_the_end_of_the_log(
    home: Path, server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ServerStartError, match='invalid value for parameter "wal_level": "loud"'):
        server(settings={**FAST, "wal_level": "loud"}).start()
    assert list((home / "postgres.handles").iterdir()) == []
    monkeypatch.setattr(launch, "LOG_BYTES", 10)
    server().start()
    assert "wal_level" in (home / "postgres.log.1").read_text()
    assert "wal_level" not in (home / "postgres.log").read_text()


async def test_no_value_reaches_the_log(home: Path, server: Callable[..., EmbeddedServer]) -> None:
    address = server().start()
    connection = await asyncpg.connect(**address.connect_kwargs())
    await connection.execute("CREATE TABLE t (id int PRIMARY KEY, word text)")
    for statement, arguments in (
        ("SELECT 'xyzzy'::int", ()),
        ("SELECT $1::text::int", ("xyzzy",)),
        ("INSERT INTO t VALUES (1, 'xyzzy'), (1, 'xyzzy')", ()),
        ("SELECT * FROM xyzzy", ()),
        ("CREATE ROLE some_role PASSWORD 'xyzzy' NO_SUCH_OPTION", ()),
    ):
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(statement, *arguments)
    waiting = asyncio.ensure_future(connection.execute("DO $$ BEGIN PERFORM 'xyzzy' FROM pg_sleep(60); END $$"))
    await asyncio.sleep(0.1)
    await ask(address, f"SELECT pg_terminate_backend({connection.get_server_pid()}, 5000)")
    with pytest.raises(asyncpg.PostgresConnectionError):
        await waiting
    written = (home / "postgres.log").read_text()
    assert "terminating connection" in written
    assert "xyzzy" not in written
    assert PASSWORD not in written


def test_other_data_directories_are_refused(home: Path, server: Callable[..., EmbeddedServer]) -> None:
    data = home / "postgres"
    data.mkdir()
    shutil.chown(data, account_for(home / "absent").uid)
    (data / "thesis.txt").touch()
    with pytest.raises(DataDirectoryError, match="not empty and not a PostgreSQL data directory"):
        server().start()
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(DataDirectoryError, match=r"made by PostgreSQL 16; .* version 18"):
        server().start()
    assert (data / "thesis.txt").exists()


def test_a_directory_used_in_another_container_is_refused(home: Path, server: Callable[..., EmbeddedServer]) -> None:
    server().start()
    foreign = home / "postgres.handles" / "17-cafe"
    with foreign.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write("elsewhere pid:[4026531836]")
        handle.flush()
        with pytest.raises(DataDirectoryError, match=r"process 17 of another container .*elsewhere"):
            server().start()
    server().start()
    assert not foreign.exists()
