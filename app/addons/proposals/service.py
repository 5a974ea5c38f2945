"""Use case: a language model is asked for changes to a generated add-on, if there is one and it may be asked."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from app.addons.package.files import Package
from app.addons.proposals.changes import Changes, changes_of
from app.addons.proposals.configuration import ADDONS_LANGUAGE_MODEL, WHEN_UNMATCHED
from app.addons.proposals.outcome import Refused, Rule
from app.addons.proposals.prompting import INSTRUCTIONS, messages
from app.kernel.language_model.answers import NoAnswer, text_of
from app.kernel.language_model.configuration import LANGUAGE_MODEL_VALUES
from app.kernel.language_model.endpoint import ModelEndpoint
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.telemetry.metrics import LANGUAGE_MODEL_ASKED

log = logging.getLogger(__name__)

_ECHO_CHARACTERS: Final = 60
"""Of the instructions: an answer that has so many of them repeats what the model was told."""


class AddonProposals:
    """Asks for changes to add-ons. No session is held while a model is asked."""

    def __init__(self, endpoint: ModelEndpoint, configuration: ConfigurationInForce) -> None:
        self._endpoint, self._configuration = endpoint, configuration

    async def propose(
        self, package: Package, report: Mapping[str, Any], sourcetype: str
    ) -> Changes | Refused | NoAnswer | None:
        """Changes that nobody has judged yet, or why there are none; None when no model is asked."""
        if not self._endpoint.is_configured or self._configuration.value(ADDONS_LANGUAGE_MODEL) != WHEN_UNMATCHED:
            return None
        values = self._configuration.value(LANGUAGE_MODEL_VALUES)
        prompt = await asyncio.to_thread(messages, package, report, sourcetype, values=values)
        if not prompt:
            return None
        answer = await self._endpoint.complete(prompt)
        found = answer if isinstance(answer, NoAnswer) else await asyncio.to_thread(self._read, answer)
        outcome = _outcome(found)
        LANGUAGE_MODEL_ASKED.labels(outcome).inc()
        log.info("language model asked about an add-on", extra={"outcome": outcome})
        return found

    def _read(self, body: bytes) -> Changes | Refused | NoAnswer:
        text = text_of(body)
        if isinstance(text, NoAnswer):
            return text
        changes = changes_of(text)
        kept = [text] if isinstance(changes, Refused) else [text, *changes.texts]
        if any(self._endpoint.tells_key(each) for each in kept):
            return Refused(Rule.SECRET)
        return Refused(Rule.ECHO) if any(INSTRUCTIONS[:_ECHO_CHARACTERS] in each for each in kept) else changes


def _outcome(found: Changes | Refused | NoAnswer) -> str:
    if isinstance(found, Changes):
        return "proposed"
    return found.silence.value if isinstance(found, NoAnswer) else "refused"
