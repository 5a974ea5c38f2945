"""Archives that were not written by who has the secret, and such that were, and are damaged or of another shape.

Each is refused with a sentence, before a database is asked or anything is written; nothing of it is left.
"""

import gzip
import json
import os
import struct
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.commands import manifest as manifests
from app.commands.environment import NoEnvironmentError
from app.commands.manifest import DUMP, MAC, MANIFEST, Manifest, object_file
from app.commands.restore import FOLDER, opened
from app.kernel.security.secrets import ServiceSecret
from tests.commands.backups import Member, manifest, members_of, named, rewrite, write_folder, write_tar
from tests.conftest import SECRET

OTHER = ServiceSecret(b"a secret that is another one, and as long as secrets are")
SQL = "CREATE TABLE public.pwned (a int)"


def refused(source: Path, told: str, secret: ServiceSecret = SECRET) -> str:
    """The sentence by which the backup is refused; nothing is left beside it."""
    before = sorted(source.parent.iterdir())
    with pytest.raises(NoEnvironmentError, match=told) as error, opened(source, secret):
        raise AssertionError
    assert sorted(source.parent.iterdir()) == before
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


# Changes to the members of a tar: what they are called, and what is said.
Changed = Callable[[list[Member]], list[Member]]


def at(name: str, change: Callable[[Member], list[Member]]) -> Changed:
    """The members, with one of them replaced."""

    def changed(members: list[Member]) -> list[Member]:
        return [new for old in members for new in (change(old) if old[0].name == f"{FOLDER}/{name}" else [old])]

    return changed


def content(name: str, change: Callable[[bytes], bytes]) -> Changed:
    return at(name, lambda member: [named(member[0].name, change(member[1]))])


