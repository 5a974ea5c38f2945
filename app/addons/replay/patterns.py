"""Which expressions of a package reach Splunk's match limits on events, and on events changed a little.

An expression that works on a sample may still backtrack without end on the next event: so each is run on the event, on
the event fifty times over, and on the event with one character added at the start, in the middle and at the end. An
expression that reads a field (`EXTRACT-x = … in field`, SOURCE_KEY) is run on the field's values in the same ways.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from app.addons.package.conf import conf_settings
from app.addons.package.files import Package
from app.addons.regexes import MatchLimit, Regex, RegexError, compile_regex
from app.addons.replay.events import ReplayedEvent
from app.addons.replay.indexing.sed import read_script
from app.addons.replay.searching.inline import PREFIX, split_source
from app.addons.replay.settings.findings import SettingPattern
from app.addons.replay.settings.values import listed

REPEATED = 50
ADDED = ('"', "=", "[", "(", "\\", ",", ";", "é", "\0")
MAX_TEXT_CHARACTERS = 200_000
"""A text is cut there: Splunk itself cuts events at TRUNCATE."""
MAX_TEXTS = 1_000
"""Different texts of one source on which its expressions are tried: a field may have a thousand values in one event."""
_PROPS_KEYS = ("LINE_BREAKER", "TIME_PREFIX", "BREAK_ONLY_BEFORE", "MUST_BREAK_AFTER", "MUST_NOT_BREAK_AFTER",
               "MUST_NOT_BREAK_BEFORE", "PREAMBLE_REGEX", "FIELD_HEADER_REGEX")  # fmt: skip
_RAW = "_raw"


@dataclass(frozen=True)
class SlowSetting:
    """A setting whose expression reaches a limit, and the first text on which it does."""

    setting: str
    text: str


def package_patterns(package: Package) -> Mapping[str, Sequence[SettingPattern]]:
    """The expressions of props.conf and transforms.conf that compile, by what they read: `_raw`, or SOURCE_KEY's."""
    found: dict[str, list[SettingPattern]] = {}
    for setting, expression, source in _expressions(package):
        try:
            found.setdefault(source, []).append(SettingPattern(setting, compile_regex(expression)))
        except RegexError:
            continue
    return found


def _expressions(package: Package) -> Iterator[tuple[str, str, str]]:
    """Each setting with its expression and the source that the expression reads."""
    for stanza in conf_settings(package, "props").stanzas:
        for key, value in stanza.settings.items():
            if key.startswith("EXTRACT-") and value:
                expression, source = split_source(value)
                yield f"props.conf [{stanza.name}] {key}", PREFIX + expression, source or _RAW
            elif key in _PROPS_KEYS and value:
                yield f"props.conf [{stanza.name}] {key}", value, _RAW
            elif key.startswith("SEDCMD-"):
                for command in read_script(value)[0]:
                    if command.kind == "s":
                        yield f"props.conf [{stanza.name}] {key}", command.first, _RAW
    transforms = conf_settings(package, "transforms")
    default = transforms.stanza("default").get("SOURCE_KEY", "")
    for stanza in transforms.stanzas:
        if stanza.settings.get("REGEX"):
            source = stanza.settings.get("SOURCE_KEY", default).strip()
            yield f"transforms.conf [{stanza.name}] REGEX", stanza.settings["REGEX"], source or _RAW


def slow_patterns(package: Package, events: Sequence[ReplayedEvent | str]) -> tuple[SlowSetting, ...]:
    """The settings whose expression reaches a limit on one of the texts it reads or of their variants, each once.

    Of an event given as its text alone no fields are known: an expression that reads a field is run on that text. A
    field that no event has is not read, nor are MetaData keys, whose texts are an input's and short.
    """
    slow: list[SlowSetting] = []
    for source, patterns in package_patterns(package).items():
        waiting: Sequence[SettingPattern] = patterns
        for text in _tried(events, source):
            reached = dict.fromkeys(pattern.setting for pattern in waiting if _reaches_limit(pattern.regex, text))
            slow += [SlowSetting(setting, text) for setting in reached]
            waiting = [pattern for pattern in waiting if pattern.setting not in reached]
    return tuple(slow)


def _tried(events: Iterable[ReplayedEvent | str], source: str) -> Iterator[str]:
    """The different texts that the source has in the events, each followed by its variants."""
    texts = dict.fromkeys(text for event in events for text in _texts(event, source))
    return (variant for text in islice(texts, MAX_TEXTS) for variant in variants(text))


def _texts(event: ReplayedEvent | str, source: str) -> Sequence[str]:
    """What the event gives to an expression that reads the source: the raw text, or the field's values."""
    if isinstance(event, str):
        return (event,)
    if source == _RAW:
        return (event.raw,)
    prefix, colon, names = source.partition(":")
    if colon and prefix in {"field", "fields"}:
        return (" ".join(event.fields[name][0] for name in listed(names) if name in event.fields),)
    return event.fields.get(source, ())


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
