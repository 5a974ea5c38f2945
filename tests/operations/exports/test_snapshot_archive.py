"""Snapshots that somebody else wrote, or changed: each refused with a sentence, having held no more than a part."""

import gzip
import hashlib
import json
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from app.kernel.dumping.members import TAR_END
from app.kernel.security.secrets import ServiceSecret
from app.operations.exports.snapshot.archive import (
    HEAD,
    MANIFEST,
    PART_BYTES,
    Chain,
    NotASnapshotError,
    fingerprint,
    head,
    member,
    part_name,
    unpack,
)
from tests.conftest import SECRET

OTHER = ServiceSecret(b"another secret, which took another snapshot of its own")
PARTS = [b"a" * 1000, b"", b"b" * 600_000]
SHA256 = hashlib.sha256(b"".join(PARTS)).hexdigest()
DESCRIBED: dict[str, Any] = {
    "version": "1", "migration": "0001", "taken_at": "2026-01-01T00:00:00+00:00", "server": 18, "dump_sha256": SHA256,
    "app_relations": [["data", "things__v1"]], "spyne_snapshot": 3, "app_role": "spyne_app", "sealing_key": "0" * 64,
    "tables": {"data.things__v1": 3, "spyne.users": 1},
}  # fmt: skip

Members = list[tuple[str, bytes]]


def contents(**changed: Any) -> Members:
    """Names and contents of a sound snapshot, as they are before they are signed."""
    parts = [(part_name(number), part) for number, part in enumerate(PARTS)]
    return [(HEAD, head(SECRET)), *parts, (MANIFEST, json.dumps(DESCRIBED | changed).encode())]


def signed(members: Members, secret: ServiceSecret = SECRET) -> Members:
    chain = Chain(secret)
    return [(name, chain.signed(content)) for name, content in members]


