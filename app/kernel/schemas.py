"""The base of every request and of every answer that is also a request: fields that are not declared are refused."""

from pydantic import BaseModel, ConfigDict, ValidationError

from app.kernel.problems import Fault, pointer_to


class StrictModel(BaseModel):
    """A document with the declared fields and no others."""

    model_config = ConfigDict(extra="forbid")


def faults_within(place: str, error: ValidationError) -> list[Fault]:
    """The faults of a document that stands in a request at this JSON pointer."""
    return [
        Fault(pointer=place + pointer_to(item["loc"]), code=item["type"].replace("_", "-"), message=item["msg"])
        for item in error.errors()
    ]
