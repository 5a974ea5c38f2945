"""Answers about samples."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from app.addons.requests.samples.encodings import Encoding
from app.addons.requests.samples.models import LogSample
from app.kernel.schemas import StrictModel


class AddonSampleDocument(StrictModel):
    """A sample of logs."""

    id: UUID = Field(description="UUIDv7.")
    request_id: UUID = Field(description="The request that the sample is of.")
    filename: str = Field(description="Name of the file as it was sent.", examples=["vpn.log"])
    bytes: int = Field(description="Bytes of the text, unpacked.")
    sha256: str = Field(description="SHA-256 of the text, unpacked, in hexadecimal.")
    encoding: Encoding = Field(description="Found by looking at all of it.")
    lines: int = Field(description="Lines of the text.")
    head: str = Field(description="The first characters, for whoever decides about the request.")
    uploaded_by: str = Field(description="Who uploaded it, by name at that time.")
    created_at: datetime = Field(description="When it was uploaded.")

    @classmethod
    def of(cls, row: LogSample) -> "AddonSampleDocument":
        """The sample of a row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})
