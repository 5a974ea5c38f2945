"""A trial of a package in a Splunk: settings put there, sample sent, events awaited, compared, app removed."""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import uuid4

from app.addons.package.conf import Stanza, conf_settings
from app.addons.package.files import Package
from app.addons.sandbox.comparing import compare
from app.addons.sandbox.events import SandboxEvent
from app.addons.sandbox.report import SandboxReport, SandboxStatus, SandboxStopError, broken, skipped
from app.addons.sandbox.results import TIME_FIELD, NotUnderstoodError, found_count, found_events
from app.addons.sandbox.splunk import APP, Splunk, policy_of
from app.kernel.http.client import OutboundHttp
from app.settings import SplunkSandboxSettings

log = logging.getLogger(__name__)

Found = TypeVar("Found")

HOW_TO_CONFIGURE: Final = (
    "No Splunk is configured. ADDONS_SPLUNK_URL names the management port of a Splunk for tests, such as "
    "https://splunk.example:8089, and ADDONS_SPLUNK_API_KEY an authentication token of a user who may administer it."
)
SANDBOX_CHARACTERS: Final = 200_000
"""Of the sample that is tried: a thousand events say whether the replay is right, and cost little of a licence."""
CONFS: Final = ("macros", "fields", "tags", "eventtypes", "transforms", "props")
"""Conf files that say how events are read; what others name comes before these. No other file is put there: no input
and no script of a package is run."""
MAX_STANZAS: Final = 300
MAX_LOOKUP_BYTES: Final = 100_000
TRIAL_SECONDS: Final = 300.0
REMOVAL_SECONDS: Final = 15.0
POLL_SECONDS: Final = 1.0
SETTLED_LOOKS: Final = 10
"""Looks after which a number of events that does not grow any more is final. Indexing takes seconds."""
LABEL: Final = "Spyne sandbox until "
LOOKUPS: Final = "lookups/"


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: a package, the beginning of a sample as bytes in its charset, and what the replay says of that."""

    package: Package
    sourcetype: str
    sample: bytes
    events: tuple[SandboxEvent, ...]


class Sandbox:
    """A Splunk for tests."""

    def __init__(
        self,
        settings: SplunkSandboxSettings,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Connects to nothing yet."""
        self._settings = settings
        self._clock = clock
        self._sleep = sleep

    @property
    def is_configured(self) -> bool:
        """Whether there is a Splunk."""
        return self._settings.url is not None

    async def tried(self, trial: Trial) -> SandboxReport:
        """How the trial ended. Nothing raises but CancelledError; the app is removed then as well."""
        try:
            async with asyncio.timeout(TRIAL_SECONDS), self._http() as http:
                return await self._compared(Splunk(http, self._settings), trial)
        except SandboxStopError as stop:
            return stop.report
        except TimeoutError:  # before OSError, of which TimeoutError is a kind
            return SandboxReport(SandboxStatus.BROKEN, f"The trial took longer than {TRIAL_SECONDS:g} seconds.")
        except OSError:  # so is ssl.SSLError; what the client itself raises are problems
            return SandboxReport(SandboxStatus.BROKEN, "The file of ADDONS_SPLUNK_CA_FILE holds no certificate.")

    def _http(self) -> OutboundHttp:
        """The guarded client, which knows the authorities of the settings. Raises OSError for a file without any."""
        file = self._settings.ca_file
        authorities = None if file is None else ssl.create_default_context(cafile=file)
        return OutboundHttp(policy_of(self._settings), ssl_context=authorities)

    async def _compared(self, splunk: Splunk, trial: Trial) -> SandboxReport:
        configuration = await asyncio.to_thread(_configuration, trial)  # conf files may have megabytes
        version = await splunk.version()
        if not await splunk.has_index():
            index = self._settings.index
            raise skipped(f"The Splunk has no index {index}: make one, or name another by ADDONS_SPLUNK_INDEX.")
        async with self._app(splunk):
            await _put(splunk, configuration)
            mark = f"spyne-{uuid4().hex}"
            await splunk.send(trial.sample, trial.sourcetype, mark)
            await self._arrived(splunk, mark, len(trial.events))
            spl = f'{splunk.events_of(mark)} | fields * | eval {TIME_FIELD}=strftime(_time, "%s.%6N")'
            found = await asyncio.to_thread(_understood, found_events, await splunk.search(spl), mark)
        compared = await asyncio.to_thread(compare, trial.events, found)
        return SandboxReport.of(compared, version, len(trial.events), len(found))

    @asynccontextmanager
    async def _app(self, splunk: Splunk) -> AsyncIterator[None]:
        """The app, for this trial alone; removed at the end, however that comes.

        One that cannot be removed now is removed by the next trial, once this one must be over.
        """
        await self._take(splunk)
        try:
            yield
        finally:
            try:
                async with asyncio.timeout(REMOVAL_SECONDS):
                    await splunk.remove_app()
            except (SandboxStopError, TimeoutError):
                log.warning("the app of a trial stays in the sandbox", extra={"app": APP})

    async def _take(self, splunk: Splunk) -> None:
        """Make the app, as soon as no other trial has one. That of a trial which must be over is removed.

        Splunk makes no app twice, so one of several trials gets it. Its label says until when a trial may last.
        """
        begun = self._clock()
        while not await splunk.made_app(f"{LABEL}{self._clock() + TRIAL_SECONDS + REMOVAL_SECONDS:.0f}"):
            label = await splunk.label_of_app()
            until = None if label is None else _until(label)
            if until is not None and self._clock() > until:
                await splunk.remove_app()
            elif self._clock() - begun > self._settings.wait_seconds:
                raise skipped("Another trial is in the sandbox.")
            else:
                await self._sleep(POLL_SECONDS)

    async def _arrived(self, splunk: Splunk, mark: str, wanted: int) -> None:
        """Return when as many events can be searched, or as many as ever will be."""
        begun, last, looks = self._clock(), 0, 0
        while True:
            count = _understood(found_count, await splunk.search(f"{splunk.events_of(mark)} | stats count"))
            looks = looks + 1 if count == last else 0
            last = count
            if count == wanted or (count and looks >= SETTLED_LOOKS):
                return
            if self._clock() - begun > self._settings.wait_seconds:
                seconds = self._settings.wait_seconds
                raise broken(f"After {seconds:g} seconds {count} of {wanted} events can be searched.")
            await self._sleep(POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class _Configuration:
    """What of a package is put into the app, in order: lookups first, since stanzas name them."""

    lookups: list[tuple[str, str]]
    """File names and texts."""
    stanzas: list[tuple[str, Stanza]]
    """Each with the conf file that it stands in."""


def _configuration(trial: Trial) -> _Configuration:
    """What says how events are read. Raises SandboxStopError where that cannot be put into Splunk by its API."""
    if not trial.sourcetype or not trial.events:
        raise skipped("The package has no source type, or the replay made no event of the sample.")
    package = trial.package
    stanzas = [(conf, each) for conf in CONFS for each in conf_settings(package, conf).stanzas]
    if len(stanzas) > MAX_STANZAS:
        raise skipped(
            f"The package has {len(stanzas)} stanzas; at most {MAX_STANZAS} are put into a Splunk one by one."
        )
    paths = sorted(path for path in package.files if path.startswith(LOOKUPS) and path.endswith(".csv"))
    for path in paths:
        if len(package.files[path]) > MAX_LOOKUP_BYTES:
            raise skipped(f"The lookup {path} has more than {MAX_LOOKUP_BYTES} bytes: too many for a search.")
    return _Configuration([(path.removeprefix(LOOKUPS), package.text(path) or "") for path in paths], stanzas)


async def _put(splunk: Splunk, configuration: _Configuration) -> None:
    for name, content in configuration.lookups:
        await splunk.put_lookup(name, content)
    for conf, stanza in configuration.stanzas:
        await splunk.put_stanza(conf, stanza)


def _until(label: str) -> float:
    """Until when the app of that label may be in use, in seconds since 1970. Raises SandboxStopError."""
    last = label.removeprefix(LABEL)
    if not label.startswith(LABEL) or not last.isdecimal():
        raise skipped(f"The Splunk has an app {APP} that no trial has made.")
    return float(last)


def _understood(read: Callable[..., Found], body: bytes, *more: str) -> Found:
    """What is read of an answer. Raises SandboxStopError."""
    try:
        return read(body, *more)
    except NotUnderstoodError as error:
        raise broken(str(error)) from None
