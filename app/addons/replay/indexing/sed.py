r"""SEDCMD: replacements in the raw text (props.conf.spec, SEDCMD-<class>).

A script is a list of commands with spaces between: `s/regex/replacement/flags`, where `\1` is a group and the flags are
`g` or the number of the match, and `y/abc/xyz/`, which replaces single characters.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from app.addons.regexes import RegexMatch
from app.addons.replay.settings.expansion import expanded, group_text, replaced
from app.addons.replay.settings.findings import Findings, SettingPattern
from app.addons.replay.settings.stanzas import Settings

MAX_TEXT_FACTOR = 10
"""A replaced text may be so many times as long as the event, and a little more; then it is cut."""
_FLOOR = 100_000
MAX_COMMANDS = 100
"""Commands of one SEDCMD: each is run on every event."""
_REFERENCE = re.compile(r"\\(\d)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_FLAGS = re.compile(r"(g|[1-9]\d{0,2}|)(?:\s+|\Z)", re.ASCII)


@dataclass(frozen=True)
class SedParts:
    """One command as it is written: `s` with expression and replacement, or `y` with two texts of equal length."""

    kind: str
    first: str
    second: str
    flags: str


@dataclass(frozen=True)
class SedCommand:
    """One command: a pattern with its replacement and the number of the match (0: all), or characters to replace."""

    pattern: SettingPattern | None = None
    replacement: str = ""
    which: int = 1
    characters: Mapping[int, str] = field(default_factory=dict)


def sed_commands(settings: Settings, findings: Findings) -> list[SedCommand]:
    """The commands of all SEDCMDs in ASCII order of their classes; what cannot be read is a problem."""
    found: list[SedCommand] = []
    for key, value in settings.classes("SEDCMD-"):
        commands, rest = read_script(value)
        if rest:
            findings.add(f"{settings.named(key)}: no s/regex/replacement/flags and no y/abc/xyz/: {rest[:80]}")
        for parts in commands:
            if parts.kind == "y":
                found.append(SedCommand(characters=dict(zip(map(ord, parts.first), parts.second, strict=True))))
                continue
            pattern = findings.compile(settings.named(key), parts.first)
            if pattern is not None:
                found.append(SedCommand(pattern, parts.second, 0 if parts.flags == "g" else int(parts.flags or 1)))
    return found


def read_script(script: str) -> tuple[list[SedParts], str]:
    """The commands of a script, and the rest from the first on that is none; the rest is empty where all are read."""
    script, position = script.strip(), 0
    found: list[SedParts] = []
    while position < len(script) and len(found) < MAX_COMMANDS:
        read = _command_at(script, position)
        if read is None:
            break
        parts, position = read
        found.append(parts)
    return found, script[position:]


def _command_at(script: str, position: int) -> tuple[SedParts, int] | None:
    """The command that begins at the position, and where the next begins; None where none does."""
    kind, mark = script[position], script[position + 1 : position + 2]
    if kind not in {"s", "y"} or not mark or mark.isalnum() or mark.isspace() or mark == "\\":
        return None
    texts: list[str] = []
    begin = at = position + 2
    while at < len(script) and len(texts) < 2:  # noqa: PLR2004 - what is sought, and what stands in its place
        if script[at] == mark:
            texts.append(script[begin:at].replace("\\" + mark, mark))
            begin = at + 1
        at += 2 if script[at] == "\\" else 1
    flags = _FLAGS.match(script, begin)
    if len(texts) < 2 or flags is None:  # noqa: PLR2004 - as above
        return None
    if kind == "y":
        texts = [_ESCAPED.sub(r"\1", text) for text in texts]
        if flags.group(1) or len(texts[0]) != len(texts[1]):
            return None
    return SedParts(kind, texts[0], texts[1], flags.group(1)), flags.end()


def edited(text: str, commands: list[SedCommand], findings: Findings) -> str:
    """The text after all commands."""
    most = max(_FLOOR, len(text) * MAX_TEXT_FACTOR)
    for command in commands:
        if command.pattern is None:
            text = text.translate(dict(command.characters))
        else:
            text = _replaced(text, command, command.pattern, most, findings)
    return text


def _replaced(text: str, command: SedCommand, pattern: SettingPattern, most: int, findings: Findings) -> str:
    def replacement(match: RegexMatch) -> str:
        def group(reference: re.Match[str]) -> str:
            return group_text(match.groups, int(reference.group(1)))

        return expanded(command.replacement, _REFERENCE, group, most)

    matches = findings.matches(pattern, text)
    if command.which:
        matches = islice(matches, command.which - 1, command.which)
    return replaced(text, matches, replacement, most)
