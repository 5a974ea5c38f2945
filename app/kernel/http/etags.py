"""Optimistic concurrency over HTTP: strong ETags and `If-Match` (RFC 9110 sections 8.8.3 and 13.1.1)."""

from typing import Annotated

from fastapi import Header, Response

from app.kernel.problems import PreconditionFailed

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=256, description="The ETag that was read; 412 when it is stale.")
]


def etag(*parts: object) -> str:
    """The strong ETag of a version, quoted."""
    return '"' + "-".join(str(part) for part in parts) + '"'


def set_etag(response: Response, tag: str) -> None:
    """Put the ETag on the answer."""
    response.headers["ETag"] = tag


def check_if_match(if_match: str | None, current: str) -> None:
    """Return when the condition holds or is absent. Raises `PreconditionFailed` when it names other versions only."""
    if if_match is None or if_match.strip() == "*":
        return
    if current not in (tag.strip() for tag in if_match.split(",")):
        raise PreconditionFailed(f"The current version is {current}.", headers={"ETag": current})
