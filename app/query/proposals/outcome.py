"""What came of asking a language model: a statement that nobody has checked yet, or why there is none. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.kernel.language_model.answers import SENTENCES as SILENCES
from app.kernel.language_model.answers import NoAnswer, Silence
from app.kernel.problems import Problem
from app.query.language.outcome import Refusal

CONFIDENCE: Final = 0.3
"""Of every proposal, below what the rules answer with (`engine.LEAST`): nobody has measured how often it is right."""

UNCHECKED: Final = (
    "A language model proposed this statement. It reads permitted tables only; whether it answers the question was not "
    "checked."
)
"""The assumption that marks every preview of a proposal."""

_MOST_RULES: Final = 10


class Obstacle(StrEnum):
    """Why nothing came of it, by stable names."""

    BUSY = Silence.BUSY.value
    UNREACHABLE = Silence.UNREACHABLE.value
    TIMEOUT = Silence.TIMEOUT.value
    TOO_LARGE = Silence.TOO_LARGE.value
    STATUS = Silence.STATUS.value
    UNREADABLE = Silence.UNREADABLE.value
    CUT = Silence.CUT.value
    NO_STATEMENT = "no-statement"
    DECLINED = "declined"
    REFUSED = "refused"


SENTENCES: Final[Mapping[Obstacle, str]] = {
    **{Obstacle(silence.value): sentence for silence, sentence in SILENCES.items()},
    Obstacle.NO_STATEMENT: "The language model did not answer with exactly one statement.",
    Obstacle.DECLINED: "The language model says that the tables cannot answer the question.",
    Obstacle.REFUSED: "The statement that the language model proposed may not run.",
}
"""Each in words. None holds anything that the endpoint answered."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A statement that a language model proposes."""

    sql: str
    """As it was answered; the guard has not seen it."""
    refusal: Refusal
    """What the rules say of the question."""


@dataclass(frozen=True, slots=True)
class NoProposal:
    """Why a language model that was asked is of no help with a question."""

    obstacle: Obstacle
    status: int | None = None
    """What the endpoint answered, if that was no success."""
    rules: tuple[str, ...] = ()
    """Stable names of what refused its statement."""

    @classmethod
    def of_silence(cls, found: NoAnswer) -> "NoProposal":
        """That the server gave no text."""
        return cls(Obstacle(found.silence.value), status=found.status)

    @classmethod
    def refused(cls, problem: Problem) -> "NoProposal":
        """That the statement may not run. Messages are left out: they quote what the model wrote."""
        rules = tuple(dict.fromkeys(fault.code for fault in problem.faults)) or (problem.code,)
        return cls(Obstacle.REFUSED, rules=rules[:_MOST_RULES])

    def document(self) -> dict[str, Any]:
        """The reason as it is answered."""
        told: dict[str, Any] = {"outcome": self.obstacle.value, "detail": SENTENCES[self.obstacle]}
        more = {"status": self.status, "rules": list(self.rules)}
        return told | {name: value for name, value in more.items() if value}
