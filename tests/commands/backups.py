"""Backups for tests, written and signed as the service does, from files that are no database."""

import hashlib
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.commands.backup import _pack, _sign
from app.commands.login_settings import LoginSettings
from app.commands.manifest import DUMP, Manifest, SavedObject, fingerprint, object_file
from app.kernel.db import migrations
from app.kernel.security.secrets import ServiceSecret
from tests.conftest import SECRET

BODIES = {"raw/things_v1/1.zst": b"a body", "raw/things_v1/2.zst": b"", "exports/3.csv": b"x" * 2000}
DUMP_BYTES = b"a dump"


def manifest(**changed: Any) -> Manifest:
    """The manifest of a small backup."""
    objects = [
        SavedObject(key=key, size=len(body), sha256=hashlib.sha256(body).hexdigest()) for key, body in BODIES.items()
    ]
    whole = Manifest(
        version="1", migration=migrations.head(), taken_at="2026-01-01T00:00:00+00:00", server=18,
        dump_sha256=hashlib.sha256(DUMP_BYTES).hexdigest(), dump_size=len(DUMP_BYTES),
        app_relations=[("data", "things__v1")], secret=fingerprint(SECRET), gone=[], left_out=[],
        app_role="spyne_app", query_role="spyne_query", app_login=LoginSettings(), query_login=LoginSettings(),
        checkpoint={}, objects=objects,
    )  # fmt: skip
    return whole.model_copy(update=changed)


def write_folder(folder: Path, described: Manifest, secret: ServiceSecret = SECRET) -> Path:
    """The backup as a folder."""
    folder.mkdir()
    (folder / DUMP).write_bytes(DUMP_BYTES)
    for number, body in enumerate(BODIES.values()):
        path = folder / object_file(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    _sign(described, secret, folder)
    return folder


def write_tar(target: Path, described: Manifest, secret: ServiceSecret = SECRET) -> Path:
    """The backup as one file."""
    folder = write_folder(target.with_name("packing"), described, secret)
    _pack(folder, described, target)
    return target


Member = tuple[tarfile.TarInfo, bytes]


def members_of(path: Path) -> list[Member]:
    """The members of a tar, to be written again otherwise."""
    with tarfile.open(path) as archive:
        found = []
        for info in archive:
            content = archive.extractfile(info)
            found.append((info, b"" if content is None else content.read()))
        return found


def rewrite(path: Path, members: Iterable[Member], form: int = tarfile.GNU_FORMAT) -> None:
    """A tar of these members, as any program could have written it."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content) if info.isreg() else None)
    path.write_bytes(written.getvalue())


def named(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> Member:
    """A member with this name."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = (len(content) if kind == tarfile.REGTYPE else 0), kind, link
    return info, content
