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
_REFERENCE = re.compile(r"\\(\d)")


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
        setting, rest = settings.named(key), value.strip()
        while rest:
            parts = _parts(rest)
            if parts is None:
                findings.add(f"{setting}: no s/…/…/ and no y/…/…/: {rest[:80]}")
                break
            kind, first, second, flags, rest = parts
            command = _command(setting, kind, first, second, flags, findings)
            found += [command] if command else []
    return found


def _parts(script: str) -> tuple[str, str, str, str, str] | None:
    """Kind, both texts, flags and the rest behind of the script's first command; None where there is none."""
    if script[:1] not in {"s", "y"} or len(script) < len("s///") or script[1].isalnum() or script[1].isspace():
        return None
    mark, held, position = script[1], "", 2
    texts: list[str] = []
    while position < len(script) and len(texts) < 2:  # noqa: PLR2004 - the expression and the replacement
        character = script[position]
        if character == "\\" and position + 1 < len(script):
            following = script[position + 1]
            held += following if following == mark else character + following
            position += 1
        elif character == mark:
            texts.append(held)
            held = ""
        else:
            held += character
        position += 1
    if len(texts) < 2:  # noqa: PLR2004 - as above
        return None
    flags, _, rest = script[position:].partition(" ")
    return script[0], texts[0], texts[1], flags, rest.strip()


def _command(setting: str, kind: str, first: str, second: str, flags: str, findings: Findings) -> SedCommand | None:
    if kind == "y":
        if len(first) != len(second):
            findings.add(f"{setting}: y/…/…/ has {len(first)} characters on one side and {len(second)} on the other")
            return None
        return SedCommand(characters=dict(zip(map(ord, first), second, strict=True)))
    if not (flags in {"", "g"} or (flags.isdigit() and flags.isascii() and 0 < len(flags) <= len("999"))):
        findings.add(f"{setting}: the flags {flags[:40]!r} are neither g nor a number")
        return None
    pattern = findings.compile(setting, first)
    which = 0 if flags == "g" else int(flags or 1)
    return None if pattern is None else SedCommand(pattern, second, which)


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
