"""What came of asking a language model: a statement that nobody has checked yet, or why there is none. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

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

    BUSY = "busy"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TOO_LARGE = "too-large"
    STATUS = "status"
    UNREADABLE = "unreadable"
    CUT = "cut"
    NO_STATEMENT = "no-statement"
    DECLINED = "declined"
    REFUSED = "refused"


SENTENCES: Final[Mapping[Obstacle, str]] = {
    Obstacle.BUSY: "The language model is asked as many questions as it may be at once.",
    Obstacle.UNREACHABLE: "The language model's endpoint cannot be reached, or does not speak HTTP as it should.",
    Obstacle.TIMEOUT: "The language model did not answer in time.",
    Obstacle.TOO_LARGE: "The language model answered more than is taken.",
    Obstacle.STATUS: "The language model's endpoint refused the request.",
    Obstacle.UNREADABLE: "The language model's endpoint did not answer as the protocol says.",
    Obstacle.CUT: "The language model's answer was cut off before its end.",
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
    def refused(cls, problem: Problem) -> "NoProposal":
        """That the statement may not run. Messages are left out: they quote what the model wrote."""
        rules = tuple(dict.fromkeys(fault.code for fault in problem.faults)) or (problem.code,)
        return cls(Obstacle.REFUSED, rules=rules[:_MOST_RULES])

    def document(self) -> dict[str, Any]:
        """The reason as it is answered."""
        told: dict[str, Any] = {"outcome": self.obstacle.value, "detail": SENTENCES[self.obstacle]}
        more = {"status": self.status, "rules": list(self.rules)}
        return told | {name: value for name, value in more.items() if value}
