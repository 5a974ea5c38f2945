"""What can be shown to a stranger: that a row is in the log, and how far the log has come."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.audit.seals.canonical import encode
from app.audit.seals.chain import NO_SEAL, Checkpoint, Seal
from app.audit.seals.merkle import included, inclusion_path, leaf_hash
from app.audit.seals.seal_repository import SealReads
from app.audit.seals.signing import SealingKey
from app.kernel.db.database import ReadSession
from app.kernel.problems import Conflict, NotFound


class NotSealedYet(Conflict):
    """The row waits for its seal: a moment, or until older transactions have ended."""

    code, title = "not-sealed-yet", "The row is not sealed yet"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class NotProvable(Conflict):
    """The row is not what was sealed, or its seal is gone."""

    code, title = "not-provable", "The row is not as it was sealed"


@dataclass(frozen=True, slots=True)
class Proof:
    """A row, and the way from it to a signed root."""

    content: bytes
    """Canonical bytes of the row."""
    leaf: bytes
    index: int
    path: list[bytes]
    seal: Seal


async def proof(session: ReadSession, entry_id: UUID) -> Proof:
    """The proof that a row is in the log; the session has one snapshot.

    Raises:
        NotFound: there is no such row.
        NotSealedYet: it waits for its seal.
        NotProvable: the log was tampered with here.
    """
    seals = SealReads(session)
    values = await seals.values(entry_id)
    if values is None:
        raise NotFound
    membership = await seals.membership(entry_id)
    if membership is None:
        raise NotSealedYet
    number, index = membership
    seal, leaves = await seals.numbered(number), await seals.leaf_hashes(number)
    content = encode(values)
    leaf = leaf_hash(content)
    if seal is None or not 0 <= index < len(leaves):
        raise NotProvable
    path = inclusion_path(leaves, index)
    if not included(leaf, index, seal.count, path, seal.root):
        raise NotProvable
    return Proof(content, leaf, index, path, seal)


async def checkpoint(session: ReadSession, key: SealingKey, now: datetime) -> Checkpoint:
    """The log as it is now, signed."""
    last = await SealReads(session).last()
    return Checkpoint(
        size=0 if last is None else last.total,
        seals=0 if last is None else last.number,
        hash=NO_SEAL if last is None else last.digest(),
        time=int(now.timestamp() * 1_000_000),
        public_key=key.public,
    ).signed(key)
