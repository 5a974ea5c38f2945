"""Asking for an export. What may be exported is for the source to say, here and again at the download."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.http.idempotency import REPLAYED, IdempotencyKeys
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.ports.export_formats import Compression, Format
from app.kernel.ports.exports import ExportSource, ExportSources, FilterParams
from app.kernel.problems import Fault, faults_within
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor
from app.operations.exports.actions import ENTITY, ExportAction
from app.operations.exports.models import ExportRow
from app.operations.exports.permissions import require_right
from app.operations.exports.problems import InvalidExport, TooManyExports
from app.operations.exports.repository import ExportWrites
from app.operations.exports.schemas import ExportDocument, NewExport
from app.operations.exports.states import EXPORT_JOB, ExportStatus


@dataclass(frozen=True, slots=True)
class RequestedExport:
    """An export, and whether it is the stored answer of an earlier request."""

    document: ExportDocument
    replayed: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        return {"Location": f"/system/exports/{self.document.id}"} | (REPLAYED if self.replayed else {})


class ExportRequests:
    """Takes requests for exports, in transactions of its own: a source may run a statement between two of them."""

    def __init__(self, resources: Resources) -> None:
        """Binds to all of the process's resources, since each source builds the services that it needs from them."""
        self._resources = resources
        self._sources = resources.extensions.of(ExportSources)

    async def request(self, actor: Actor, wanted: NewExport, key: str | None) -> RequestedExport:
        """The export, pending, its job on the way; or the stored answer of the request that came with this key.

        Raises:
            InvalidExport: there is no such source, or it cannot be asked so.
            Forbidden: the source needs more than the actor may.
            TooManyExports: the actor has many under way.
            Problem: of the source, which finds nothing to export.
        """
        if key is not None:  # looked for first, as a source may have been used up by the first request
            async with self._resources.database.write() as session:
                stored = await _replayed(_keys(session, actor), key, wanted)
            if stored is not None:
                return RequestedExport(stored, replayed=True)
        source, params = self._checked(wanted)
        require_right(actor, source)
        subject = await source.prepare(self._resources, actor, params)

        async def accept(session: WriteSession) -> RequestedExport:
            keys = _keys(session, actor)
            if key is not None and (stored := await _replayed(keys, key, wanted)) is not None:
                return RequestedExport(stored, replayed=True)
            made = await self._accept(session, actor, source, wanted, params, subject)
            if key is not None:
                await keys.store(key, _fingerprint(wanted), 202, made.model_dump(mode="json"))
            return RequestedExport(made)

        return await self._resources.database.run(accept)

    def _checked(self, wanted: NewExport) -> tuple[ExportSource, FilterParams]:
        source = self._sources.get(wanted.job_type)
        if source is None:
            names = ", ".join(self._sources.names())
            raise InvalidExport([Fault(pointer="/job_type", code="unknown-job-type", message=f"There are {names}.")])
        faults = []
        if wanted.format not in source.formats:
            names = ", ".join(sorted(source.formats))
            faults.append(Fault(pointer="/format", code="unknown-format", message=f"{source.name} comes as {names}."))
        if wanted.format is Format.PARQUET and wanted.compression is not Compression.NONE:
            message = "Parquet is packed within: leave it `none`."
            faults.append(Fault(pointer="/compression", code="packed-twice", message=message))
        try:
            params = source.params.model_validate(wanted.filter_params)
        except ValidationError as error:
            raise InvalidExport([*faults, *faults_within("/filter_params", error)]) from None
        if faults:
            raise InvalidExport(faults)
        return source, params

    async def _accept(
        self,
        session: WriteSession,
        actor: Actor,
        source: ExportSource,
        wanted: NewExport,
        params: FilterParams,
        subject: Mapping[str, Any],
    ) -> ExportDocument:
        exports = ExportWrites(session)
        if await exports.open_of(actor.kind.value, actor.id) >= self._resources.settings.exports.max_open_per_caller:
            raise TooManyExports("Wait for the exports that you have asked for.", headers={"Retry-After": "60"})
        export_id = new_id()
        await source.claim(session, actor, export_id, subject)
        row = ExportRow(
            id=export_id,
            job_type=source.name,
            filter_params=params.model_dump(mode="json", exclude_none=True),
            subject=dict(subject),
            format=wanted.format.value,
            compression=wanted.compression.value,
            csv_formulas=wanted.csv_formulas.value,
            csv_bom=wanted.csv_bom,
            status=ExportStatus.PENDING.value,
            requested_by_kind=actor.kind.value,
            requested_by_id=actor.id,
            requested_by=actor.label,
        )
        row.run_id = await enqueue(session, EXPORT_JOB, {"export_id": export_id}, actor=actor)
        await exports.add(row)
        await session.refresh(row)
        after = {"job_type": row.job_type, "filter_params": row.filter_params, "format": row.format}
        await AuditTrail(session).append(actor, ExportAction.REQUESTED, ENTITY, export_id, row.job_type, after=after)
        return ExportDocument.of(row, self._resources.clock())


def _keys(session: WriteSession, actor: Actor) -> IdempotencyKeys:
    return IdempotencyKeys(session, f"export:{actor.kind}:{actor.id}")


async def _replayed(keys: IdempotencyKeys, key: str, wanted: NewExport) -> ExportDocument | None:
    """The stored answer; None when the key is now this transaction's."""
    replay = await keys.claim(key)
    if replay is None:
        return None
    replay.require_same(_fingerprint(wanted))
    return ExportDocument.model_validate(replay.answer)


def _fingerprint(wanted: NewExport) -> bytes:
    return hashlib.sha256(json.dumps(wanted.model_dump(mode="json"), sort_keys=True).encode()).digest()
