"""What is answered to a request that did not arrive as it should, before any application sees it."""

import orjson

from app.kernel.answer_headers import ALWAYS, UNLESS_SAID
from app.kernel.ids import new_id
from app.kernel.problems import PROBLEM_JSON, BadRequest, Problem, Unavailable


class MalformedRequest(BadRequest):
    """Not HTTP/1.1 as RFC 9112 has it, or a form of it that two readers may understand in two ways."""

    code, title = "malformed-request", "This is not a well-formed HTTP/1.1 request"


class HeadTooLarge(Problem):
    """Request line and header fields are larger, or more, than any operation needs (RFC 6585, section 5)."""

    code, title, status = "headers-too-large", "The header fields are too large", 431


class HeadTimeout(Problem):
    """The head of the request did not come in time."""

    code, title, status = "head-timeout", "The request's head did not arrive in time", 408


class BodyTimeout(Problem):
    """The body of the request does not come, or too slowly."""

    code, title, status = "body-timeout", "The request's body did not arrive in time", 408


class TooManyConnections(Unavailable):
    """All connections of this process are in use by requests under way."""

    code, title = "too-many-connections", "The service has too many connections"


class Refused(Exception):  # noqa: N818 - says what happened; it only leads out of the parser
    """Carries a refusal through the parser, which answers every exception with one of its own."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


PHRASES = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}


def answer(problem: Problem, headers: list[tuple[bytes, bytes]]) -> tuple[bytes, str]:
    """The bytes of the whole answer, which also says that the connection ends, and its correlation id."""
    correlation = str(new_id())
    body = orjson.dumps(problem.document(correlation))
    fields = [
        *headers,
        *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in problem.headers.items()),
        (b"content-type", PROBLEM_JSON.encode("ascii")),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"x-request-id", correlation.encode("ascii")),
        (b"connection", b"close"),
        *ALWAYS,
        *UNLESS_SAID,
    ]
    lines = [b"HTTP/1.1 %d %s" % (problem.status, PHRASES[problem.status])]
    lines.extend(b"%s: %s" % field for field in fields)
    return b"\r\n".join([*lines, b"", body]), correlation
