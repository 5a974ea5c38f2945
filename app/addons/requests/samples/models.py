"""`addon_samples`: one row per sample of logs, whose text stands in the object storage."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.addons.requests.samples.encodings import Encoding
from app.kernel.db.models import Base, Created, Identified

_ENCODINGS = ", ".join(f"'{each}'" for each in Encoding)


class LogSample(Identified, Created, Base):
    """A sample of logs."""

    __tablename__ = "addon_samples"
    __table_args__ = (
        CheckConstraint(f"encoding IN ({_ENCODINGS})", name="encoding"),
        Index("ix_addon_samples_request_id", "request_id", "id", postgresql_where=text("deleted_at IS NULL")),
        Index("ix_addon_samples_created_at", "created_at"),
    )

    request_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.addon_requests.id", ondelete="CASCADE"), comment="The request"
    )
    filename: Mapped[str] = mapped_column(Text, comment="Name of the file as it was sent")
    object_key: Mapped[str] = mapped_column(Text, comment="Of the stored object: the text, unpacked")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="Bytes of the text")
    sha256: Mapped[str] = mapped_column(Text, comment="SHA-256 of the text in hexadecimal")
    encoding: Mapped[str] = mapped_column(Text, comment="See Encoding")
    lines: Mapped[int] = mapped_column(BigInteger, comment="Lines of the text")
    head: Mapped[str] = mapped_column(Text, comment="The first characters, for whoever decides")
    uploaded_by: Mapped[str] = mapped_column(Text, comment="Name of who uploaded it, at that time")
    deleted_at: Mapped[datetime | None] = mapped_column(comment="When it was deleted; the text goes with retention")
    deleted_by: Mapped[str | None] = mapped_column(Text, comment="Name of who deleted it, at that time")