def tar(members: Members) -> bytes:
    return b"".join(member(name, data, 0) for name, data in members) + TAR_END


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "snapshot"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstandard.compress])
def test_a_sound_one_is_read(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    target = tmp_path / "dump"
    manifest = unpack(written(tmp_path, packed(tar(signed(contents())))), target, SECRET)
    assert target.read_bytes() == b"".join(PARTS)
    assert (manifest.rows, manifest.relations) == (4, 1)


def swapped(members: Members, first: int, second: int) -> Members:
    changed = [*members]
    changed[first], changed[second] = changed[second], changed[first]
    return changed


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def link() -> bytes:
    info = tarfile.TarInfo(part_name(0))
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info.tobuf(tarfile.GNU_FORMAT)


SOUND = signed(contents())
FOREIGN = signed(contents(), OTHER)
OLD_HEAD = b'{"spyne_snapshot":1,"migration":"0013","tables":[{"schema":"spyne"}]}'
HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "cut, or no tar"),
    "text": (b"nothing of the kind" * 50, "cut, or no tar"),
    "a tar of nothing": (TAR_END, "not whole"),
    "COPY text, the first form": (
        tar([(HEAD, OLD_HEAD), ("spyne.users/000000", b"1\t2\n")]),
        "earlier version of Spyne",
    ),
    "the first form, packed": (gzip.compress(tar([(HEAD, OLD_HEAD)])), "earlier version of Spyne"),
    "the form without tags": (tar([(part_name(0), b"PGDMP"), ("snapshot.json", b"{}")]), "earlier version of Spyne"),
    "a form to come": (tar([(HEAD, b'{"spyne_snapshot":4}')]), "version 4; this one reads 3"),
    "another secret": (tar([(HEAD, signed([(HEAD, head(OTHER))], OTHER)[0][1]), *FOREIGN[1:]]), "another SPYNE_SECRET"),
    "another secret that says it is this one": (
        tar(signed([(HEAD, head(SECRET)), *contents()[1:]], OTHER)),
        "was changed after it was written",
    ),
    "a head without a tag": (tar([(HEAD, head(SECRET)), *SOUND[1:]]), "was changed after"),
    "no tags at all": (tar(contents()), "was changed after"),
    "an empty head": (tar([(HEAD, b""), *SOUND[1:]]), "was changed after"),
    "a flipped bit in a part": (
        tar([*SOUND[:3], (SOUND[3][0], flipped(SOUND[3][1], 400_000)), SOUND[4]]),
        "was changed",
    ),
    "a flipped bit in a tag": (tar([SOUND[0], (SOUND[1][0], flipped(SOUND[1][1], 3)), *SOUND[2:]]), "was changed"),
    "a flipped bit in the manifest": (tar([*SOUND[:4], (MANIFEST, flipped(SOUND[4][1], 60))]), "was changed"),
    "parts that changed places": (
        tar([(name, data) for (name, _), (_, data) in zip(SOUND, swapped(SOUND, 1, 3), strict=True)]),
        "was changed",
    ),
    "a part less": (tar([*SOUND[:3], SOUND[4]]), "was changed"),
    "a part twice": (tar([*SOUND[:2], (part_name(1), SOUND[1][1]), *SOUND[2:]]), "was changed"),
    "a part of the snapshot before": (
        tar([*SOUND[:3], (SOUND[3][0], signed([*contents()[:3], (part_name(2), b"older")])[3][1]), SOUND[4]]),
        "was changed",
    ),
    "another name for a part": (tar([SOUND[0], ("database.dump/1", SOUND[1][1]), *SOUND[2:]]), "something else stands"),
    "a path upwards": (tar([SOUND[0], ("../../etc/passwd", SOUND[1][1]), *SOUND[2:]]), "something else stands"),
    "no manifest": (tar(SOUND[:4]), "not whole"),
    "no end and no manifest": (tar(SOUND[:4])[: -len(TAR_END)], "cut, or no tar"),
    "the manifest at once": (tar([SOUND[0], SOUND[4]]), "was changed"),
    "a part beyond its size": (tar([SOUND[0], (part_name(0), b"x" * (PART_BYTES + 33))]), "larger than parts are"),
    "a bomb": (gzip.compress(member(HEAD, bytes(PART_BYTES), 0) * 20, 1), "was changed"),
    "a bomb behind a sound head": (
        gzip.compress(tar(SOUND[:1])[: -len(TAR_END)] + member(part_name(0), bytes(PART_BYTES), 0) * 20, 1),
        "was changed",
    ),
    "gzip that is cut": (gzip.compress(tar(SOUND))[:-500], "damaged"),
    "zstd that is cut": (zstandard.compress(tar(SOUND))[:-5], "damaged"),
    "zstd that is none": (b"\x28\xb5\x2f\xfd" + b"\xff" * 50, "damaged"),
    "zip": (b"PK\x03\x04" + bytes(1000), "cut, or no tar"),
    "bzip2": (b"BZh9" + bytes(1000), "compressed"),
    "a signed manifest of another shape": (tar(signed(contents(app_role=""))), "another form"),
    "a signed manifest with SQL for a relation": (
        tar(signed(contents(app_relations=['data"; DROP TABLE spyne.users; --']))),
        "another form",
    ),
    "a signed manifest of another dump": (tar(signed(contents(dump_sha256="0" * 64))), "differs from its checksum"),
    "a link for a part": (tar(SOUND[:1])[: -len(TAR_END)] + link() + TAR_END, "something else than plain files"),
}


@pytest.mark.parametrize(("data", "told"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_or_damaged_one_is_refused_in_a_sentence(tmp_path: Path, data: bytes, told: str) -> None:
    source = written(tmp_path, data)
    tracemalloc.start()
    try:
        with pytest.raises(NotASnapshotError, match=told) as refused:
            unpack(source, tmp_path / "dump", SECRET)
        assert tracemalloc.get_traced_memory()[1] < 6 * PART_BYTES
    finally:
        tracemalloc.stop()
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600


def test_marks_of_secrets_differ() -> None:
    assert fingerprint(SECRET) != fingerprint(OTHER)
    assert len(fingerprint(SECRET)) == 16
