"""What is asked for becomes a draft. Requests are HTTP's, drafts are what runs are made of."""

from uuid import UUID

from app.ingestion.quarantine.repository import RowFilter
from app.ingestion.runs.applying import Tools
from app.ingestion.runs.parts import Draft
from app.ingestion.runs.quarantine import QuarantineReplays
from app.ingestion.runs.replays import Replays
from app.ingestion.runs.rollbacks import Rollbacks
from app.ingestion.runs.schemas import (
    BackfillRequest,
    QuarantineReplayRequest,
    ReplayRequest,
    RollbackRequest,
    RunRequest,
)
from app.kernel.db.database import WriteSession


async def draft(session: WriteSession, tools: Tools, wanted: RunRequest, batch_id: UUID | None) -> Draft:
    """The draft of what is wanted, of this batch when the request is about one. Raises what stands in its way."""
    match wanted:
        case RollbackRequest():
            assert batch_id is not None
            rollbacks = Rollbacks(session, tools.clock)
            return await rollbacks.draft(batch_id, cascade=wanted.cascade, then_replay=wanted.then_replay)
        case QuarantineReplayRequest():
            assert batch_id is not None
            refused = QuarantineReplays(session, tools.raw, tools.rules, tools.kinds, tools.clock)
            return await refused.draft(batch_id, RowFilter(code=wanted.code, column=wanted.column))
        case ReplayRequest():
            replays = Replays(session, tools.raw, tools.rules, tools.kinds)
            return await replays.draft(
                wanted.contract_id,
                batch_ids=wanted.batch_ids,
                begin=wanted.begin,
                end=wanted.end,
                into=wanted.into,
                skip_missing=wanted.skip_missing,
            )
        case BackfillRequest():
            return await tools.backfills(session).draft(wanted)
    raise TypeError(type(wanted))
