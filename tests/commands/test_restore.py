"""A backup is compared with its manifest, file by file, before anything is written."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from random import randbytes
from typing import Any

import pytest

from app.commands.environment import Environment, NoEnvironmentError
from app.commands.manifest import (
    DUMP,
    FORMAT,
    MANIFEST,
    OBJECTS,
    Manifest,
    SavedObject,
    fingerprint,
    read_manifest,
    sha256_of,
)
from app.commands.restore import opened, restore
from app.kernel.db.connections import DatabaseUrls
from app.kernel.security.secrets import ServiceSecret
from app.settings import Settings
from tests.conftest import SECRET

KEY = "raw/things_v1/1.zst"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    folder = tmp_path / "backup"
    (folder / OBJECTS / KEY).parent.mkdir(parents=True)
    (folder / DUMP).write_bytes(b"a dump")
    (folder / OBJECTS / KEY).write_bytes(b"a body")
    return folder


def manifest_of(backup: Path) -> Manifest:
    saved = backup / OBJECTS / KEY
    return Manifest(
        version="1", migration="1", taken_at="2026-01-01T00:00:00Z", server=18, dump_sha256=sha256_of(backup / DUMP),
        app_relations=[], secret=fingerprint(SECRET), gone=[], role_settings=[], checkpoint={},
        objects=[SavedObject(key=KEY, size=saved.stat().st_size, sha256=sha256_of(saved))],
    )  # fmt: skip


def other_bytes(path: Path) -> None:
    path.write_bytes(b"b" + path.read_bytes()[1:])


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def shorter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [None, other_bytes, longer, shorter, Path.unlink])
@pytest.mark.parametrize(
    ("name", "told"),
    [(DUMP, f"{DUMP} is not the file that was written"), (f"{OBJECTS}/{KEY}", f"{KEY} of the backup is not what was")],
)
async def test_a_damaged_file_is_refused_and_an_intact_one_is_not(
    backup: Path, tmp_path: Path, name: str, told: str, damage: Callable[[Path], None] | None
) -> None:
    """Where the files are as they were, the next look refuses: the object storage of the place is in use."""
    occupied = tmp_path / "home" / "objects" / "occupied"
    occupied.parent.mkdir(parents=True)
    occupied.write_bytes(b"")
    place = Environment(Settings(home=tmp_path / "home"), DatabaseUrls("", "", ""), SECRET)
    manifest = manifest_of(backup)
    if damage is not None:
        damage(backup / name)
    with pytest.raises(NoEnvironmentError, match="storage is not empty" if damage is None else told):
        await restore(place, backup, manifest)


async def test_a_backup_under_another_secret_is_refused(backup: Path, tmp_path: Path) -> None:
    place = Environment(Settings(home=tmp_path / "home"), DatabaseUrls("", "", ""), SECRET)
    other = manifest_of(backup).model_copy(update={"secret": fingerprint(ServiceSecret(b"s" * 32))})
    with pytest.raises(NoEnvironmentError, match="another service secret"):
        await restore(place, backup, other)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (None, "holds no backup"),
        ({"format": FORMAT - 1}, f"format {FORMAT - 1}; this version reads {FORMAT}"),
        ({"format": FORMAT + 1}, f"format {FORMAT + 1}; this version reads {FORMAT}"),
        ({"objects": None}, "not the manifest"),
        ({"of_a_later_version": 1}, "not the manifest"),
    ],
)
def test_a_manifest_that_is_missing_or_of_another_version_is_refused(
    backup: Path, change: dict[str, Any] | None, told: str
) -> None:
    whole = manifest_of(backup)
    if change is not None:
        (backup / MANIFEST).write_text(json.dumps(whole.model_dump() | change))
    with pytest.raises(NoEnvironmentError, match=told):
        read_manifest(backup)
    (backup / MANIFEST).write_text(whole.model_dump_json())
    with opened(backup) as (folder, manifest):
        assert (folder, manifest) == (backup, whole)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoEnvironmentError, match="cannot be read as a backup"), opened(tmp_path / "none"):
        raise AssertionError


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("spoil", [lambda _: b"", lambda _: b"no archive", lambda whole: whole[: len(whole) // 2]])
def test_an_archive_that_is_cut_or_none_is_refused_and_leaves_nothing_behind(
    backup: Path, tmp_path: Path, mode: Any, spoil: Callable[[bytes], bytes]
) -> None:
    """Compressed, too, by whoever keeps it."""
    whole = manifest_of(backup)
    (backup / MANIFEST).write_text(whole.model_dump_json())
    (backup / "noise").write_bytes(randbytes(20_000))
    place = tmp_path / "elsewhere"
    place.mkdir()
    file = place / "backup.tar"
    with tarfile.open(file, mode) as archive:
        archive.add(backup, arcname="backup")
    with opened(file) as (folder, manifest):
        assert (sha256_of(folder / DUMP), manifest) == (whole.dump_sha256, whole)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(NoEnvironmentError, match="cannot be read as a backup"), opened(file):
        raise AssertionError
    assert list(place.iterdir()) == [file]
