"""Answers about revisions, what differs between them, and validation runs."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from app.addons.requests.revisions.diffs import FileChange, FileDiff
from app.addons.requests.revisions.models import TARevision, TARevisionType, ValidationRun, ValidationStatus
from app.kernel.schemas import StrictModel

LARGEST_NUMBER = 2**31 - 1
"""Of versions and runs: PostgreSQL's integer."""


class PackageFile(StrictModel):
    """A file of a package."""

    path: str = Field(description="Below the add-on's folder.", examples=["default/props.conf"])
    bytes: int = Field(description="Bytes of the file.")
    sha256: str = Field(description="SHA-256 in hexadecimal.")


class ChangedFiles(StrictModel):
    """What differs from the version before, by path."""

    added: list[str] = Field(description="New files.")
    removed: list[str] = Field(description="Files that are there no more.")
    modified: list[str] = Field(description="Files with another content.")


class AddonRevisionSummary(StrictModel):
    """A version of a package."""

    id: UUID = Field(description="UUIDv7.")
    version: int = Field(description="1, 2, … within the request.")
    type: TARevisionType = Field(description="`AUTO`: generated; `MANUAL`: uploaded by a person.")
    package_name: str = Field(description="Folder of the add-on.")
    bytes: int = Field(description="Bytes of the archive.")
    sha256: str = Field(description="SHA-256 of the archive in hexadecimal.")
    note: str | None = Field(description="What was changed, in the words of who uploaded it.")
    changes: ChangedFiles = Field(description="What differs from the version before.")
    made_by: str = Field(description="Who uploaded it, by name at that time, or `system`.")
    created_at: datetime = Field(description="When it was made.")
    links: dict[str, str] = Field(description="`self`, and `download` while the archive is kept.")

    @classmethod
    def of(cls, row: TARevision, **more: Any) -> Self:
        """The revision of a row; `more` is what a subclass adds."""
        place = f"/api/addons/requests/{row.request_id}/revisions/{row.version}"
        links = {"self": place} | ({"download": f"{place}/download"} if row.object_key is not None else {})
        same = AddonRevisionSummary.model_fields.keys() - {"links", "changes"}
        changed = ChangedFiles.model_validate(row.changes)
        return cls(**{name: getattr(row, name) for name in same}, changes=changed, links=links, **more)


class AddonRevisionDocument(AddonRevisionSummary):
    """A version of a package, with its files and what the generator found."""

    files: list[PackageFile] = Field(description="Every file, by path.")
    report: dict[str, Any] | None = Field(description="What the generator found; null of an upload.")
    knowledge: list[Any] = Field(description="Passages of documents that the generator used.")

    @classmethod
    def of_row(cls, row: TARevision) -> "AddonRevisionDocument":
        """The revision of a row, whole."""
        files = [PackageFile.model_validate(each) for each in row.files]
        return cls.of(row, files=files, report=row.report, knowledge=row.knowledge)


class FileDiffDocument(StrictModel):
    """A file that differs."""

    path: str = Field(description="Below the add-on's folder.")
    change: FileChange = Field(description="What became of the file.")
    diff: str | None = Field(description="Unified diff; null of binary files and of very large ones.")
    note: str | None = Field(description="Why there is no diff.")

    @classmethod
    def of(cls, found: FileDiff) -> "FileDiffDocument":
        """The document of what was found."""
        return cls(path=found.path, change=found.change, diff=found.diff, note=found.note)


class AddonRevisionDiff(StrictModel):
    """What differs between two versions."""

    before: int = Field(description="The version on the left.")
    after: int = Field(description="The version on the right.")
    files: list[FileDiffDocument] = Field(
        description="Files that differ, by path; none when the versions are the same."
    )


class NewAddonValidation(StrictModel):
    """Which version is to be validated."""

    version: int | None = Field(None, ge=1, le=LARGEST_NUMBER, description="The newest when absent.", examples=[1])


class AddonValidationSummary(StrictModel):
    """A validation run."""

    id: UUID = Field(description="UUIDv7.")
    number: int = Field(description="1, 2, … within the request.")
    revision_version: int = Field(description="The version that is validated.")
    status: ValidationStatus = Field(description="`QUEUED` until one of few places is free.")
    error_code: str | None = Field(description="Why it could not be run, for programs.")
    error_message: str | None = Field(description="Why it could not be run, in words.")
    started_by: str = Field(description="Who asked for it, or `system`.")
    created_at: datetime = Field(description="When it was asked for.")
    started_at: datetime | None = Field(description="When it was begun, the last time.")
    finished_at: datetime | None = Field(description="When it came to its end.")
    links: dict[str, str] = Field(description="`self`, `revision` and `job`.")

    @classmethod
    def of(cls, row: ValidationRun, **more: Any) -> Self:
        """The run of a row; `more` is what a subclass adds."""
        place = f"/api/addons/requests/{row.request_id}"
        links = {
            "self": f"{place}/validations/{row.number}",
            "revision": f"{place}/revisions/{row.revision_version}",
            "job": f"/system/jobs/{row.job_id}",
        }
        same = AddonValidationSummary.model_fields.keys() - {"links"}
        return cls(**{name: getattr(row, name) for name in same}, links=links, **more)


class AddonValidationDocument(AddonValidationSummary):
    """A validation run with its report."""

    report: dict[str, Any] | None = Field(
        description="Figures, findings, and the lines that failed; null before the end and after retention."
    )

    @classmethod
    def of_row(cls, row: ValidationRun) -> "AddonValidationDocument":
        """The run of a row, whole."""
        return cls.of(row, report=row.report)
