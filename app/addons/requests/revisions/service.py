"""Use cases of revisions and validation runs: shown, compared, downloaded, uploaded, started."""

import asyncio
import contextlib
from functools import partial
from typing import Final
from uuid import UUID

from fastapi import Response

from app.addons.package.archives import read_archive
from app.addons.requests.revisions.diffs import package_diff
from app.addons.requests.revisions.models import TARevision, TARevisionType
from app.addons.requests.revisions.packages import KeptRevision, Packages, StoredPackage, package_key, package_of
from app.addons.requests.revisions.problems import (
    NoRevision,
    PackageFileNotFound,
    RevisionNotFound,
    ValidationNotFound,
    ValidationUnderWay,
)
from app.addons.requests.revisions.repository import RevisionReads, ValidationReads
from app.addons.requests.revisions.schemas import (
    AddonRevisionDiff,
    AddonRevisionDocument,
    AddonRevisionSummary,
    AddonValidationDocument,
    AddonValidationSummary,
    FileDiffDocument,
)
from app.addons.requests.revisions.starting import Origin, Starting
from app.addons.requests.samples.form import OneFileForm
from app.addons.requests.samples.unpacking import bounded
from app.addons.requests.tracking.actions import REVISION, AddonAction
from app.addons.requests.tracking.models import AddonRequest
from app.addons.requests.tracking.moving import RequestMoves
from app.addons.requests.tracking.permissions import requestor_of, visible
from app.addons.requests.tracking.problems import NotAParty, WrongStatus
from app.addons.requests.tracking.repository import RequestReads, RequestWrites
from app.addons.requests.tracking.workflow import PARTIES, RequestAction, RequestStatus, parties, transition
from app.audit.log.service import AuditTrail
from app.kernel.db.database import OperationClass, ReadSession, Units, WriteSession
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Problem
from app.kernel.security.authorization import Actor
from app.kernel.storage.object_storage import ObjectStorage, StorageUnavailable
from app.settings import Settings

ARCHIVE: Final = "application/gzip"


class RevisionViews:
    """Shows revisions and validation runs, in the caller's session."""

    def __init__(self, session: ReadSession) -> None:
        self._requests = RequestReads(session)
        self._revisions = RevisionReads(session)
        self._validations = ValidationReads(session)

    async def page(self, actor: Actor, request_id: UUID, request: PageRequest) -> Page[AddonRevisionSummary]:
        """A page of the versions of a request, newest first. Raises `AddonRequestNotFound`."""
        visible(actor, await self._requests.by_id(request_id))
        found = await self._revisions.matching(request_id, request)
        return found.shaped(AddonRevisionSummary.of)

    async def get(self, actor: Actor, request_id: UUID, version: int) -> AddonRevisionDocument:
        """The version. Raises `AddonRequestNotFound`, `RevisionNotFound`."""
        return AddonRevisionDocument.of_row(await self.revision(actor, request_id, version))

    async def revision(self, actor: Actor, request_id: UUID, version: int) -> TARevision:
        """The row of the version. Raises `AddonRequestNotFound`, `RevisionNotFound`."""
        visible(actor, await self._requests.by_id(request_id))
        found = await self._revisions.of_version(request_id, version)
        if found is None:
            raise RevisionNotFound(f"The request has no version {version}.")
        return found

    async def validations(self, actor: Actor, request_id: UUID, request: PageRequest) -> Page[AddonValidationSummary]:
        """A page of the validation runs of a request, newest first. Raises `AddonRequestNotFound`."""
        visible(actor, await self._requests.by_id(request_id))
        found = await self._validations.matching(request_id, request)
        return found.shaped(AddonValidationSummary.of)

    async def validation(self, actor: Actor, request_id: UUID, number: int) -> AddonValidationDocument:
        """The run with its report. Raises `AddonRequestNotFound`, `ValidationNotFound`."""
        visible(actor, await self._requests.by_id(request_id))
        found = await self._validations.of_number(request_id, number)
        if found is None:
            raise ValidationNotFound(f"The request has no validation run {number}.")
        return AddonValidationDocument.of_row(found)


class PackageViews:
    """Shows what is in packages, with no session open while archives are read."""

    def __init__(self, units: Units, storage: ObjectStorage) -> None:
        self._units = units
        self._packages = Packages(storage)

    async def download(self, actor: Actor, request_id: UUID, version: int, ending: str) -> Response:
        """The archive, under the ending that is asked for; the download is audited.

        Raises:
            AddonRequestNotFound, RevisionNotFound, PackageGone: there is no such thing for the actor.
            StorageUnavailable: the storage is away.
        """
        async with self._units.write(OperationClass.CONTROL) as session:  # a GET always passes, and so does its record
            row = await RevisionViews(session).revision(actor, request_id, version)
            after = {"request_id": request_id, "version": version, "sha256": row.sha256}
            await AuditTrail(session).append(
                actor, AddonAction.REVISION_DOWNLOADED, REVISION, row.id, row.package_name, after=after
            )
            kept = KeptRevision.of(row)
        archive = await self._packages.archive(kept)
        headers = {
            "Content-Disposition": f'attachment; filename="{kept.package_name}-v{version}.{ending}"',
            "ETag": f'"{kept.sha256}"',
            "Cache-Control": "private, no-cache",
        }
        return Response(archive, media_type=ARCHIVE, headers=headers)

    async def file(self, actor: Actor, request_id: UUID, version: int, path: str) -> Response:
        """A file of the package, as plain text or bytes. Raises what `download` raises, and `PackageFileNotFound`."""
        row = await self._revision(actor, request_id, version)
        content = (await self._packages.package(row)).files.get(path)
        if content is None:
            raise PackageFileNotFound(f"Version {version} has no file {path[:200]!r}.")
        textual = b"\x00" not in content and _is_utf8(content)
        headers = {"Content-Disposition": "attachment"}
        return Response(
            content, media_type="text/plain; charset=utf-8" if textual else "application/octet-stream", headers=headers
        )

    async def diff(self, actor: Actor, request_id: UUID, before: int, after: int) -> AddonRevisionDiff:
        """What differs between two versions. Raises what `download` raises."""
        async with self._units.read() as session:
            views = RevisionViews(session)
            rows = [KeptRevision.of(await views.revision(actor, request_id, each)) for each in (before, after)]
        left, right = [await self._packages.archive(row) for row in rows]

        def compare() -> list[FileDiffDocument]:
            found = package_diff(read_archive(left), read_archive(right), (f"v{before}", f"v{after}"))
            return [FileDiffDocument.of(each) for each in found]

        return AddonRevisionDiff(before=before, after=after, files=await asyncio.to_thread(compare))

    async def _revision(self, actor: Actor, request_id: UUID, version: int) -> KeptRevision:
        async with self._units.read() as session:
            return KeptRevision.of(await RevisionViews(session).revision(actor, request_id, version))


