"""`spyne db`: what it says, what it refuses, and that nothing is reverted unasked."""

import os
import re
from datetime import UTC, datetime

import pytest

from app import cli
from app.commands import process
from app.commands.database.revisions import state
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.migrating.log import Direction, LogEntry
from tests.commands.database.shell import asked
from tests.conftest import SECRET
from tests.processes import OURS

HEAD = migrations.head()
BEFORE = f"{int(HEAD) - 1:04}"


class Terminal:
    """`spyne db` in this process, on this test's database."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        for name in [name for name in os.environ if name.startswith(OURS)]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("SPYNE_SECRET", SECRET._value.decode())
        monkeypatch.setattr(process, "begin", lambda: None)  # this process keeps its own handlers
        self._patch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        self._patch.setattr("sys.argv", ["spyne", "db", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = self._capsys.readouterr()
        assert (left.value.code or 0) == code, said.err
        return said.out if code == 0 else said.out + said.err


@pytest.fixture
def db(urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(urls.owner, monkeypatch, capsys)


def test_the_way_down_and_up_again(db: Terminal) -> None:
    assert db("current").splitlines()[0] == "The database is at head:"
    listed = db("downgrade", "-2", code=1)
    assert re.findall(r"^  (\d{4})  \S", listed, re.MULTILINE) == [HEAD, BEFORE]
    assert "add --yes" in listed
    assert "at head" in db("current")
    assert f"The database is at {int(HEAD) - 2:04}" in db("downgrade", "-2", "--yes")
    assert f"The database is at {int(HEAD) - 2:04}; `spyne db upgrade` applies:\n  {BEFORE}" in db("current")
    assert f"at {BEFORE}; applied:\n  {BEFORE}" in db("upgrade", BEFORE)
    assert f"at {HEAD}; applied:\n  {HEAD}" in db("upgrade")
    assert db("upgrade") == f"Nothing was to be applied: the database is at {HEAD}.\n"
    assert "Nothing is to be reverted" in db("downgrade", HEAD, "--yes")
    assert "Nothing is to be reverted" in db("downgrade", HEAD)


CHANGED = (
    "DELETE FROM spyne.schema_migrations_log WHERE revision <> '0003'; UPDATE spyne.schema_migrations_log SET "
    "applied_by = E'mallory\x1b[2J', duration_ms = 1234, applied_at = '2026-03-04 05:06:07+00', service_version = '9.9'"
)


def test_history_is_of_the_log(db: Terminal, urls: DatabaseUrls) -> None:
    asked(urls.owner, lambda owner: owner.execute(CHANGED))
    lines = db("history").splitlines()
    assert [line[2:6] for line in lines] == [f"{number:04}" for number in range(int(HEAD), 0, -1)]
    assert [line[:6] for line in lines if line.startswith("*")] == [f"* {HEAD}"]
    assert r"applied 2026-03-04 05:06:07Z by mallory\u001b[2J in 1,234 ms, version 9.9  " in lines[-3]
    assert "applied, not in the log  " in lines[0]
    db("downgrade", "-1", "--yes")
    lines = db("history").splitlines()
    assert "not applied  " in lines[0]
    assert lines[1].startswith("*")


def test_a_stamp_runs_nothing(db: Terminal) -> None:
    assert f"said to be at {BEFORE}; nothing was run" in db("stamp", BEFORE)
    assert f"* {BEFORE}  stamped " in db("history")
    db("stamp", "head")
    assert "at head" in db("current")


@pytest.mark.parametrize(
    "arguments", [("upgrade", "nonsense"), ("downgrade", "nonsense"), ("downgrade", "-999"), ("stamp", "nonsense")]
)
def test_what_is_no_revision_is_told_in_one_line(arguments: tuple[str, ...], db: Terminal) -> None:
    (line,) = db(*arguments, code=1).splitlines()
    assert line.startswith("spyne: ")


def test_a_later_version_was_here(db: Terminal, urls: DatabaseUrls) -> None:
    asked(urls.owner, lambda owner: owner.execute("UPDATE spyne.alembic_version SET version_num = '9999'"))
    assert "9999, which this code does not know" in db("current")
    assert f"  {HEAD}  " in db("history")
    for arguments in (("upgrade",), ("downgrade", "-1"), ("downgrade", "base", "--yes")):
        (line,) = db(*arguments, code=1).splitlines()
        assert "9999" in line


def test_before_any_migration(db: Terminal) -> None:
    db("downgrade", "base", "--yes")
    assert "no migration yet; `spyne db upgrade` applies:\n  0001" in db("current")
    assert "nothing can be reverted" in db("downgrade", "-1", code=1)
    assert "not applied" in db("history").splitlines()[0]
    db("upgrade")
    assert "at head" in db("current")


MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SHOWN = "2026-01-02 03:04:05Z by owner in 7 ms, version 1.2"


@pytest.mark.parametrize(
    ("direction", "applied", "expected"),
    [
        (None, True, "applied, not in the log"),
        (None, False, "not applied"),
        (Direction.UPGRADE, True, f"applied {SHOWN}"),
        (Direction.UPGRADE, False, "not applied"),
        (Direction.DOWNGRADE, True, "applied, not in the log"),
        (Direction.DOWNGRADE, False, f"reverted {SHOWN}"),
        (Direction.STAMP, True, f"stamped {SHOWN}"),
        (Direction.STAMP, False, "not applied"),
    ],
)
def test_what_the_log_says_of_a_revision(direction: Direction | None, *, applied: bool, expected: str) -> None:
    entry = None if direction is None else LogEntry("0001", direction, "owner", 7, "1.2", MOMENT)
    assert state(entry, applied=applied) == expected
