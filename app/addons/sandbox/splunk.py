"""Splunk's management API, as much of it as a trial needs (REST API Reference: apps, configuration, input, search).

The package itself is not handed over: `apps/local` takes a path on Splunk's disk or a URL, and no bytes. So an app of
our own is made, and the package's settings are put into it by `configs/conf-…`, as Splunk Web does for a new source
type; they hold at once. No file of a package is run there, whatever it holds.
"""

import json
from collections.abc import Collection, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from app.addons.package.conf import Stanza
from app.addons.sandbox.report import broken
from app.addons.sandbox.results import NotUnderstoodError, check_messages, message_of, shown
from app.kernel.http.client import (
    OutboundAnswer,
    OutboundFailed,
    OutboundHttp,
    OutboundPolicy,
    OutboundRefused,
    OutboundTimeout,
    OutboundTooLarge,
)
from app.settings import SplunkSandboxSettings

APP: Final = "spyne_sandbox"
"""The app that a trial makes, and removes. There is one: of two packages with the same source type at once, each would
be read with the settings of both."""
NAMESPACE: Final = f"/servicesNS/nobody/{APP}"
MOST_BYTES: Final = 32 * 1024 * 1024
"""Of an answer: the events of `SANDBOX_CHARACTERS` with every field of theirs."""
_DONE: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})


def policy_of(settings: SplunkSandboxSettings) -> OutboundPolicy:
    """What may be called, within which bounds."""
    return OutboundPolicy(
        schemes=frozenset({"https", "http"} if settings.allow_http else {"https"}),
        networks=settings.allowed_networks,
        deadline=timedelta(seconds=settings.timeout_seconds),
        max_body_bytes=MOST_BYTES,
    )


class Splunk:
    """Calls the management API. Every method raises SandboxStopError where Splunk does not do what is asked."""

    def __init__(self, http: OutboundHttp, settings: SplunkSandboxSettings) -> None:
        """Calls nothing yet."""
        self._http = http
        self._url = (settings.url or "").rstrip("/")
        self._token = settings.api_key.get_secret_value() if settings.api_key else ""
        self._index = settings.index

    async def version(self) -> str:
        """The version of the server."""
        content = _content(await self._call("GET", "/services/server/info", "tell its version"))
        return shown(str(content.get("version", "unknown")), 50)

    async def has_index(self) -> bool:
        """Whether there is the index of the settings. Events for another one are thrown away without a word."""
        path = f"/services/data/indexes/{quote(self._index, safe='')}"
        answer = await self._call("GET", path, "look up the index", also=(HTTPStatus.NOT_FOUND,))
        return answer.status != HTTPStatus.NOT_FOUND

    async def made_app(self, label: str) -> bool:
        """Whether the app was made; False where it was there."""
        form = {"name": APP, "label": label, "visible": "false"}
        answer = await self._call("POST", "/services/apps/local", "make an app", form=form, also=(HTTPStatus.CONFLICT,))
        return answer.status != HTTPStatus.CONFLICT

    async def label_of_app(self) -> str | None:
        """The label of the app; None where there is none."""
        path = f"/services/apps/local/{APP}"
        answer = await self._call("GET", path, "look up the app", also=(HTTPStatus.NOT_FOUND,))
        return None if answer.status == HTTPStatus.NOT_FOUND else str(_content(answer).get("label", ""))

    async def remove_app(self) -> None:
        """Remove the app, with all that was put into it; harmless where there is none."""
        path = f"/services/apps/local/{APP}"
        await self._call("DELETE", path, "remove the app", also=(HTTPStatus.NOT_FOUND,))

    async def put_stanza(self, conf: str, stanza: Stanza) -> None:
        """Put the stanza into that conf file (`props`) of the app."""
        path, what = f"{NAMESPACE}/configs/conf-{conf}", f"take a stanza of {conf}.conf"
        form = {**stanza.settings, "name": stanza.name}
        answer = await self._call("POST", path, what, form=form, also=(HTTPStatus.CONFLICT,))
        if answer.status == HTTPStatus.CONFLICT:  # [default] is in every conf file
            await self._call("POST", f"{path}/{quote(stanza.name, safe='')}", what, form=stanza.settings)

    async def put_lookup(self, name: str, text: str) -> None:
        """Put the CSV file of a lookup into the app; by a search, as the API takes none."""
        spl = f'| makeresults format=csv data="{_escaped(text)}" | fields - _time | outputlookup "{_escaped(name)}"'
        try:
            check_messages(await self.search(spl))
        except NotUnderstoodError as error:
            raise broken(f"Splunk took no lookup file. {error}") from None

    async def send(self, sample: bytes, sourcetype: str, mark: str) -> None:
        """Send the sample as one source; source and host are the mark, by which the events are found."""
        query = {"index": self._index, "sourcetype": sourcetype, "source": mark, "host": mark}
        headers = {"Content-Type": "text/plain", "X-Splunk-Input-Mode": "streaming"}
        path = f"/services/receivers/stream?{urlencode(query)}"
        await self._call("POST", path, "take the sample", content=sample, headers=headers)

    async def search(self, spl: str) -> bytes:
        """What a search over all times answers, in the app."""
        form = {"search": spl, "earliest_time": "0", "latest_time": "2147483647"}
        form |= {"preview": "false", "adhoc_search_level": "verbose"}
        path = f"{NAMESPACE}/search/v2/jobs/export"
        return (await self._call("POST", path, "search", form=form)).body

    def events_of(self, mark: str) -> str:
        """The search for the events of a sample; transforms of a package may change the source, or the host."""
        return f'search index="{_escaped(self._index)}" (source="{mark}" OR host="{mark}")'

    async def _call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        also: Collection[HTTPStatus] = (),
    ) -> OutboundAnswer:
        """The answer, with a status of success or one that is expected `also`; the token is not in its body."""
        sent = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", **(headers or {})}
        if form is not None:
            content, sent["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        if "?" not in path:
            path += "?output_mode=json"
        try:
            answer = await self._http.request(method, self._url + path, headers=sent, content=content)
        except (OutboundRefused, OutboundFailed, OutboundTooLarge, OutboundTimeout) as error:
            raise broken(f"Splunk was asked to {what}: {error.detail}") from None
        body = answer.body.replace(self._token.encode(), b"...")
        if answer.status not in _DONE and answer.status not in also:
            raise broken(_refusal(what, answer.status, body))
        return OutboundAnswer(answer.status, answer.headers, body)


def _refusal(what: str, status: int, body: bytes) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return "Splunk does not know the token (401)."
    if status == HTTPStatus.FORBIDDEN:
        return f"Splunk does not let the token's user {what} (403)."
    return f"Splunk was asked to {what} and answered {status}.{message_of(body)}"


def _content(answer: OutboundAnswer) -> Mapping[str, Any]:
    """What the answer says of its one entry."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise broken("Splunk's answer is no JSON; is the URL that of its management port?") from None
    match document:
        case {"entry": [{"content": dict() as content}, *_]}:
            return content
    raise broken("Splunk's answer names no entry; is the URL that of its management port?")


def _escaped(text: str) -> str:
    """The text as it stands between quotes in a search."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
