"""`Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): one effect per key, the stored answer replayed.

The key's row is written in the transaction of the effect, so neither can be there without the other; an advisory
lock, which dies with its connection, shows that a request with the same key is still under way.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Header
from sqlalchemy import SmallInteger, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.database import WriteSession
from app.kernel.db.models import Base
from app.kernel.problems import BadRequest, Conflict, Fault, InvalidRequest

MAX_KEY_LENGTH = 255

REPLAYED: Final = {"Idempotency-Replayed": "true"}
"""The header of an answer that is a stored one: the request had its effect before, and has none now. Every operation
that takes a key sets it."""

REPLAYED_HEADER: Final[dict[str, Any]] = {
    "Idempotency-Replayed": {
        "description": "`true` when this is the stored answer of an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
"""The same for the OpenAPI document: what `responses` of a success say under `headers`."""


class StoredAnswer(Base):
    """What a key was answered with."""

    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(primary_key=True, comment="Caller and operation that the key belongs to")
    key: Mapped[str] = mapped_column(primary_key=True, comment="The client's Idempotency-Key")
    fingerprint: Mapped[bytes] = mapped_column(
        comment="SHA-256 of the request; another one under the same key is refused"
    )
    status: Mapped[int] = mapped_column(SmallInteger, comment="HTTP status of the stored answer")
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="The stored answer, replayed as it was")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="Time of creation")


class MalformedKey(BadRequest):
    """The header is empty, too long or holds control characters."""

    code, title = "malformed-idempotency-key", "The Idempotency-Key is malformed"


class KeyInUse(Conflict):
    """A request with this key is still under way."""

    code, title = "idempotency-key-in-use", "A request with this Idempotency-Key is under way"


class KeyReused(InvalidRequest):
    """The key came with another request before."""

    code, title = "idempotency-key-reused", "The Idempotency-Key belongs to another request"

    def __init__(self) -> None:
        message = "Use a fresh key for another body or operation."
        super().__init__(faults=[Fault(pointer="header/Idempotency-Key", code=self.code, message=message)])


@dataclass(frozen=True, slots=True)
class Replay:
    """A stored answer."""

    fingerprint: bytes
    status: int
    answer: dict[str, Any]

    def require_same(self, fingerprint: bytes) -> None:
        """Return when the request is the one that was answered. Raises `KeyReused`."""
        if fingerprint != self.fingerprint:
            raise KeyReused


async def header(
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key", description="Makes a retry safe: the same key and body answer the stored report."
        ),
    ] = None,
) -> str | None:
    """The client's key, checked; None when there is none. Raises `MalformedKey`."""
    if idempotency_key is None:
        return None
    key = idempotency_key.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':  # noqa: PLR2004 - the draft's structured-field string has two quotes
        key = key[1:-1]
    if not key or len(key) > MAX_KEY_LENGTH or not key.isprintable() or not key.isascii():
        raise MalformedKey(f"Use 1 to {MAX_KEY_LENGTH} printable ASCII characters.")
    return key


class IdempotencyKeys:
    """The keys of one scope (caller and operation), within a transaction."""

    def __init__(self, session: WriteSession, scope: str) -> None:
        self._session = session
        self._scope = scope

    async def claim(self, key: str) -> Replay | None:
        """The stored answer, or None when the key is now this transaction's. Raises `KeyInUse`."""
        digest = hashlib.sha256(f"{self._scope}\x00{key}".encode()).digest()
        lock = int.from_bytes(digest[:8], "big", signed=True)
        if not (await self._session.execute(select(func.pg_try_advisory_xact_lock(lock)))).scalar_one():
            raise KeyInUse("Wait for its answer, then repeat the request.", headers={"Retry-After": "1"})
        found = await self._session.get(StoredAnswer, (self._scope, key))
        return Replay(found.fingerprint, found.status, found.answer) if found else None

    async def store(self, key: str, fingerprint: bytes, status: int, answer: dict[str, Any]) -> None:
        """Keep the answer; it becomes replayable with the commit of the effect."""
        self._session.add(
            StoredAnswer(scope=self._scope, key=key, fingerprint=fingerprint, status=status, answer=answer)
        )
        await self._session.flush()
