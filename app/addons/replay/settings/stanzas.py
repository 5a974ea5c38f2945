"""The settings that hold for one source type, source and host (props.conf.spec, "[<spec>] stanza precedence").

`[source::]` overrides `[host::]`, that overrides `[<sourcetype>]`, that overrides `[default]`. Of several patterns of
one kind the one of the higher `priority` holds (literal names 100, patterns 0), then the first in ASCII order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.addons.package.conf import ConfFile, Stanza
from app.addons.regexes import MatchLimit, RegexError, compile_regex
from app.addons.replay.settings.values import number

SOURCE, HOST = "source::", "host::"
OTHER_KINDS = (SOURCE, HOST, "rule::", "delayedrule::")
"""Beginnings of stanzas that are no source type's."""
SOURCETYPE_PATTERN = "(?::){0}"
"""A stanza of a source type that begins so is read as a pattern: a known property of the stanzas' matching."""
_PATTERN_MARKS = ("*", "...", "|", "(")
_LITERAL_PRIORITY = 100
MAX_CLASSES = 1_000
"""Settings of one kind (EXTRACT-…) that are looked at: each is work at every event."""


@dataclass(frozen=True)
class Settings:
    """The settings that hold; `stanzas` says for each key in which stanza of which file the value stands."""

    values: Mapping[str, str] = field(default_factory=dict)
    stanzas: Mapping[str, str] = field(default_factory=dict)

    def named(self, key: str) -> str:
        """How a report names the setting: `props.conf [acme] EXTRACT-user`."""
        return f"props.conf [{self.stanzas.get(key, 'default')}] {key}"

    def classes(self, prefix: str) -> list[tuple[str, str]]:
        """Keys that begin with the prefix and their values, in ASCII order of the class names."""
        found = sorted((key, value) for key, value in self.values.items() if key.startswith(prefix) and value)
        return found[:MAX_CLASSES]


def first_sourcetype(props: ConfFile) -> str:
    """The name of the first stanza that is a source type's; else what the first `source::` stanza assigns; or empty."""
    for stanza in props.stanzas:
        if stanza.name != "default" and not stanza.name.startswith(OTHER_KINDS):
            return stanza.name
    return next((each.settings["sourcetype"] for each in props.stanzas if each.settings.get("sourcetype")), "")


def effective_settings(props: ConfFile, sourcetype: str, source: str, host: str) -> Settings:
    """The settings of props.conf that hold for an event of that source type, source and host."""
    values: dict[str, str] = {}
    stanzas: dict[str, str] = {}
    for stanza in _in_rising_precedence(props, sourcetype, source, host):
        values.update(stanza.settings)
        stanzas.update(dict.fromkeys(stanza.settings, stanza.name))
    return Settings(values, stanzas)


def _in_rising_precedence(props: ConfFile, sourcetype: str, source: str, host: str) -> list[Stanza]:
    kinds: dict[str, list[Stanza]] = {"default": [], "sourcetype": [], HOST: [], SOURCE: []}
    for stanza in props.stanzas:
        name = stanza.name
        if name == "default":
            kinds["default"].append(stanza)
        elif name.startswith(SOURCE):
            if _fits(name[len(SOURCE) :], source):
                kinds[SOURCE].append(stanza)
        elif name.startswith(HOST):
            if host and _fits("(?i)" + name[len(HOST) :], host):
                kinds[HOST].append(stanza)
        elif name == sourcetype or (name.startswith(SOURCETYPE_PATTERN) and _fits(name, sourcetype)):
            kinds["sourcetype"].append(stanza)
    return [stanza for stanzas in kinds.values() for stanza in sorted(stanzas, key=_rank)]


def _rank(stanza: Stanza) -> tuple[int, tuple[int, ...]]:
    """Later is stronger: a higher priority first of all, then the name that comes first in ASCII order."""
    literal = not any(mark in stanza.name for mark in _PATTERN_MARKS)
    priority = number(stanza.settings, "priority", _LITERAL_PRIORITY if literal else 0)
    return priority, tuple(-ord(character) for character in stanza.name)


def _fits(spec: str, name: str) -> bool:
    """Whether the spec matches the whole name: `...` any characters, `*` any but separators, `.` itself, else PCRE."""
    pattern = "[^/\\\\]*".join(part.replace(".", "\\.") for part in spec.replace("...", "\0").split("*"))
    try:
        return compile_regex(f"^(?:{pattern.replace(chr(0), '.*')})$").search(name) is not None
    except (RegexError, MatchLimit):
        return spec.removeprefix("(?i)") == name
