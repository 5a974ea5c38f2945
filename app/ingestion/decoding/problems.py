"""Refusals of a body as a whole."""

from app.kernel.problems import InvalidRequest


class MalformedBody(InvalidRequest):
    """The body is not what its media type and encoding say; no row of it is stored."""

    code, title = "malformed-body", "The body cannot be read"


class BodyTooDense(InvalidRequest):
    """The body unpacks to more than is allowed."""

    code, title, status = "body-too-dense", "The body unpacks to more than is allowed", 413
