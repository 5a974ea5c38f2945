"""What a backup says of itself: `manifest.json`, written last, so that a backup without one is none."""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError

from app.commands.environment import NoEnvironmentError
from app.kernel.dumping.engine import Copy
from app.kernel.security.secrets import ServiceSecret
from app.settings import Settings

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DUMP: Final = "database.dump"
OBJECTS: Final = "objects"
BLOCK: Final = 1024 * 1024


class SavedObject(BaseModel):
    """A stored object within a backup."""

    key: str
    size: int
    sha256: str


class Manifest(Copy):
    """What is in a backup, and what it needs."""

    format: int = FORMAT
    secret: str = Field(description="Shows whether a service secret is the one; gives nothing of it away.")
    objects: list[SavedObject]
    gone: list[str] = Field(description="Objects that were removed while the backup was taken.")
    role_settings: list[str] = Field(description="Statements that set up the logins beyond their passwords.")
    checkpoint: dict[str, Any] = Field(description="Of the audit log, signed.")


def fingerprint(secret: ServiceSecret) -> str:
    """The mark by which a backup knows the service secret: 64 bits of a key that is used for nothing else."""
    return hmac.new(secret.key("backup:1"), b"fingerprint", hashlib.sha256).hexdigest()[:16]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Raises `NoEnvironmentError`."""
    try:
        found = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise NoEnvironmentError(f"{folder} holds no backup: {MANIFEST} cannot be read.") from error
    except ValidationError as error:
        raise NoEnvironmentError(
            f"{folder / MANIFEST} is not the manifest of a backup that this version reads."
        ) from error
    if found.format != FORMAT:
        raise NoEnvironmentError(f"The backup has format {found.format}; this version reads {FORMAT}.")
    return found


def check_secret(manifest: Manifest, secret: ServiceSecret) -> None:
    """Return when the secret is that of the backup. Raises `NoEnvironmentError`."""
    if not hmac.compare_digest(manifest.secret, fingerprint(secret)):
        raise NoEnvironmentError(
            "The backup was made under another service secret: without it nothing encrypted can be read and no audit "
            "seal verified. Set SPYNE_SECRET, or put its file at <SPYNE_HOME>/secret."
        )


def require_secret(settings: Settings) -> None:
    """Return when there is a secret, so that none is made. Raises `NoEnvironmentError`."""
    if settings.secret is None and not (settings.home / "secret").exists():
        raise NoEnvironmentError(
            f"There is no service secret here. Bring that of the backup: SPYNE_SECRET, or {settings.home / 'secret'}."
        )


def blocks(path: Path) -> Iterator[bytes]:
    """The content of a file."""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    for block in blocks(path):
        digest.update(block)
    return digest.hexdigest()
