"""Questions in words become statements: the engine is told what there is now, and refuses rather than guesses."""

import asyncio

from app.kernel.clock import Clock
from app.kernel.db.database import Units
from app.kernel.problems import Problem
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.telemetry.metrics import QUERY_LATENCY, metrics_timer
from app.query.language.outcome import Interpretation, Refusal
from app.query.questions.cache import QuestionCache
from app.query.questions.vocabularies import Vocabularies


class CannotAnswer(Problem):
    """The question cannot be read with certainty: what was understood, what was not, and what could be asked."""

    code, title, status = "cannot-answer", "The question cannot be answered", 422

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(
            f"{refusal.reason} Ask otherwise, or in SQL.",
            understood=[
                {"words": each.words, "meaning": each.meaning, "evidence": each.evidence} for each in refusal.understood
            ],
            not_understood=list(refusal.not_understood),
            nearest=list(refusal.nearest),
            alternatives=[
                {"sql": each.sql, "reading": each.reading, "confidence": each.confidence}
                for each in refusal.alternatives
            ],
        )


class Questions:
    """Reads questions. No session is held while one is read."""

    def __init__(self, units: Units, configuration: ConfigurationInForce, clock: Clock, cache: QuestionCache) -> None:
        self._vocabularies, self._cache = Vocabularies(units, configuration, clock, cache), cache

    @metrics_timer(QUERY_LATENCY, "nl_to_sql")
    async def read(self, question: str) -> Interpretation:
        """The question as SQL, with everything that was made of it. Raises `CannotAnswer`."""
        vocabulary = await self._vocabularies.of(question)
        found = await asyncio.to_thread(lambda: self._cache.engine(vocabulary).interpret(question))
        if isinstance(found, Refusal):
            raise CannotAnswer(found)
        return found
