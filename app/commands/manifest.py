"""What a backup says of itself: `manifest.json`, and `manifest.mac`, by which only who has the service secret says it.

The manifest names size and SHA-256 of everything else in the backup, so that one tag vouches for all of it. Until the
tag was found right, nothing of a backup is parsed; after that it is still held to these shapes.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, ValidationError

from app.commands.environment import NoEnvironmentError
from app.commands.login_settings import LoginSettings
from app.kernel.dumping.engine import Copy, Sha256
from app.kernel.schemas import StrictModel
from app.kernel.security.secrets import ServiceSecret
from app.kernel.storage.object_storage import check_key
from app.settings import Settings

FORMAT: Final = 2
MANIFEST: Final = "manifest.json"
MAC: Final = "manifest.mac"
DUMP: Final = "database.dump"
OBJECTS: Final = "objects"
_PER_FOLDER: Final = 1000
_MAC_PURPOSE: Final = "backup:manifest"
"""Of the key that signs manifests (HMAC-SHA-256); it is used for nothing else."""

_EXPLAINED: Final = 64 * 1024 * 1024
"""Of a longer manifest that bears a wrong tag is said that it cannot be read."""

_UNSIGNED: Final = (
    "It was made by a version of Spyne that did not sign backups, so nobody can tell who wrote what is in it. Restore "
    "it with the version that made it, in a place of its own, and back up from there."
)


class SavedObject(StrictModel):
    """A stored object within a backup, in the file that its place in the list gives (`object_file`)."""

    key: Annotated[str, AfterValidator(check_key)]
    size: int = Field(ge=0)
    sha256: Sha256


class Manifest(Copy):
    """What is in a backup, and what it needs."""

    format: Literal[2] = FORMAT
    dump_size: int = Field(ge=0)
    secret: str = Field(
        description="Shows whether a service secret is the one; gives nothing of it away.", pattern="^[0-9a-f]{16}$"
    )
    app_role: str = Field(description="The runtime login, which the dump grants to.", min_length=1, max_length=63)
    query_role: str = Field(description="The query login.", min_length=1, max_length=63)
    objects: list[SavedObject]
    gone: list[str] = Field(description="Objects that were removed while the backup was taken.")
    left_out: list[str] = Field(description="Relations of others, which the owner may not read.")
    app_login: LoginSettings = Field(description="What is set for the runtime login.")
    query_login: LoginSettings = Field(description="What is set for the query login.")
    checkpoint: dict[str, Any] = Field(description="Of the audit log, signed.")


def object_file(number: int) -> str:
    """The file of an object within a backup, by its place in the manifest: no key is ever a path."""
    return f"{OBJECTS}/{number // _PER_FOLDER:06}/{number % _PER_FOLDER:03}"


def fingerprint(secret: ServiceSecret) -> str:
    """The mark by which a backup knows the service secret: 64 bits of a key that is used for nothing else."""
    return hmac.new(secret.key("backup:1"), b"fingerprint", hashlib.sha256).hexdigest()[:16]


class Tag:
    """The tag of a manifest, over its bytes as they come."""

    def __init__(self, secret: ServiceSecret) -> None:
        self._mac = hmac.new(secret.key(_MAC_PURPOSE), digestmod=hashlib.sha256)

    def update(self, block: bytes) -> None:
        """Take the next bytes."""
        self._mac.update(block)

    def hexdigest(self) -> str:
        """The tag: 64 hexadecimal digits."""
        return self._mac.hexdigest()

    def matches(self, given: bytes) -> bool:
        """Whether this is the tag; takes as long for every wrong one."""
        return hmac.compare_digest(self.hexdigest().encode(), given)


def parse(path: Path) -> Manifest:
    """The manifest in a file whose tag was found right. Raises `NoEnvironmentError`."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise NoEnvironmentError("The manifest of the backup is not one that this version reads.") from error


def explain(path: Path, name: Path, secret: ServiceSecret) -> NoEnvironmentError:
    """The refusal of a manifest whose tag is not right, in words: another secret, an older backup, or forged.

    Args:
        path: of the manifest, of which nothing is believed but which of these sentences fits.
        name: of the backup.
        secret: the one here.
    """
    try:
        with path.open("rb") as file:
            claimed = _Claimed.model_validate_json(file.read(_EXPLAINED))
    except ValidationError:
        return NoEnvironmentError(f"{name} holds no manifest of a backup that this version reads.")
    if claimed.format < FORMAT:
        return NoEnvironmentError(f"{name} is a backup of format {claimed.format}. {_UNSIGNED}")
    if claimed.format > FORMAT:
        return NoEnvironmentError(f"The backup has format {claimed.format}; this version reads {FORMAT}.")
    if claimed.secret != fingerprint(secret):
        return NoEnvironmentError(
            "The backup was made under another service secret: without it nothing encrypted can be read and no audit "
            "seal verified. Set SPYNE_SECRET, or put its file at <SPYNE_HOME>/secret."
        )
    return NoEnvironmentError(f"{name} was changed after it was written: its manifest does not bear this secret's tag.")


class _Claimed(StrictModel, extra="ignore"):
    """What a manifest says of its form; whoever wrote it may have lied."""

    format: int = Field(ge=0, le=999)
    secret: str


def require_secret(settings: Settings) -> None:
    """Return when there is a secret, so that none is made. Raises `NoEnvironmentError`."""
    if settings.secret is None and not (settings.home / "secret").exists():
        raise NoEnvironmentError(
            f"There is no service secret here. Bring that of the backup: SPYNE_SECRET, or {settings.home / 'secret'}."
        )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
