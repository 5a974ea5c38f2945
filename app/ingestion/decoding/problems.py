"""Refusals of a body as a whole."""

from app.kernel.problems import InvalidRequest


class MalformedBody(InvalidRequest):
    """The body is not what its media type and encoding say; no row of it is stored."""

    code, title = "malformed-body", "The body cannot be read"


class BodyTooDense(InvalidRequest):
    """The body unpacks to more than is allowed."""

    code, title, status = "body-too-dense", "The body unpacks to more than is allowed", 413


class HeaderMismatch(InvalidRequest):
    """A CSV or Parquet file lacks a column that no row may leave empty; no row of it is stored.

    Its fields: `received_columns`, the first names that came, and `expected_columns`.
    """

    code, title = "header-mismatch", "The columns of the file are not those of the contract"
