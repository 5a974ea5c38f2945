"""Which form an answer takes, by the `Accept` header (RFC 9110 section 12.5.1). Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.kernel.problems import Problem


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

MAX_RANGES: Final = 50


class NotAcceptable(Problem):
    """None of the forms that the client takes is one that answers can have."""

    code, title, status = "not-acceptable", "No acceptable form of the answer", 406

    def __init__(self) -> None:
        offered = list(MEDIA_TYPES.values())
        super().__init__(f"Answers come as {', '.join(offered)}.", offered=offered)


@dataclass(frozen=True, slots=True)
class _Range:
    type: str
    quality: float


def negotiate(accept: str | None) -> Format:
    """The form that the client likes best; JSON when it does not say. Raises `NotAcceptable`."""
    if accept is None or not accept.strip():
        return Format.JSON
    ranges = [found for part in accept.split(",")[:MAX_RANGES] if (found := _range(part)) is not None]
    best = max(MEDIA_TYPES, key=lambda kind: _quality(MEDIA_TYPES[kind], ranges))
    if _quality(MEDIA_TYPES[best], ranges) <= 0:
        raise NotAcceptable
    return best


def _range(text: str) -> _Range | None:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    if name.count("/") != 1:
        return None
    quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
    try:
        number = float(quality)
    except ValueError:
        return None
    return _Range(name, number) if 0 <= number <= 1 else None


def _quality(media_type: str, ranges: list[_Range]) -> float:
    """Of the most specific range that covers the type; 0 when none does."""
    for wanted in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        qualities = [found.quality for found in ranges if found.type == wanted]
        if qualities:
            return max(qualities)
    return 0.0
