"""A backup is compared with its manifest, file by file, before anything is written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.commands.environment import Environment, NoEnvironmentError
from app.commands.manifest import DUMP, OBJECTS, Manifest, SavedObject, fingerprint, sha256_of
from app.commands.restore import restore
from app.kernel.db.connections import DatabaseUrls
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
