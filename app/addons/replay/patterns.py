"""Which expressions of a package reach Splunk's match limits on events, and on events changed a little.

An expression that works on a sample may still backtrack without end on the next event: so each is run on the event, on
the event fifty times over, and on the event with one character added at the start, in the middle and at the end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.addons.package.conf import conf_settings
from app.addons.package.files import Package
from app.addons.regexes import MatchLimit, Regex, RegexError, compile_regex
from app.addons.replay.searching.inline import PREFIX, split_source

REPEATED = 50
ADDED = ('"', "=", "[", "(", "\\", ",", ";", "é", "\0")
MAX_TEXT_CHARACTERS = 200_000
"""A text is cut there: Splunk itself cuts events at TRUNCATE."""
_PROPS_KEYS = ("LINE_BREAKER", "TIME_PREFIX", "BREAK_ONLY_BEFORE", "MUST_BREAK_AFTER", "MUST_NOT_BREAK_AFTER",
               "MUST_NOT_BREAK_BEFORE", "PREAMBLE_REGEX", "FIELD_HEADER_REGEX")  # fmt: skip


@dataclass(frozen=True)
class PackagePattern:
    """An expression of a package and the setting in which it stands."""

    setting: str
    regex: Regex


@dataclass(frozen=True)
class SlowSetting:
    """A setting whose expression reaches a limit, and the first text on which it does."""

    setting: str
    text: str


def package_patterns(package: Package) -> list[PackagePattern]:
    """The expressions of props.conf and transforms.conf that compile."""
    found = []
    for setting, expression in _expressions(package):
        try:
            found.append(PackagePattern(setting, compile_regex(expression)))
        except RegexError:
            continue
    return found


def _expressions(package: Package) -> Iterator[tuple[str, str]]:
    for stanza in conf_settings(package, "props").stanzas:
        for key, value in stanza.settings.items():
            if key.startswith("EXTRACT-") and value:
                yield f"props.conf [{stanza.name}] {key}", PREFIX + split_source(value)[0]
            elif key in _PROPS_KEYS and value:
                yield f"props.conf [{stanza.name}] {key}", value
    for stanza in conf_settings(package, "transforms").stanzas:
        if stanza.settings.get("REGEX"):
            yield f"transforms.conf [{stanza.name}] REGEX", stanza.settings["REGEX"]


def slow_patterns(package: Package, events: Sequence[str]) -> tuple[SlowSetting, ...]:
    """The settings whose expression reaches a limit on one of the events or of their variants, each once."""
    waiting = package_patterns(package)
    slow: list[SlowSetting] = []
    for event in events:
        for text in variants(event):
            reached = [pattern for pattern in waiting if _reaches_limit(pattern.regex, text)]
            slow += [SlowSetting(pattern.setting, text) for pattern in reached]
            waiting = [pattern for pattern in waiting if pattern not in reached]
    return tuple(slow)


def variants(event: str) -> Iterator[str]:
    """The event, the event fifty times, and the event with one more character."""
    yield event[:MAX_TEXT_CHARACTERS]
    yield " ".join([event] * REPEATED)[:MAX_TEXT_CHARACTERS]
    middle = len(event) // 2
    for added in ADDED:
        yield (event + added)[:MAX_TEXT_CHARACTERS]
        yield (added + event)[:MAX_TEXT_CHARACTERS]
        yield (event[:middle] + added + event[middle:])[:MAX_TEXT_CHARACTERS]


def _reaches_limit(regex: Regex, text: str) -> bool:
    try:
        regex.search(text)
    except MatchLimit:
        return True
    return False