class RevisionUploads:
    """Takes edited packages in, with no transaction open while their bytes come."""

    def __init__(self, units: Units, storage: ObjectStorage, settings: Settings, kinds: EventKinds) -> None:
        self._units = units
        self._packages = Packages(storage)
        self._limit = settings.addons.max_package_bytes
        self._kinds = kinds

    async def upload(
        self, actor: Actor, request_id: UUID, form: OneFileForm, note: str | None
    ) -> AddonRevisionDocument:
        """The new MANUAL revision, whose validation decides about the request from now on.

        Raises:
            AddonRequestNotFound: there is no such request for the actor.
            NotAParty: the request is another's.
            WrongStatus: it was not approved, or its package is being generated.
            InvalidUpload, SampleTooLarge, InvalidPackage: the archive cannot be taken.
            StorageUnavailable: the storage is away.
        """
        async with self._units.read() as session:
            row = visible(actor, await RequestReads(session).by_id(request_id))
        _check_revisable(actor, row)
        sent = bounded(form.pieces(), self._limit, "as sent")
        package = await package_of(b"".join([piece async for piece in sent]), row.addon_name)
        revision_id = new_id()
        kept = await self._packages.keep(package_key(request_id, revision_id), package)
        try:
            return await self._units.run(partial(self._add, actor, request_id, revision_id, kept, note))
        except Problem:  # nothing was committed; after any other error the revision may be there
            with contextlib.suppress(StorageUnavailable):
                await self._packages.discard(kept.stored.key)
            raise

    async def _add(
        self,
        actor: Actor,
        request_id: UUID,
        revision_id: UUID,
        package: StoredPackage,
        note: str | None,
        session: WriteSession,
    ) -> AddonRevisionDocument:
        request = visible(actor, await RequestWrites(session).locked(request_id))
        starting = Starting(session)
        await RequestMoves(session, self._kinds).move(actor, request, RequestAction.REVISE)
        revision = await starting.add_revision(
            actor, request, revision_id, package, Origin(TARevisionType.MANUAL, note)
        )
        run = await starting.start(actor, request, revision)
        request.validation_id, request.job_id = run.id, run.job_id
        await session.flush()
        return AddonRevisionDocument.of_row(revision)


class ValidationService:
    """Starts validations, in the caller's transaction."""

    def __init__(self, session: WriteSession) -> None:
        self._requests = RequestWrites(session)
        self._revisions = RevisionReads(session)
        self._validations = ValidationReads(session)
        self._starting = Starting(session)

    async def start(self, actor: Actor, request_id: UUID, version: int | None) -> AddonValidationSummary:
        """The new run of a version; the newest when none is given. The request's status stays as it is.

        Raises:
            AddonRequestNotFound, RevisionNotFound: there is no such thing for the actor.
            NotAParty: the request is another's.
            NoRevision: there is no package yet.
            ValidationUnderWay: a run of the version is not over.
        """
        request = visible(actor, await self._requests.locked(request_id))
        if not PARTIES[RequestAction.REVISE] & parties(actor, requestor_of(request)):
            raise NotAParty(RequestAction.REVISE)
        revision = await self._wanted(request_id, version)
        under_way = await self._validations.open_of(revision.id)
        if under_way is not None:
            detail = f"Run {under_way.number} of version {revision.version} is {under_way.status}."
            raise ValidationUnderWay(detail, number=under_way.number)
        return AddonValidationSummary.of(await self._starting.start(actor, request, revision))

    async def _wanted(self, request_id: UUID, version: int | None) -> TARevision:
        if version is None:
            newest = await self._revisions.newest(request_id)
            if newest is None:
                raise NoRevision("Wait until a package is generated.")
            return newest
        found = await self._revisions.of_version(request_id, version)
        if found is None:
            raise RevisionNotFound(f"The request has no version {version}.")
        return found


def _check_revisable(actor: Actor, row: AddonRequest) -> None:
    """Return when the actor may upload a package now; asked again with the row locked."""
    if not PARTIES[RequestAction.REVISE] & parties(actor, requestor_of(row)):
        raise NotAParty(RequestAction.REVISE)
    if transition(RequestAction.REVISE, RequestStatus(row.status)) is None:
        raise WrongStatus.of(RequestAction.REVISE, RequestStatus(row.status))


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
