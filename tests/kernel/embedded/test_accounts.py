"""Real servers run by root and by an ordinary user; skipped for an ordinary user, whose own run is the other tests."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.kernel.embedded import EmbeddedServer, binaries, layout
from app.kernel.embedded.account import account_for
from app.kernel.embedded.errors import DataDirectoryError
from tests.kernel.embedded.servers import PASSWORD, as_root, ask, pid_of, said_ready


@as_root
def test_an_ordinary_user_runs_it_as_itself(home: Path, child: Callable[..., "subprocess.Popen[str]"]) -> None:
    nobody = pwd.getpwnam("nobody")
    mine = home / "of-nobody"
    mine.mkdir()
    os.chown(mine, nobody.pw_uid, nobody.pw_gid)
    user = child(uid=str(nobody.pw_uid), data=mine / "postgres")
    assert said_ready(user)
    pid = pid_of(mine / "postgres")
    assert Path(f"/proc/{pid}").stat().st_uid == nobody.pw_uid
    root = EmbeddedServer(mine / "postgres", password=PASSWORD)  # root joins, and leaves last
    root.start()
    user.communicate(timeout=30)
    assert pid_of(mine / "postgres") == pid
    root.stop()
    assert pid_of(mine / "postgres") is None
    again = child(uid=str(nobody.pw_uid), data=mine / "postgres")
    assert said_ready(again)


@as_root
async def test_root_works_inside_closed_directories(
    home: Path, server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = home / "closed"
    wheel = binaries.find_binaries().parents[1]
    (closed / "state").mkdir(parents=True)
    shutil.copytree(wheel / "pginstall18", closed / "site" / wheel.name / "pginstall18", symlinks=True)
    shutil.copytree(wheel.with_name(wheel.name + ".libs"), closed / "site" / (wheel.name + ".libs"))
    closed.chmod(0o700)
    monkeypatch.setattr(binaries, "find_binaries", lambda: closed / "site" / wheel.name / "pginstall18" / "bin")
    monkeypatch.setattr(binaries, "CACHE", home / "cache")
    monkeypatch.setattr(layout, "RELOCATED", home / "lib")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/nonexistent")  # or our home would count as passing
    one = server(closed / "state" / "postgres")
    address = one.start()
    await ask(address, "CREATE TABLE kept AS SELECT 42 AS answer")
    one.stop()
    assert (closed / "state" / "postgres").is_symlink()
    assert (closed / "state" / "postgres").resolve().is_relative_to(home / "lib")
    assert len(list((home / "cache").iterdir())) == 1
    assert closed.stat().st_mode & 0o777 == 0o700
    assert await ask(one.start(), "SELECT answer FROM kept") == 42
    assert len(list((home / "cache").iterdir())) == 1
    one.stop()
    (closed / "open" / "postgres").mkdir(parents=True)
    shutil.chown(closed / "open" / "postgres", account_for(home / "absent").uid)
    with pytest.raises(DataDirectoryError, match=r"cannot reach .* because .*/closed is closed to others"):
        server(closed / "open" / "postgres").start()