def document(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Changed:
    return content(MANIFEST, lambda data: json.dumps(change(json.loads(data))).encode())


def before(name: str, *more: Member) -> Changed:
    return at(name, lambda member: [*more, member])


FIRST = object_file(0)
FORGED: dict[str, tuple[Changed, str]] = {
    "the dump's checksum is that of another dump": (
        lambda members: document(lambda found: found | {"dump_sha256": "0" * 64})(
            content(DUMP, lambda _: b"hostile")(members)
        ),
        "was changed after it was written",
    ),
    "SQL among the settings of logins, as of old": (
        document(lambda found: found | {"role_settings": [SQL]}),
        "was changed after it was written",
    ),
    "SQL for the name of a relation": (
        document(lambda found: found | {"app_relations": [f'data"; {SQL}; --']}),
        "was changed after it was written",
    ),
    "a setting that loads code": (
        document(lambda found: found | {"query_login": {"settings": {"session_preload_libraries": "evil"}}}),
        "was changed after it was written",
    ),
    "a key that leads out of the store": (
        document(lambda found: found | {"objects": [{"key": "../../etc/cron.d/x", "size": 1, "sha256": "0" * 64}]}),
        "was changed after it was written",
    ),
    "no tag": (at(MAC, lambda _: []), "was changed after it was written"),
    "an empty tag": (content(MAC, lambda _: b""), "was changed after it was written"),
    "the tag in capitals": (content(MAC, bytes.upper), "was changed after it was written"),
    "a longer tag": (content(MAC, lambda tag: tag + b"0"), "was changed after it was written"),
    "a tag of nothing but zeros": (content(MAC, lambda tag: b"0" * len(tag)), "was changed after it was written"),
    "one space more in the manifest": (content(MANIFEST, lambda data: data + b" "), "was changed after it was written"),
    "the format of old, which had no tag": (
        document(lambda found: found | {"format": 1, "role_settings": [SQL]}),
        "did not sign backups",
    ),
    "a format to come": (document(lambda found: found | {"format": 3}), "has format 3; this version reads 2"),
    "a format beyond all numbers": (document(lambda found: found | {"format": 10**50}), "holds no manifest"),
    "no format": (document(lambda _: {"a": 1}), "holds no manifest"),
    "a list for a manifest": (content(MANIFEST, lambda _: b"[1]"), "holds no manifest"),
    "no JSON": (content(MANIFEST, lambda _: b"\xff\x00{"), "holds no manifest"),
    "JSON that is nested without end": (content(MANIFEST, lambda _: b"[" * 200_000), "holds no manifest"),
    "another secret": (
        document(lambda found: found | {"secret": manifests.fingerprint(OTHER)}),
        "under another service secret",
    ),
    "a dump of one byte less": (content(DUMP, lambda data: data[:-1]), "database.dump is not the file"),
    "a dump of one byte more": (content(DUMP, lambda data: data + b"x"), "database.dump has more bytes"),
    "another dump of this size": (content(DUMP, lambda data: b"b" * len(data)), "database.dump is not the file"),
    "another object of this size": (
        content(FIRST, lambda data: b"b" * len(data)),
        "raw/things_v1/1.zst of the backup is not",
    ),
    "a shorter object": (content(FIRST, lambda data: data[:-1]), "raw/things_v1/1.zst of the backup is not"),
    "a longer object": (content(FIRST, lambda data: data + b"x"), "has more bytes"),
    "no such object": (at(FIRST, lambda _: []), "something else stands where"),
    "the last object is missing": (at(object_file(2), lambda _: []), f"{object_file(2)} is missing"),
    "objects that changed places": (
        lambda members: [*members[:-2], members[-1], members[-2]],
        "something else stands where",
    ),
    "a member twice": (at(FIRST, lambda member: [member, member]), "something else stands where"),
    "a member that nothing names": (lambda members: [*members, named("backup/more", b"x")], "holds more than it says"),
    "a path of the whole machine": (
        lambda members: [*members, named("/etc/cron.d/x", b"x")],
        "holds more than it says",
    ),
    "a path upwards before all": (before(MANIFEST, named("../../x", b"x")), "something else stands where"),
    "a link for the manifest": (
        at(MANIFEST, lambda member: [named(member[0].name, kind=tarfile.SYMTYPE, link="/etc/passwd")]),
        "something else than plain files",
    ),
    "a link for the dump": (
        at(DUMP, lambda member: [named(member[0].name, kind=tarfile.SYMTYPE, link="/dev/zero")]),
        "something else than plain files",
    ),
    "a hard link": (
        at(FIRST, lambda member: [named(member[0].name, kind=tarfile.LNKTYPE, link=f"{FOLDER}/{DUMP}")]),
        "something else than plain files",
    ),
    "a device": (at(FIRST, lambda member: [named(member[0].name, kind=tarfile.CHRTYPE)]), "something else than plain"),
    "a pipe": (at(DUMP, lambda member: [named(member[0].name, kind=tarfile.FIFOTYPE)]), "something else than plain"),
    "a folder": (before(MANIFEST, named(FOLDER, kind=tarfile.DIRTYPE)), "something else than plain files"),
    "the manifest after the dump": (lambda members: [members[2], *members[:2], *members[3:]], "something else stands"),
}


@pytest.mark.parametrize(("change", "told"), FORGED.values(), ids=FORGED.keys())
def test_a_tar_that_somebody_changed(tmp_path: Path, change: Changed, told: str) -> None:
    source = write_tar(tmp_path / "backup.tar", manifest())
    rewrite(source, change(members_of(source)))
    refused(source, told)


def pax(name: str, value: str) -> bytes:
    info = tarfile.TarInfo(f"{FOLDER}/{MANIFEST}")
    info.pax_headers = {name: value}
    return info.tobuf(tarfile.PAX_FORMAT)


def gigabytes(kind: bytes) -> bytes:
    """A header that announces 8 GiB of names."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, 8 << 30
    return info.tobuf(tarfile.GNU_FORMAT)


def negative() -> bytes:
    info = tarfile.TarInfo(f"{FOLDER}/{MANIFEST}")
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 12  # -1, in base 256
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\x00 " % sum(block[:512])
    return bytes(block)


RAW: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda _: b"", "cut, or no tar"),
    "text": (lambda _: b"no archive", "cut, or no tar"),
    "zeros": (lambda _: bytes(10_240), "manifest.json is missing"),
    "noise": (lambda _: os.urandom(10_240), "cut, or no tar"),
    "half of it": (lambda whole: whole[: len(whole) // 2], "cut"),
    "all but its end": (lambda whole: whole[: len(whole) - 1024], "cut, or no tar"),
    "half a header": (lambda whole: whole[:300], "cut, or no tar"),
    "a wrong checksum in the header": (lambda whole: b"x" + whole[1:], "cut, or no tar"),
    "packed with gzip": (gzip.compress, "is compressed: unpack it"),
    "a bomb": (lambda _: gzip.compress(bytes(50_000_000)), "is compressed: unpack it"),
    "packed with zstd": (lambda _: b"\x28\xb5\x2f\xfd" + bytes(600), "is compressed: unpack it"),
    "a header of eight gigabytes, GNU": (lambda _: gigabytes(tarfile.GNUTYPE_LONGNAME), "something else than plain"),
    "a header of eight gigabytes, pax": (lambda _: gigabytes(tarfile.XHDTYPE), "something else than plain"),
    "a name that pax gives": (lambda whole: pax("path", "/etc/passwd") + whole, "something else than plain"),
    "a size that pax gives": (lambda whole: pax("size", str(1 << 60)) + whole, "something else than plain"),
    "a sparse file": (lambda _: gigabytes(tarfile.GNUTYPE_SPARSE), "something else than plain"),
    "a size below nothing": (lambda _: negative(), "no tar|something else"),
    "a zip": (lambda _: b"PK\x03\x04" + struct.pack("<I", 20) + bytes(1000), "cut, or no tar"),
}


@pytest.mark.parametrize(("spoil", "told"), RAW.values(), ids=RAW.keys())
def test_a_file_that_is_no_tar_of_ours(tmp_path: Path, spoil: Callable[[bytes], bytes], told: str) -> None:
    source = write_tar(tmp_path / "backup.tar", manifest())
    source.write_bytes(spoil(source.read_bytes()))
    tracemalloc.start()
    try:
        refused(source, told)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


def link_to(target: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.unlink()
        path.symlink_to(target)

    return change


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", [MANIFEST, DUMP, FIRST])
@pytest.mark.parametrize(
    "change",
    [link_to("/dev/zero"), link_to("/etc/passwd"), link_to("/nowhere"), pipe, folder, Path.unlink],
    ids=["device", "file", "nowhere", "pipe", "folder", "gone"],
)
def test_a_folder_whose_files_are_something_else(tmp_path: Path, name: str, change: Callable[[Path], None]) -> None:
    source = write_folder(tmp_path / "backup", manifest())
    change(source / name)
    refused(source, "is not there, or no plain file|is no plain file")


SHAPES: dict[str, dict[str, Any]] = {
    "a relation elsewhere": {"app_relations": [("public", "things")]},
    "a relation without a name": {"app_relations": [("data", "")]},
    "a name with a line break": {"app_relations": [("data", "a\nb")]},
    "a key upwards": {"objects": [{"key": "../x", "size": 0, "sha256": "0" * 64}]},
    "a key of the whole machine": {"objects": [{"key": "/etc/x", "size": 0, "sha256": "0" * 64}]},
    "a size below nothing": {"dump_size": -1},
    "a server of another world": {"server": 3},
    "a version with a line break": {"version": "1\n"},
    "a migration that is a sentence": {"migration": "0001; DROP"},
    "a field that no version had": {"more": 1},
    "a setting that loads code": {"app_login": {"connection_limit": 1, "settings": {"local_preload_libraries": "x"}}},
    "a setting that is SQL": {"query_login": {"connection_limit": 1, "settings": {"work_mem": f"1; {SQL}"}}},
    "a limit that is none": {"query_login": {"connection_limit": -2, "settings": {}}},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_manifest_of_another_shape_is_refused_also_when_it_is_signed(tmp_path: Path, shape: dict[str, Any]) -> None:
    source = write_folder(tmp_path / "backup", manifest())
    described = json.loads((source / MANIFEST).read_bytes()) | shape
    written, tag = json.dumps(described).encode(), manifests.Tag(SECRET)
    tag.update(written)
    (source / MANIFEST).write_bytes(written)
    (source / MAC).write_text(tag.hexdigest())
    refused(source, "not one that this version reads")


@pytest.mark.parametrize("write", [write_folder, write_tar])
def test_a_backup_is_read_under_its_own_secret_alone(
    tmp_path: Path, write: Callable[[Path, Manifest, ServiceSecret], Path]
) -> None:
    source = write(tmp_path / "backup", manifest(), SECRET)
    with opened(source, SECRET) as backup:
        assert backup.manifest == manifest()
        assert backup.dump.read_bytes() == b"a dump"
        assert b"".join(backup.members.blocks(FIRST)) == b"a body"
        assert backup.dump.parent.stat().st_mode & 0o077 == 0
        if source.is_dir():
            (source / DUMP).write_bytes(b"later")
        assert backup.dump.read_bytes() == b"a dump", "what was looked through is what is restored"
    refused(source, "under another service secret|was changed", OTHER)


def test_there_is_no_such_file(tmp_path: Path) -> None:
    refused(tmp_path / "none", "there is no such file")
