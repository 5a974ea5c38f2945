"""The endpoint of a language model, by OpenAI's protocol: one request, one answer, within bounds, never tried again.

The key goes into the header of the request and nowhere else. Names are resolved and addresses checked by the guarded
client, which follows no redirect and takes no proxy from the environment.
"""

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from app.kernel.http.client import (
    OutboundFailed,
    OutboundHttp,
    OutboundPolicy,
    OutboundRefused,
    OutboundTimeout,
    OutboundTooLarge,
)
from app.kernel.language_model.answers import Messages, NoAnswer, Silence
from app.settings import LanguageModelSettings

MOST_BYTES: Final = 256 * 1024
"""Of an answer: the longest text that is asked for has 20,000 bytes, and JSON within JSON writes some of them as six or
twelve."""


class ModelEndpoint:
    """Asks for chat completions. One per process: the questions under way at once are counted here."""

    def __init__(self, settings: LanguageModelSettings) -> None:
        """Connects to nothing yet."""
        self._settings = settings
        self._under_way = 0
        self._policy = OutboundPolicy(
            schemes=frozenset({"https", "http"} if settings.allow_http else {"https"}),
            networks=settings.allowed_networks,
            deadline=timedelta(seconds=settings.timeout_seconds),
            max_body_bytes=MOST_BYTES,
        )

    @property
    def is_configured(self) -> bool:
        """Whether there is somebody to ask."""
        return self._settings.url is not None

    def tells_key(self, text: str) -> bool:
        """Whether the text has the key of the endpoint in it."""
        key = self._settings.api_key
        return key is not None and bool(key.get_secret_value()) and key.get_secret_value() in text

    async def complete(self, messages: Messages) -> bytes | NoAnswer:
        """The body of the answer, within the timeout of the settings; or why there is none."""
        if self._under_way >= self._settings.concurrency:
            return NoAnswer(Silence.BUSY)
        self._under_way += 1
        try:
            return await self._answer(messages)
        except OutboundTimeout:
            return NoAnswer(Silence.TIMEOUT)
        except OutboundTooLarge:
            return NoAnswer(Silence.TOO_LARGE)
        except (OutboundRefused, OutboundFailed):
            return NoAnswer(Silence.UNREACHABLE)
        finally:
            self._under_way -= 1

    async def _answer(self, messages: Messages) -> bytes | NoAnswer:
        """The answer to the smallest request that every server of the protocol takes: no option beside the messages."""
        body = {"model": self._settings.name, "messages": list(messages), "stream": False}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._settings.api_key is not None:
            headers["Authorization"] = f"Bearer {self._settings.api_key.get_secret_value()}"
        url = f"{(self._settings.url or '').rstrip('/')}/chat/completions"
        async with OutboundHttp(self._policy) as http:
            answer = await http.request("POST", url, headers=headers, content=json.dumps(body).encode())
        if answer.status != HTTPStatus.OK:
            return NoAnswer(Silence.STATUS, status=answer.status)
        return answer.body
