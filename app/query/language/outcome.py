"""What the engine says of a question: an interpretation with its SQL, or a refusal. Pure."""

from dataclasses import dataclass

from app.query.language.algebra.model import Query


@dataclass(frozen=True, slots=True)
class WordMeaning:
    """What words of the question became."""

    words: str
    start: int
    end: int
    meaning: str
    """In plain words: `table customers`, `orders.status = 'paid'`, `count`."""
    evidence: str
    worth: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading, ready to be asked as SQL."""

    sql: str
    reading: str
    """How it differs, in plain words."""
    confidence: float


@dataclass(frozen=True, slots=True)
class Interpretation:
    """A question as SQL, with everything that was made of it."""

    sql: str
    query: Query
    words: tuple[WordMeaning, ...]
    assumptions: tuple[str, ...]
    unplaced: tuple[str, ...]
    """Words that add nothing, as far as can be told; a word that might mean something refuses the question."""
    alternatives: tuple[Alternative, ...]
    confidence: float
    """How likely the answer is the one that was meant, between 0 and 1, as measured."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer, and what could be asked."""

    reason: str
    understood: tuple[WordMeaning, ...]
    not_understood: tuple[str, ...]
    nearest: tuple[str, ...]
    """Questions that can be answered and are near to this one."""
    alternatives: tuple[Alternative, ...] = ()
    """Readings that are too doubtful to be an answer."""
    respelt: str | None = None
    """The question with unknown words as the schema spells them, if there are such; it may be refused as well."""
    advice: str = "Ask otherwise, say what a word means, or ask in SQL."
    """What whoever asked can do now; empty where the reason says it."""
