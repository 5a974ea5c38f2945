"""Optimistic concurrency over HTTP: strong ETags and `If-Match` (RFC 9110 sections 8.8.3 and 13.1.1)."""

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Header, Response

from app.kernel.problems import PreconditionFailed

Value = TypeVar("Value")

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=256, description="The ETag that was read; 412 when it is stale.")
]


def etag(*parts: object) -> str:
    """The strong ETag of a version, quoted."""
    return '"' + "-".join(str(part) for part in parts) + '"'


def set_etag(response: Response, tag: str) -> None:
    """Put the ETag on the answer."""
    response.headers["ETag"] = tag


@dataclass(frozen=True, slots=True)
class Tagged(Generic[Value]):
    """What a use case returns of a versioned resource: its value and the ETag of the version."""

    value: Value
    etag: str

    def put_on(self, response: Response) -> Value:
        """The value, its ETag put on the answer."""
        set_etag(response, self.etag)
        return self.value


def check_if_match(if_match: str | None, current: str) -> None:
    """Return when the condition holds or is absent. Raises `PreconditionFailed` when it names other versions only."""
    if if_match is None or if_match.strip() == "*":
        return
    if current not in (tag.strip() for tag in if_match.split(",")):
        raise PreconditionFailed(f"The current version is {current}.", headers={"ETag": current})
