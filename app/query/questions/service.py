"""Questions in words become statements: the engine is told what there is now, and refuses rather than guesses."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from app.catalog.glossary.entries import GlossaryEntry
from app.catalog.glossary.terms import Term
from app.kernel.clock import Clock
from app.kernel.db.database import Units
from app.kernel.problems import Problem
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.security.authorization import Actor
from app.kernel.telemetry.metrics import QUERY_LATENCY, metrics_timer
from app.query.corrections.corrections import ProposedTerm
from app.query.language.outcome import Refusal
from app.query.language.vocabulary.model import Vocabulary
from app.query.proposals.outcome import NoProposal, Proposal
from app.query.questions.answers import ReadQuestion, statement_for, terms_in
from app.query.questions.cache import QuestionCache
from app.query.questions.vocabularies import Vocabularies


class CannotAnswer(Problem):
    """The question cannot be read with certainty: what was understood, what was not, and what could be asked."""

    code, title, status = "cannot-answer", "The question cannot be answered", 422

    def __init__(self, refusal: Refusal, model: NoProposal | None = None) -> None:
        """`model` says why a language model that was asked was of no help."""
        asked: dict[str, Any] = {} if model is None else {"language_model": model.document()}
        super().__init__(
            f"{refusal.reason} {refusal.advice}".rstrip(),
            understood=[
                {"words": each.words, "meaning": each.meaning, "evidence": each.evidence} for each in refusal.understood
            ],
            not_understood=list(refusal.not_understood),
            nearest=list(refusal.nearest),
            alternatives=[
                {"sql": each.sql, "reading": each.reading, "confidence": each.confidence}
                for each in refusal.alternatives
            ],
            **asked,
        )


class Proposer(Protocol):
    """Whoever may know a statement for a question that the rules refuse."""

    async def propose(self, question: str, vocabulary: Vocabulary, refusal: Refusal) -> Proposal | NoProposal | None:
        """A statement, or why there is none; None when nobody was asked."""
        ...


class Questions:
    """Reads questions. No session is held while one is read."""

    def __init__(
        self,
        units: Units,
        configuration: ConfigurationInForce,
        clock: Clock,
        cache: QuestionCache,
        proposer: Proposer | None = None,
    ) -> None:
        """Without a proposer what the rules refuse is refused."""
        self._vocabularies, self._cache = Vocabularies(units, configuration, clock, cache), cache
        self._proposer = proposer

    async def read(self, question: str, actor: Actor, further: Sequence[Term] = ()) -> ReadQuestion:
        """The question as SQL, with everything that was made of it. Raises `CannotAnswer`.

        `further` are terms that hold for this reading alone, over those of the glossary and the actor's corrections.
        """
        vocabulary, found = await self._read(question, actor, further)
        if isinstance(found, ReadQuestion):
            return found
        proposed = await self._proposer.propose(question, vocabulary, found) if self._proposer is not None else None
        if not isinstance(proposed, Proposal):
            raise CannotAnswer(found, proposed)
        return ReadQuestion.proposed(proposed, terms_in(question, vocabulary.glossary))

    @metrics_timer(QUERY_LATENCY, "nl_to_sql")
    async def _read(
        self, question: str, actor: Actor, further: Sequence[Term]
    ) -> tuple[Vocabulary, ReadQuestion | Refusal]:
        """The question by the rules, and what these were told."""
        vocabulary = await self._vocabularies.of(question, actor, further)
        terms = terms_in(question, vocabulary.glossary)
        if (whole := statement_for(question, terms)) is not None and whole.sql is not None:
            return vocabulary, ReadQuestion(whole.sql, assumptions=(_of_statement(whole),), terms=terms)
        engine = await self._cache.engine(vocabulary)
        found = await asyncio.to_thread(lambda: engine.told(vocabulary).interpret(question))
        if isinstance(found, Refusal):
            return vocabulary, found
        said = (*found.assumptions, *(_of_proposal(each) for each in terms if isinstance(each, ProposedTerm)))
        read = ReadQuestion(found.sql, found.words, said, found.alternatives, found.confidence, terms)
        return vocabulary, read

    async def terms_in_force(self, actor: Actor) -> tuple[Term, ...]:
        """The terms of the glossary, and of the actor's corrections over them."""
        return await self._vocabularies.terms(actor)

    async def terms(self, question: str, actor: Actor) -> tuple[Term, ...]:
        """The terms that the actor's question would be read by now."""
        return terms_in(question, await self._vocabularies.terms(actor))


def _of_statement(term: Term) -> str:
    if isinstance(term, GlossaryEntry):
        at = f"{term.created_at:%Y-%m-%d}"
        return f"The question is answered by the statement that {term.created_by} accepted for it on {at}."
    return "The question is answered by the statement that you gave for it, which nobody has accepted yet."


def _of_proposal(term: ProposedTerm) -> str:
    return f"{term.term!r} is read by your correction, which nobody has accepted yet."
