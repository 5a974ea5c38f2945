"""Use case: a question that the rules refuse is put to a language model, if there is one and it may be asked."""

import asyncio
import logging

from app.kernel.language_model.answers import Messages, NoAnswer
from app.kernel.language_model.configuration import LANGUAGE_MODEL_VALUES
from app.kernel.language_model.endpoint import ModelEndpoint
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.telemetry.metrics import LANGUAGE_MODEL_ASKED, QUERY_LATENCY, metrics_timer
from app.query.language.outcome import Refusal
from app.query.language.reading.statements import is_statement
from app.query.language.vocabulary.model import Vocabulary
from app.query.proposals.configuration import LANGUAGE_MODEL, WHEN_REFUSED
from app.query.proposals.outcome import NoProposal, Proposal
from app.query.proposals.prompting import messages
from app.query.proposals.reading import statement_of

log = logging.getLogger(__name__)


class Proposals:
    """Proposes statements by a language model. No session is held while one is asked."""

    def __init__(self, endpoint: ModelEndpoint, configuration: ConfigurationInForce) -> None:
        self._endpoint, self._configuration = endpoint, configuration

    async def propose(self, question: str, vocabulary: Vocabulary, refusal: Refusal) -> Proposal | NoProposal | None:
        """A statement for a question that the rules refuse, or why there is none; None when no model is asked."""
        if not self._endpoint.is_configured or self._configuration.value(LANGUAGE_MODEL) != WHEN_REFUSED:
            return None
        prompt = await asyncio.to_thread(self._prompt, question, vocabulary)
        if not prompt:
            return None
        found = await self._ask(prompt)
        outcome = found.obstacle.value if isinstance(found, NoProposal) else "proposed"
        LANGUAGE_MODEL_ASKED.labels(outcome).inc()
        log.info("language model asked", extra={"outcome": outcome})
        return found if isinstance(found, NoProposal) else Proposal(found, refusal)

    def _prompt(self, question: str, vocabulary: Vocabulary) -> Messages:
        """The messages to send; none for SQL that was sent as a question, which the refusal says."""
        if is_statement(question, {table.name for table in vocabulary.tables}):
            return ()
        values = vocabulary.values if self._configuration.value(LANGUAGE_MODEL_VALUES) else None
        return messages(question, vocabulary, values)

    @metrics_timer(QUERY_LATENCY, "language_model")
    async def _ask(self, prompt: Messages) -> str | NoProposal:
        answer = await self._endpoint.complete(prompt)
        if isinstance(answer, NoAnswer):
            return NoProposal.of_silence(answer)
        return await asyncio.to_thread(statement_of, answer)
