"""What the server of a language model answered: one text, or the reason why there is none. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.kernel import strict_json

Messages = Sequence[Mapping[str, str]]
"""`role` and `content` of each, as the protocol has them."""


class Silence(StrEnum):
    """Why a server gave no text, by stable names."""

    BUSY = "busy"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TOO_LARGE = "too-large"
    STATUS = "status"
    UNREADABLE = "unreadable"
    CUT = "cut"


SENTENCES: Final[Mapping[Silence, str]] = {
    Silence.BUSY: "The language model is asked as many questions as it may be at once.",
    Silence.UNREACHABLE: "The language model's endpoint cannot be reached, or does not speak HTTP as it should.",
    Silence.TIMEOUT: "The language model did not answer in time.",
    Silence.TOO_LARGE: "The language model answered more than is taken.",
    Silence.STATUS: "The language model's endpoint refused the request.",
    Silence.UNREADABLE: "The language model's endpoint did not answer as the protocol says.",
    Silence.CUT: "The language model's answer was cut off before its end.",
}
"""Each in words. None holds anything that the endpoint answered."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """That a server gave no text."""

    silence: Silence
    status: int | None = None
    """What the endpoint answered, if that was no success."""


def text_of(body: bytes) -> str | NoAnswer:
    """The text within a chat completion of one choice, without blanks around.

    Args:
        body: the answer of `POST …/chat/completions`, its size bounded by whoever received it.
    """
    try:
        document = strict_json.loads(body)
    except strict_json.InvalidJsonError:
        return NoAnswer(Silence.UNREADABLE)
    match document:
        case {"choices": [{"finish_reason": "length"}]}:
            return NoAnswer(Silence.CUT)
        case {"choices": [{"message": {"content": str() as content}}]}:
            return content.strip()
    return NoAnswer(Silence.UNREADABLE)
