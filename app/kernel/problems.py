"""Errors as data: every refusal is a `Problem` subclass, answered as `application/problem+json` (RFC 9457).

A problem's code, title and status stand at its definition, beside the domain code that raises it. Nothing in a
problem may hold a secret or a statement's parameters.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PROBLEM_JSON = "application/problem+json"
TYPE_PREFIX = "urn:spyne:problem:"


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(frozen=True)

    pointer: str = Field(
        description="Where: a JSON pointer (RFC 6901) into the request, or `query/…`, `header/…`, `path/…`.",
        examples=["/schema/columns/0/type"],
    )
    code: str = Field(description="Stable, machine-readable reason.", examples=["unknown-type"])
    message: str = Field(description="The reason in words.")


class ProblemDocument(BaseModel):
    """The body of every error answer (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Identifies the kind of problem.", examples=["urn:spyne:problem:not-found"])
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="The last part of `type`.")
    detail: str = Field(description="What happened here.")
    correlation_id: str | None = Field(None, description="Names this request in logs and audit.")
    faults: list[Fault] = Field(
        default_factory=list, description="Every fault found, when the request itself is wrong."
    )


MAX_FAULTS = 500
"""Faults of a request that are listed: whoever has more has sent something else than was meant."""


class Problem(Exception):  # noqa: N818 - the field's word (RFC 9457) is problem
    """An expected refusal. Subclasses set `code`, `title` and `status`; instances add detail and fields."""

    code: ClassVar[str] = "problem"
    title: ClassVar[str] = "Problem"
    status: ClassVar[int] = 400

    def __init__(
        self,
        detail: str | None = None,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.faults = tuple(faults[:MAX_FAULTS])
        if len(faults) > MAX_FAULTS:
            self.detail += f" (there are more than the {MAX_FAULTS} that are listed)"
        self.headers = dict(headers or {})
        self.fields = fields

    def document(self, correlation_id: str | None) -> dict[str, Any]:
        """The RFC 9457 body; extension fields are at the top level, as the standard asks."""
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.code,
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if correlation_id is not None:
            body["correlation_id"] = correlation_id
        if self.faults:
            body["faults"] = [fault.model_dump() for fault in self.faults]
        return body | self.fields


class BadRequest(Problem):
    """The request cannot be understood."""

    code, title, status = "bad-request", "The request cannot be understood", 400


class Unauthenticated(Problem):
    """No valid credential came with the request."""

    code, title, status = "unauthenticated", "A valid credential is needed", 401

    def __init__(self, detail: str | None = None, **fields: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="spyne"'}, **fields)


class Forbidden(Problem):
    """The caller is known and may not do this."""

    code, title, status = "forbidden", "The caller may not do this", 403


class NotFound(Problem):
    """No such thing, or none that the caller may see."""

    code, title, status = "not-found", "There is no such thing here", 404


class Conflict(Problem):
    """The state of the thing does not allow this."""

    code, title, status = "conflict", "The current state does not allow this", 409


class PreconditionFailed(Problem):
    """`If-Match` names an older version."""

    code, title, status = "precondition-failed", "The resource has changed since it was read", 412


class ContentTooLarge(Problem):
    """The body is larger than the operation takes."""

    code, title, status = "content-too-large", "The body is too large", 413


class UnsupportedMediaType(Problem):
    """The body has a media type or coding which the operation does not take."""

    code, title, status = "unsupported-media-type", "The media type is not supported", 415


class InvalidRequest(Problem):
    """The request is well-formed and wrong; `faults` lists every reason."""

    code, title, status = "invalid-request", "The request has faults", 422


class Unavailable(Problem):
    """An operational failure that may pass: retry later."""

    code, title, status = "unavailable", "The service cannot do this right now", 503

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 1, **fields: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)}, **fields)


def pointer_to(steps: Iterable[object]) -> str:
    """The JSON pointer (RFC 6901) of these steps: `/a~1b/0` of `("a/b", 0)`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def pointer_within(location: Sequence[int | str], document: Any) -> str:
    """The JSON pointer of pydantic's location, without the tags of unions, which are no part of the document."""
    return pointer_to(_steps(location, document) or location)


def _steps(location: Sequence[int | str], document: Any) -> list[int | str] | None:
    """The steps that lead into the document, the last of them perhaps to what is missing; None where none do.

    A tag may be called like a field: a step that leads nowhere is taken back.
    """
    if not location:
        return []
    step, further = location[0], location[1:]
    if _is_in(step, document):
        found = _steps(further, document[step])
        if found is not None:
            return [step, *found]
    elif not further:
        return [step] if isinstance(document, dict | list) else None
    return _steps(further, document) if further and isinstance(step, str) else None


def _is_in(step: int | str, document: Any) -> bool:
    if isinstance(document, list):
        return isinstance(step, int) and step < len(document)
    return isinstance(document, dict) and step in document


def fault_at(pointer: str, item: Mapping[str, Any]) -> Fault:
    """The fault that pydantic has found there; a validator's own words stand without pydantic's before them."""
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "union_tag_not_found":
        message = f"The field {item['ctx']['discriminator']} is missing: it says which of several forms this has."
    return Fault(pointer=pointer, code=str(item["type"]).replace("_", "-"), message=message)


def faults_within(place: str, error: ValidationError) -> list[Fault]:
    """The faults of a document that stands in a request at this JSON pointer."""
    return [fault_at(place + pointer_to(item["loc"]), item) for item in error.errors()[: MAX_FAULTS + 1]]


def responses(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of a route that may answer with these problems, grouped by status."""
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in problems:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        status: {
            "description": " · ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
        for status, kinds in sorted(by_status.items())
    }
