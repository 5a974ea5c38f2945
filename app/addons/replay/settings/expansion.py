r"""Texts made of groups of a match: `$1` of FORMAT, `\1` of sed and of eval's replace, never longer than a limit.

A short setting could otherwise make gigabytes: `$1$1$1…` of a long group, or a long replacement at every character.
"""

import re
from collections.abc import Callable, Iterable

from app.addons.regexes import RegexMatch


def expanded(form: str, reference: re.Pattern[str], text_of: Callable[[re.Match[str]], str], limit: int) -> str:
    """The form with the text of each reference in its place, cut to the limit."""
    parts: list[str] = []
    size = at = 0
    for found in reference.finditer(form):
        parts += [form[at : found.start()], text_of(found)]
        size += len(parts[-2]) + len(parts[-1])
        at = found.end()
        if size >= limit:
            return "".join(parts)[:limit]
    return ("".join(parts) + form[at:])[:limit]


def replaced(text: str, matches: Iterable[RegexMatch], text_of: Callable[[RegexMatch], str], limit: int) -> str:
    """The text with what `text_of` makes of each match in its place, cut to the limit."""
    parts: list[str] = []
    size = at = 0
    for match in matches:
        parts += [text[at : match.start], text_of(match)]
        size += len(parts[-2]) + len(parts[-1])
        at = match.end
        if size >= limit:
            return "".join(parts)[:limit]
    return ("".join(parts) + text[at:])[:limit]


def group_text(groups: tuple[str | None, ...], index: int) -> str:
    """The group's text; empty where there is no such group or the group took no part."""
    return (groups[index] or "") if index < len(groups) else ""
