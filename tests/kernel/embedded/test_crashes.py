"""Real servers after kills: of the parent, of the server, of initdb, and with stale files."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from app.kernel.embedded import EmbeddedServer, launch, postmaster
from app.kernel.embedded.account import account_for
from app.kernel.embedded.errors import ServerStartError
from tests.kernel.embedded.servers import ask, pid_of, said_ready


def test_a_killed_parent_leaves_a_server_that_the_next_one_takes_over(
    home: Path, server: Callable[..., EmbeddedServer], child: Callable[..., "subprocess.Popen[str]"]
) -> None:
    parent = child()
    assert said_ready(parent)
    pid = pid_of(home / "postgres")
    parent.kill()
    parent.wait()
    mine = server()
    mine.start()
    assert pid_of(home / "postgres") == pid
    assert len(list((home / "postgres.handles").iterdir())) == 1
    mine.stop()
    assert pid_of(home / "postgres") is None


async def test_a_killed_server_and_its_orphans_are_cleared(
    home: Path, server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postmaster, "ORPHAN_GRACE_SECONDS", 0.3)
    address = server().start()
    await ask(address, "CREATE TABLE kept AS SELECT 42 AS answer")
    busy = await asyncpg.connect(**address.connect_kwargs())
    backend = busy.get_server_pid()
    busily = asyncio.ensure_future(
        busy.execute("DO $$ BEGIN LOOP EXIT WHEN clock_timestamp() > now() + interval '60 s'; END LOOP; END $$")
    )
    await asyncio.sleep(0.1)
    pid = pid_of(home / "postgres")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    address = await server().astart()
    assert pid_of(home / "postgres") != pid
    assert backend not in postmaster.survivors(home / "postgres")
    with pytest.raises(asyncpg.PostgresConnectionError):
        await busily
    assert await ask(address, "SELECT answer FROM kept") == 42


def test_orphans_that_stay_are_named(
    home: Path, server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server().start()
    monkeypatch.setattr(postmaster, "ORPHAN_GRACE_SECONDS", 0.1)
    monkeypatch.setattr(postmaster, "ORPHAN_QUIT_SECONDS", 0.1)
    found, *workers = postmaster.survivors(home / "postgres")
    assert found == pid_of(home / "postgres")
    os.kill(workers[0], signal.SIGSTOP)
    os.kill(found, signal.SIGKILL)
    with pytest.raises(ServerStartError, match=f"{workers[0]}.* still hold"):
        server().start()
    os.kill(workers[0], signal.SIGKILL)
    server().start()


def test_a_stale_pid_file_of_a_reused_number_does_no_harm(home: Path, server: Callable[..., EmbeddedServer]) -> None:
    one = server()
    one.start()
    data = home / "postgres"
    old = (data / "postmaster.pid").read_text().splitlines()
    one.stop()
    account = account_for(data)
    innocent = subprocess.Popen(
        ["/bin/sleep", "60"], user=account.uid, cwd=data
    )  # PostgreSQL alone would refuse to start
    try:
        lines = "\n".join([str(innocent.pid), *old[1:]]) + "\n"
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (data / name).write_text(lines)
            account.own(data / name)
        one.start()
        assert pid_of(data) not in (None, innocent.pid)
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_a_server_that_hangs_is_stopped_at_once(
    home: Path, server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.kernel.embedded.server.STOP_SECONDS", 0.2)
    one = server()
    one.start()
    _, *workers = postmaster.survivors(home / "postgres")
    os.kill(
        workers[0], signal.SIGSTOP
    )  # a fast shutdown waits for it in vain; the immediate one kills it after 5 seconds
    one.stop()
    assert pid_of(home / "postgres") is None
    assert "did not stop within" in caplog.text


def test_an_interrupted_initdb_is_done_again(
    home: Path, server: Callable[..., EmbeddedServer], child: Callable[..., "subprocess.Popen[str]"]
) -> None:
    first = child()
    while not any(home.glob("postgres.init-*/data/global")):
        assert first.poll() is None
        time.sleep(0.005)
    first.kill()
    first.wait()
    assert not (home / "postgres").exists()
    server().start()
    assert not list(home.glob("postgres.init-*"))


async def test_a_server_that_dies_while_we_attach_is_replaced(
    home: Path, server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server().start()
    doomed = pid_of(home / "postgres")
    look = launch._settled

    def look_then_kill(data: Path, deadline: float) -> postmaster.Postmaster | None:
        found = look(data, deadline)
        if found is not None and found.pid == doomed:
            os.kill(found.pid, signal.SIGKILL)
        return found

    monkeypatch.setattr(launch, "_settled", look_then_kill)
    assert await ask(server().start(), "SELECT 1") == 1
    assert pid_of(home / "postgres") != doomed
