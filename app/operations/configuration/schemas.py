"""Requests and answers of the configuration."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, JsonValue

from app.kernel.schemas import Reason, StrictModel

Why = Annotated[Reason | None, Field(description="Why; kept in the history.", examples=["Slow joins."])]


class ValueRequest(StrictModel):
    """A value to hold from now on."""

    value: JsonValue = Field(description="Fits the key's JSON Schema.", examples=[600])
    reason: Why = None


class RevertRequest(StrictModel):
    """A decision to go back to."""

    version: int = Field(ge=1, le=2**31 - 1, description="Its version in the history.", examples=[1])
    reason: Why = None


class ConfigDocument(BaseModel):
    """A key and what is in force."""

    key: str = Field(description="Its name.")
    description: str = Field(description="What it does.")
    value: Any = Field(description="The value in force; masked when it is a secret, null when there is none.")
    default: Any = Field(description="What holds when nothing is decided: the setting of the environment.")
    is_default: bool = Field(description="Whether the default is in force.")
    version: int = Field(description="Counts the decisions; 0 before the first. The ETag.")
    secret: bool = Field(description="Kept encrypted and shown masked.")
    restart_needed: bool = Field(description="Whether processes take it up at their next start; otherwise in a second.")
    value_schema: dict[str, Any] = Field(description="JSON Schema (2020-12) of its values.")
    fault: str | None = Field(None, description="Why what was decided is not in force.")
    decided_at: datetime | None = Field(None, description="When it was decided.")
    decided_by: str | None = Field(None, description="Who decided it.")


class DecisionDocument(BaseModel):
    """One decision of a key's history."""

    version: int = Field(description="Counts the decisions about the key from 1.")
    value: Any = Field(description="What was decided; masked when it is a secret, null for the default.")
    is_default: bool = Field(description="Whether it was the return to the default.")
    reason: str | None = Field(description="Why, in the words of who decided.")
    decided_at: datetime = Field(description="When.")
    decided_by: str = Field(description="Who.")
