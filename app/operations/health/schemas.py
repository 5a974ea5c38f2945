"""What `/health` answers."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class HealthCheck(BaseModel):
    """What one check found."""

    status: Literal["ok", "degraded", "failing"] = Field(description="Its verdict.")
    detail: str | None = Field(None, description="What it found, in words.")
    duration_ms: float = Field(description="How long it took, in milliseconds.")


class Health(BaseModel):
    """How the service is."""

    status: Literal["ok", "degraded", "failing"] = Field(description="The worst verdict of its checks.")
    checks: dict[str, HealthCheck] = Field(default_factory=dict, description="Each check and what it found.")
    version: str = Field(description="The service's version.")
    time: datetime = Field(description="When it was looked at, RFC 3339.")
