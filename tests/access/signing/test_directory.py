"""The directory of keys: read whole or not at all, written atomically, followed by processes that never die of it."""

import asyncio
import logging
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.access.signing.directory import LAG, DirectoryError, KeyDirectory
from app.access.signing.pem import render
from app.access.signing.watch import KeyWatch, load_signing_keys
from app.kernel.security.signing import SigningKeys
from app.settings import AccessSettings
from tests.access.signing.keys import NOW, elliptic, modular, signing_key

DELAY = timedelta(minutes=10)
LIFETIME = timedelta(hours=1)


@pytest.fixture
def directory(tmp_path: Path) -> KeyDirectory:
    directory = KeyDirectory(tmp_path / "keys", DELAY)
    directory.prepare()
    return directory


class Process:
    """One process's view of the directory."""

    def __init__(self, directory: KeyDirectory) -> None:
        self.now = NOW
        self.keys = SigningKeys()
        self.watch = KeyWatch(directory, self.keys, lambda: self.now)

    @property
    def kids(self) -> set[str]:
        return {key.kid for key in self.keys.current()}


def test_a_fresh_key_is_its_owners_alone_and_signs_after_the_delay(tmp_path: Path) -> None:
    directory = KeyDirectory(tmp_path / "new" / "keys", DELAY)
    directory.prepare()
    for algorithm in ("ES256", "RS256"):
        file = directory.fresh(algorithm, NOW)
        directory.write(file)
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        assert file.key.algorithm == algorithm
        assert file.key.signs_from == NOW + DELAY
        assert file.path.name == f"{file.key.kid}.pem"
        assert file.key.kid[0].isalnum()
    assert stat.S_IMODE((tmp_path / "new" / "keys").stat().st_mode) == 0o700
    assert len(directory.read()) == len(list((tmp_path / "new" / "keys").iterdir())) == 2


def test_a_file_that_does_not_say_signs_a_delay_after_it_was_written(directory: KeyDirectory, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ours.pem"
    path.write_text(render(signing_key(elliptic())).partition("\n")[2])
    written = datetime(2026, 1, 1, tzinfo=UTC)
    os.utime(path, (written.timestamp(), written.timestamp()))
    (file,) = directory.read()
    assert file.key.signs_from == written + DELAY


def test_retiring_drops_the_private_half(directory: KeyDirectory) -> None:
    directory.write(directory.fresh("ES256", NOW))
    (file,) = directory.read()
    directory.write(directory.retired(file, NOW, LIFETIME))
    (retired,) = directory.read()
    assert retired.path == file.path
    assert "PRIVATE" not in retired.path.read_text()
    assert retired.key.private is None
    assert retired.key.verifies_until == NOW + LIFETIME + LAG


async def test_processes_follow_and_sweep_what_is_over(directory: KeyDirectory) -> None:
    one, two = Process(directory), Process(directory)
    file = directory.fresh("ES256", NOW)
    directory.write(file)
    for process in (one, two):
        await process.watch.look()
        assert process.kids == {file.key.kid}
        assert process.keys.signing(NOW) is None
        assert process.keys.signing(NOW + DELAY) is not None
    generation = one.keys.generation
    await one.watch.look()
    assert one.keys.generation == generation  # nothing new was read
    directory.write(directory.retired(file, NOW, LIFETIME))
    for moment, there in ((NOW, True), (NOW + LIFETIME, True), (NOW + LIFETIME + LAG, False)):
        for process in (one, two):
            process.now = moment
            await process.watch.look()
            assert process.keys.signing(NOW + DELAY) is None
            assert file.path.exists() == there
    await one.watch.look()
    assert one.kids == two.kids == set()


DAMAGED = {
    "cut": lambda text: text[:80],
    "empty": lambda _: "",
    "no text": lambda _: "\xff\xfe",
    "huge": lambda text: text + "x" * 100_000,
}


@pytest.mark.parametrize("name", DAMAGED)
async def test_a_damaged_file_leaves_the_last_good_set(
    name: str, directory: KeyDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(directory)
    good, other = directory.fresh("ES256", NOW), directory.fresh("ES256", NOW)
    directory.write(good)
    await process.watch.look()
    other.path.write_bytes(DAMAGED[name](render(other.key)).encode("latin-1"))
    good.path.unlink()
    for _ in range(3):
        await process.watch.look()
    assert process.kids == {good.key.kid}
    (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]  # once, not every two seconds
    assert other.path.name in said.reason  # type: ignore[attr-defined]
    directory.write(other)
    await process.watch.look()
    assert process.kids == {other.key.kid}


async def test_a_directory_that_goes_away_leaves_the_last_good_set(directory: KeyDirectory, tmp_path: Path) -> None:
    process = Process(directory)
    directory.write(directory.fresh("ES256", NOW))
    await process.watch.look()
    (tmp_path / "keys").rename(tmp_path / "elsewhere")
    await process.watch.look()
    assert len(process.kids) == 1
    (tmp_path / "elsewhere").rename(tmp_path / "keys")
    await process.watch.look()
    assert len(process.kids) == 1


async def test_a_reader_never_sees_half_a_file(directory: KeyDirectory) -> None:
    """While keys are made and retired as fast as they can be, every look finds the directory sound."""
    directory.write(directory.fresh("ES256", NOW))

    def change() -> None:
        for _ in range(60):
            file = directory.fresh("ES256", NOW)
            directory.write(file)
            directory.write(directory.retired(file, NOW, LIFETIME))
            file.path.unlink()

    task = asyncio.create_task(asyncio.to_thread(change))
    looks = 0
    while not task.done():
        directory.fingerprint()
        assert directory.read()
        looks += 1
        await asyncio.sleep(0)
    await task
    assert looks > 10


async def test_a_process_starts_with_sound_keys_or_not_at_all(directory: KeyDirectory, tmp_path: Path) -> None:
    directory.write(directory.fresh("ES256", NOW))
    told = AccessSettings(signing_keys=tmp_path / "keys")
    assert len((await load_signing_keys(told)).current()) == 1
    (tmp_path / "keys" / "weak.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(DirectoryError, match=r"weak\.pem is not a usable key: its PRIVATE KEY cannot be read\."):
        await load_signing_keys(told)
    with pytest.raises(DirectoryError, match=r"none.*cannot be read: No such file or directory.*spyne keys new"):
        await load_signing_keys(AccessSettings(signing_keys=tmp_path / "none"))
    assert (await load_signing_keys(AccessSettings())).current() == []


def test_two_files_of_one_key_are_refused(directory: KeyDirectory, tmp_path: Path) -> None:
    for name, whole in (("a.pem", True), ("b.pem", False)):
        (tmp_path / "keys" / name).write_text(render(signing_key(modular(), whole=whole)))
    with pytest.raises(DirectoryError, match=r"a\.pem and b\.pem hold the same key"):
        directory.read()


def test_other_files_are_passed_over(directory: KeyDirectory, tmp_path: Path) -> None:
    for name in (".hidden.pem", "README", "key.pem.bak"):
        (tmp_path / "keys" / name).write_text("no key")
    assert directory.read() == []
    assert directory.fingerprint() == ()


def test_the_newest_key_that_may_signs() -> None:
    keys = SigningKeys([signing_key(elliptic(), NOW), signing_key(modular(), NOW + DELAY)])
    assert keys.signing(NOW - DELAY) is None
    for moment, algorithm in ((NOW, "ES256"), (NOW + DELAY, "RS256")):
        signing = keys.signing(moment)
        assert signing is not None
        assert signing.algorithm == algorithm
