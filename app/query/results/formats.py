"""The forms of an answer, and which one a client gets. Pure."""

from enum import StrEnum
from typing import Final

from app.kernel.http.negotiation import preferred


class Format(StrEnum):
    """The forms of an answer."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


MEDIA_TYPES: Final[dict[Format, str]] = {
    Format.JSON: "application/json",
    Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv",
    Format.ARROW: "application/vnd.apache.arrow.stream",
    Format.PARQUET: "application/vnd.apache.parquet",
}
"""Preferred first."""

_FORMATS: Final = {media_type: kind for kind, media_type in MEDIA_TYPES.items()}


def negotiate(accept: str | None) -> Format:
    """The form that the client likes best; JSON when it does not say. Raises `NotAcceptable`."""
    return _FORMATS[preferred(accept, tuple(_FORMATS))]
