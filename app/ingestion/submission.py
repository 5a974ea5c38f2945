"""A request to take a batch in, whether it is admitted, and its stored answer: the same for both use cases.

`service.py` merges at once, `deferred.py` accepts now and merges in the background.
"""

import hashlib
import time
from dataclasses import dataclass, field
from uuid import UUID

from app.catalog.contracts.record import IngestionContract
from app.catalog.contracts.service import ContractNotFound, ContractReading
from app.catalog.tables.registry import TableNotWritable
from app.ingestion.decoding.body import BatchBody, Representation
from app.ingestion.models import BatchRow
from app.ingestion.quarantine.problems import NothingAccepted
from app.ingestion.schemas import BatchReport
from app.kernel.correlation import correlation_id
from app.kernel.db.database import Units, WriteSession
from app.kernel.http.idempotency import REPLAYED, IdempotencyKeys
from app.kernel.ids import new_id
from app.kernel.problems import Problem
from app.kernel.security.authorization import Actor
from app.operations.modes.modes import NotIngestionReady
from app.operations.modes.service import require_ingestion_ready

REFUSED_AT_ONCE = (NotIngestionReady, ContractNotFound, TableNotWritable)
"""Refusals that need no body to be known. A request that was answered before gets its stored answer all the same."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A request to take a batch in."""

    contract_id: str
    representation: Representation
    body: BatchBody
    idempotency_key: str | None
    max_rejected: str | None
    started: float = field(default_factory=time.monotonic)
    """When the request came, by the monotonic clock."""

    @property
    def fingerprint(self) -> bytes:
        """What names the request under its key: the body as sent, what it says it is, its limits. Once it is read."""
        described = f"{self.representation.format}\n{self.representation.coding}\n{self.max_rejected}\n"
        return hashlib.sha256(described.encode() + self.body.sha256).digest()


CREATED, ACCEPTED = 201, 202
"""Statuses of the report of a batch that is merged, and of one that will be."""

RESPOND_ASYNC = "respond-async"
"""RFC 7240, section 4.1."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A report, and the HTTP status it is answered with."""

    report: BatchReport
    status: int
    replayed: bool = False
    """Whether this is the stored answer of an earlier request."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        found = {"Location": f"/api/ingestion/batches/{self.report.id}"}
        if self.status == ACCEPTED:
            found["Preference-Applied"] = RESPOND_ASYNC
        return found | (REPLAYED if self.replayed else {})

    def accepted(self) -> BatchReport:
        """The report of a batch of which something was accepted, or will be looked at. Raises `NothingAccepted`."""
        if self.status == NothingAccepted.status and self.report.problem is not None:
            raise NothingAccepted.again(self.report.problem, self.headers)
        return self.report


def new_batch(actor: Actor, submission: Submission, batch_id: UUID | None = None) -> BatchRow:
    """The batch that a request brings, with an id of its own when none is given."""
    coding = submission.representation.coding.value
    return BatchRow(
        id=batch_id or new_id(),
        contract_id=submission.contract_id,
        status="pending",
        kind="batch",
        media_type=submission.representation.format.value,
        encoding=None if coding == "identity" else coding,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        actor_label=actor.label,
        max_rejected={"limit": submission.max_rejected} if submission.max_rejected is not None else None,
        counts={},
        fault_counts=[],
        notices=[],
        drift=[],
        quarantined_rows=0,
        rows_received=0,
        bytes_received=submission.body.bytes,
        sha256=submission.body.sha256,
        correlation_id=correlation_id(),
    )


class StoredAnswers:
    """The stored answer of a request, under its key among those of this sender for batches of this contract."""

    def __init__(self, session: WriteSession, actor: Actor, submission: Submission) -> None:
        self._keys = IdempotencyKeys(session, f"ingest:{actor.kind}:{actor.id}:{submission.contract_id}")
        self._submission = submission

    async def replay(self) -> Answer | None:
        """The stored answer; None when the request has no key or its key is now this transaction's.

        Raises:
            KeyInUse: a request with this key is under way.
            KeyReused: the key came with another request before.
        """
        key = self._submission.idempotency_key
        replay = None if key is None else await self._keys.claim(key)
        if replay is None:
            return None
        await self._submission.body.drain()
        replay.require_same(self._submission.fingerprint)
        return Answer(BatchReport.model_validate(replay.answer), replay.status, replayed=True)

    async def store(self, answer: Answer) -> None:
        """Keep the answer for repetitions of the request, when it has a key."""
        if (key := self._submission.idempotency_key) is not None:
            content = answer.report.model_dump(mode="json")
            await self._keys.store(key, self._submission.fingerprint, answer.status, content)


async def admitted(units: Units, submission: Submission) -> IngestionContract:
    """The contract, when batches may come in under it now. Raises one of `REFUSED_AT_ONCE`."""
    async with units.read() as session:
        await require_ingestion_ready(session)
        return await ContractReading(session).for_ingestion(submission.contract_id)


async def answered_before(units: Units, actor: Actor, submission: Submission, refusal: Problem) -> Answer:
    """The stored answer to a request that would be refused by now. Raises the refusal when there is none."""
    if submission.idempotency_key is not None:
        async with units.write() as session:
            stored = await StoredAnswers(session, actor, submission).replay()
        if stored is not None:
            return stored
    raise refusal
