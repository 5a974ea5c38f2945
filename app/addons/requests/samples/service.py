"""Use cases of samples: taken in as they arrive, listed, deleted."""

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from app.addons.requests.samples.encodings import NotTextError, SampleText, TextInspector
from app.addons.requests.samples.form import OneFileForm
from app.addons.requests.samples.models import LogSample
from app.addons.requests.samples.problems import InvalidUpload, SampleNotFound, TooManySamples
from app.addons.requests.samples.repository import SampleReads, SampleWrites
from app.addons.requests.samples.schemas import AddonSampleDocument
from app.addons.requests.samples.unpacking import bounded, unpacked
from app.addons.requests.tracking.actions import SAMPLE, AddonAction
from app.addons.requests.tracking.models import AddonRequest
from app.addons.requests.tracking.permissions import requestor_of, visible
from app.addons.requests.tracking.problems import NotAParty, WrongStatus
from app.addons.requests.tracking.repository import RequestReads, RequestWrites
from app.addons.requests.tracking.workflow import SAMPLES_OPEN, RequestAction, RequestStatus, filed
from app.audit.log.service import AuditTrail
from app.kernel.db.database import ReadSession, Units, WriteSession
from app.kernel.http.etags import check_if_match, etag
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Problem
from app.kernel.security.authorization import Actor, Permission
from app.kernel.storage.object_storage import ObjectStorage, StorageUnavailable, StoredObject
from app.settings import Settings

MAX_SAMPLES: Final = 10
"""Samples of one request: a source's variants, not its archive."""

PREFIX: Final = "addons"
"""Where the objects of the add-on plane are."""


def sample_key(request_id: UUID, sample_id: UUID) -> str:
    """The key of a sample's object."""
    return f"{PREFIX}/{request_id}/samples/{sample_id}"


def version_tag(row: AddonRequest) -> str:
    """The ETag of a request."""
    return etag(row.id, row.version)


@dataclass(frozen=True, slots=True)
class _Taken:
    stored: StoredObject
    text: SampleText
    filename: str


class SampleUploads:
    """Takes samples in, with no transaction open while their bytes come."""

    def __init__(self, units: Units, storage: ObjectStorage, settings: Settings) -> None:
        self._units = units
        self._storage = storage
        self._limit = settings.addons.max_sample_bytes

    async def upload(self, actor: Actor, request_id: UUID, form: OneFileForm) -> AddonSampleDocument:
        """The new sample of a request of the actor's.

        Raises:
            AddonRequestNotFound: there is no such request for the actor.
            NotAParty: the request is another's.
            WrongStatus: the request is submitted already.
            TooManySamples: it has as many as it may.
            InvalidUpload: the form is not one file, or the file is not text.
            SampleTooLarge: it has more bytes than is taken.
            StorageUnavailable: the storage is away.
        """
        async with self._units.read() as session:
            await _check_open(actor, await RequestReads(session).by_id(request_id), SampleReads(session))
        sample_id = new_id()
        taken = await self._take(sample_key(request_id, sample_id), form)
        try:
            return await self._units.run(partial(self._add, actor, request_id, sample_id, taken))
        except Problem:  # nothing was committed; after any other error the sample may be there
            with contextlib.suppress(StorageUnavailable):
                await self._storage.delete(taken.stored.key)
            raise

    async def _take(self, key: str, form: OneFileForm) -> _Taken:
        inspector = TextInspector()
        sent = bounded(form.pieces(), self._limit, "as sent")
        try:
            async with self._storage.writer(key) as writer:
                async for piece in bounded(unpacked(sent), self._limit, "unpacked"):
                    inspector.feed(piece)
                    await writer.write(piece)
                text = inspector.finish()
        except NotTextError as error:
            raise InvalidUpload(error.code, str(error)) from None
        return _Taken(writer.stored, text, form.filename)

    async def _add(
        self, actor: Actor, request_id: UUID, sample_id: UUID, taken: _Taken, session: WriteSession
    ) -> AddonSampleDocument:
        samples = SampleWrites(session)
        row = await RequestWrites(session).locked(request_id)
        request = await _check_open(actor, row, samples)
        sample = LogSample(
            id=sample_id,
            request_id=request_id,
            filename=taken.filename,
            object_key=taken.stored.key,
            bytes=taken.stored.size,
            sha256=taken.stored.sha256,
            encoding=taken.text.encoding.value,
            lines=taken.text.lines,
            head=taken.text.head,
            uploaded_by=actor.label,
        )
        await samples.add(sample)
        await session.refresh(sample)
        request.version += 1
        after = {"request_id": request_id, "bytes": sample.bytes, "sha256": sample.sha256, "encoding": sample.encoding}
        await AuditTrail(session).append(
            actor, AddonAction.SAMPLE_UPLOADED, SAMPLE, sample_id, sample.filename, after=after
        )
        return AddonSampleDocument.of(sample)


async def _check_open(actor: Actor, row: AddonRequest | None, samples: SampleReads) -> AddonRequest:
    """The request, which takes a sample of the actor's."""
    request = visible(actor, row)
    if not filed(actor, requestor_of(request)):
        raise NotAParty(RequestAction.SUBMIT, "add a sample to a request")
    _check_status(request)
    if await samples.count_of(request.id) >= MAX_SAMPLES:
        raise TooManySamples(f"A request has at most {MAX_SAMPLES} samples. Delete one first.", limit=MAX_SAMPLES)
    return request


def _check_status(request: AddonRequest) -> None:
    status = RequestStatus(request.status)
    if status not in SAMPLES_OPEN:
        raise WrongStatus(status, "samples are added and removed", tuple(SAMPLES_OPEN))


class SampleViews:
    """Shows samples, in the caller's session."""

    def __init__(self, session: ReadSession) -> None:
        self._requests = RequestReads(session)
        self._samples = SampleReads(session)

    async def page(self, actor: Actor, request_id: UUID, request: PageRequest) -> Page[AddonSampleDocument]:
        """A page of the samples of a request, newest first. Raises `AddonRequestNotFound`."""
        visible(actor, await self._requests.by_id(request_id))
        found = await self._samples.matching(request_id, request)
        return found.shaped(AddonSampleDocument.of)


class SampleService:
    """Deletes samples, in the caller's transaction."""

    def __init__(self, session: WriteSession) -> None:
        self._requests = RequestWrites(session)
        self._samples = SampleWrites(session)
        self._audit = AuditTrail(session)

    async def delete(self, actor: Actor, request_id: UUID, sample_id: UUID, if_match: str | None) -> None:
        """Delete a sample: the requestor before the submission, administrators always: samples hold personal data.

        Raises:
            AddonRequestNotFound, SampleNotFound: there is no such thing for the actor.
            NotAParty: the request is another's.
            WrongStatus: the request is submitted already.
            PreconditionFailed: the request has changed since.
        """
        request = visible(actor, await self._requests.locked(request_id))
        if not actor.may(Permission.ADDONS_ADMINISTER):
            if not filed(actor, requestor_of(request)):
                raise NotAParty(RequestAction.CANCEL, "delete a sample of a request")
            _check_status(request)
        check_if_match(if_match, version_tag(request))
        sample = await self._samples.locked(request_id, sample_id)
        if sample is None:
            raise SampleNotFound
        await self._samples.mark_deleted(sample, actor.label)
        request.version += 1
        before = {"request_id": request_id, "sha256": sample.sha256, "bytes": sample.bytes}
        await self._audit.append(
            actor, AddonAction.SAMPLE_DELETED, SAMPLE, sample_id, sample.filename, before=before, after=None
        )
