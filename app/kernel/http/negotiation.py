"""Which of several media types an answer takes, by the `Accept` header (RFC 9110 section 12.5.1). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Header

from app.kernel.problems import Problem

MAX_RANGES: Final = 50
"""The most ranges of one header; more are not looked at."""

Accept = Annotated[str | None, Header(include_in_schema=False)]
"""A header that the operation reads itself; OpenAPI wants the form in the media types of the answer."""


class NotAcceptable(Problem):
    """None of the forms that the client takes is one that answers can have."""

    code, title, status = "not-acceptable", "No acceptable form of the answer", 406

    def __init__(self, offered: Sequence[str]) -> None:
        super().__init__(f"Answers come as {', '.join(offered)}.", offered=list(offered))


@dataclass(frozen=True, slots=True)
class _Range:
    type: str
    quality: float


def preferred(accept: str | None, offered: Sequence[str]) -> str:
    """The media type that the client likes best; the first offered when it does not say. Raises `NotAcceptable`."""
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [found for part in accept.split(",")[:MAX_RANGES] if (found := _range(part)) is not None]
    best = max(offered, key=lambda media_type: _quality(media_type, ranges))
    if _quality(best, ranges) <= 0:
        raise NotAcceptable(offered)
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
    """The quality of the most specific range that covers the type; 0 when none does."""
    for wanted in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        qualities = [found.quality for found in ranges if found.type == wanted]
        if qualities:
            return max(qualities)
    return 0.0
