"""The time of an event by the settings that hold for it (props.conf.spec, "Timestamp extraction configuration")."""

from datetime import datetime

from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings
from app.addons.replay.settings.values import number
from app.addons.timestamps.finding import (
    DEFAULT_LOOKAHEAD,
    MAX_DAYS_AGO,
    MAX_DAYS_HENCE,
    TimeSettings,
    find_time,
    outside,
)
from app.addons.timestamps.parsed import ParsedTime

_WITHOUT_TIMES = frozenset({"NONE", "CURRENT"})
"""Values of DATETIME_CONFIG with which Splunk reads no time from the text."""


class Times:
    """Finds times; counts those that Splunk would not take as too old or too far ahead."""

    def __init__(self, settings: Settings, reference: datetime, findings: Findings) -> None:
        values = settings.values
        self._findings = findings
        self._reference = reference
        self._off = values.get("DATETIME_CONFIG", "").strip().upper() in _WITHOUT_TIMES
        prefix = values.get("TIME_PREFIX") or None
        self._prefix = findings.compile(settings.named("TIME_PREFIX"), prefix) if prefix else None
        self.settings = TimeSettings(
            time_prefix=prefix,
            time_format=values.get("TIME_FORMAT") or None,
            lookahead=number(values, "MAX_TIMESTAMP_LOOKAHEAD", DEFAULT_LOOKAHEAD),
            zone=values.get("TZ") or None,
            max_days_ago=number(values, "MAX_DAYS_AGO", MAX_DAYS_AGO),
            max_days_hence=number(values, "MAX_DAYS_HENCE", MAX_DAYS_HENCE),
        )

    def find(self, text: str) -> ParsedTime | None:
        """The time in the text; None where Splunk reads none."""
        if self._off:
            return None
        found = find_time(text, self.settings, self._reference)
        if found is None and self._prefix is not None:
            self._findings.search(self._prefix, text)  # a prefix that gives up is noted as slow
        return found

    def has_date(self, text: str) -> bool:
        """Whether a line begins an event by its date (BREAK_ONLY_BEFORE_DATE)."""
        return self.find(text) is not None

    def is_outside(self, time: ParsedTime) -> bool:
        """Whether Splunk would take the time of the event before, by MAX_DAYS_AGO or MAX_DAYS_HENCE."""
        return outside(time, self.settings, self._reference)
