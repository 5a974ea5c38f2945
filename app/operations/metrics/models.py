"""Samples of metrics, one set per process and minute."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base


class SampleRow(Base):
    """A series of a process at one time."""

    __tablename__ = "spyne_metrics"
    __table_args__ = (
        Index("ix_spyne_metrics_sampled_at", "sampled_at"),
        {"comment": "Samples of the service's metrics, once a minute; unchanged series have none"},
    )

    name: Mapped[str] = mapped_column(Text, primary_key=True, comment="Name in /metrics, such as spyne_queue_depth")
    sampled_at: Mapped[datetime] = mapped_column(primary_key=True, comment="End of the sampled minute")
    process: Mapped[str] = mapped_column(Text, primary_key=True, comment="Id of the process that told it")
    labels: Mapped[dict[str, Any]] = mapped_column(JSONB, primary_key=True, comment="Labels of the series")
    value: Mapped[float] = mapped_column(comment="Gauges: the value then; counters: what the minute added")
