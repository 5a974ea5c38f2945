"""The base of every request and of every answer that is also a request: fields that are not declared are refused."""

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A document with the declared fields and no others."""

    model_config = ConfigDict(extra="forbid")
