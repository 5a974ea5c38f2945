"""`ingestion_history` and `quarantine`: batches and their refused rows as files."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from app.ingestion.repository import BatchFilter, batches_statement, quarantine_statement
from app.kernel.ports.export_formats import Format
from app.kernel.ports.exports import FilterParams, Source, Statement, Subject, control_statement
from app.kernel.security.authorization import Permission
from app.kernel.timestamps import Moment


class QuarantineParams(FilterParams):
    """Which batches; all of it narrows."""

    contract_id: Annotated[str, StringConstraints(max_length=100)] | None = Field(None, description="Of this contract.")
    batch_id: UUID | None = Field(None, description="This batch.")
    since: Moment | None = Field(None, description="Received not before this time.")
    until: Moment | None = Field(None, description="Received before this time.")


class HistoryParams(QuarantineParams):
    """The same, by what became of them."""

    status: Literal["pending", "completed", "failed"] | None = Field(None, description="That stand so.")


class HistorySource(Source[HistoryParams]):
    """Batches, without their bodies."""

    name: ClassVar[str] = "ingestion_history"
    permission: ClassVar[Permission] = Permission.SYSTEM_READ
    params: ClassVar[type[FilterParams]] = HistoryParams

    async def content(self, subject: Subject, file_format: Format) -> Statement:  # noqa: ARG002 - of the protocol
        """The statement of the batches, or rows, that the subject names."""
        wanted = HistoryParams.model_validate(subject).model_dump()
        return control_statement(batches_statement(BatchFilter(**wanted)))


class QuarantineSource(Source[QuarantineParams]):
    """Refused rows, as they came."""

    name: ClassVar[str] = "quarantine"
    permission: ClassVar[Permission] = Permission.SYSTEM_READ
    params: ClassVar[type[FilterParams]] = QuarantineParams

    async def content(self, subject: Subject, file_format: Format) -> Statement:  # noqa: ARG002 - of the protocol
        """The statement of the batches, or rows, that the subject names."""
        return control_statement(
            quarantine_statement(BatchFilter(**QuarantineParams.model_validate(subject).model_dump()))
        )


EXPORT_SOURCES = (HistorySource(), QuarantineSource())
