"""How lines become events where SHOULD_LINEMERGE is on, as by default (props.conf.spec, "multi-line events").

The rules, the first that speaks decides: an event of MAX_EVENTS lines ends; after a line that matches
MUST_NOT_BREAK_AFTER there is no break until a line matches MUST_BREAK_AFTER; after a line that matches that there is a
break; before a line that matches MUST_NOT_BREAK_BEFORE there is none; BREAK_ONLY_BEFORE, where given, decides the
rest; else a line with a date begins an event, unless BREAK_ONLY_BEFORE_DATE is off.
"""

from collections.abc import Callable, Iterable, Iterator

from app.addons.replay.indexing.breaking import Line
from app.addons.replay.settings.findings import Findings, SettingPattern
from app.addons.replay.settings.stanzas import Settings
from app.addons.replay.settings.values import number, switch

DEFAULT_MAX_EVENTS = 256
"""Lines of an event: props.conf.spec, MAX_EVENTS."""
_PATTERNS = ("BREAK_ONLY_BEFORE", "MUST_BREAK_AFTER", "MUST_NOT_BREAK_AFTER", "MUST_NOT_BREAK_BEFORE")


class Merging:
    """Decides before which line an event begins. `has_date` says whether a line has a time."""

    def __init__(self, settings: Settings, has_date: Callable[[str], bool], findings: Findings) -> None:
        self._findings = findings
        self._has_date = has_date
        self._patterns = {
            key: findings.compile(settings.named(key), settings.values[key])
            for key in _PATTERNS
            if settings.values.get(key)
        }
        self._by_date = switch(settings.values, "BREAK_ONLY_BEFORE_DATE", default=True)
        self._most = max(1, number(settings.values, "MAX_EVENTS", DEFAULT_MAX_EVENTS))

    def merged(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The events: lines joined by a line feed, with the number of their first line."""
        held: list[str] = []
        first, kept_together, ended = 1, False, False
        for line in lines:
            if held and (len(held) >= self._most or self._begins(line.text, kept_together=kept_together, ended=ended)):
                yield Line("\n".join(held), first)
                held = []
            first = first if held else line.number
            held.append(line.text)
            ended = self._matches("MUST_BREAK_AFTER", line.text)
            kept_together = not ended and (kept_together or self._matches("MUST_NOT_BREAK_AFTER", line.text))
        if held:
            yield Line("\n".join(held), first)

    def _begins(self, text: str, *, kept_together: bool, ended: bool) -> bool:
        if kept_together:
            return False
        if ended:
            return True
        if self._matches("MUST_NOT_BREAK_BEFORE", text):
            return False
        if "BREAK_ONLY_BEFORE" in self._patterns:
            return self._matches("BREAK_ONLY_BEFORE", text)
        return self._by_date and self._has_date(text)

    def _matches(self, key: str, text: str) -> bool:
        pattern: SettingPattern | None = self._patterns.get(key)
        return pattern is not None and self._findings.search(pattern, text) is not None
