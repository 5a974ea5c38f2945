"""Regular expressions looked at as texts: their groups, nested repetitions, and the expressions within sed scripts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.addons.regexes import MatchLimit, RegexError, compile_regex

MAX_GROUP_NAME = 32
"""PCRE2 before 10.44 takes no longer name of a group."""
_NAMED = re.compile(r"\(\?P?<(?![=!])([^>)]*)>|\(\?'([^')]*)'")
_LEGAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_UNLIMITED = re.compile(r"[*+]|\{\d*,\}")
_QUANTIFIER = re.compile(r"[*+?]|\{\d*,?\d*\}")
_IN_FIELD = re.compile(r"(.*\S)\s+in\s+([A-Za-z0-9_]+)\s*", re.DOTALL | re.ASCII)


@dataclass(frozen=True)
class _Group:
    start: int
    end: int
    captures: bool


def split_source_field(value: str) -> tuple[str, str | None]:
    """The expression of an EXTRACT and the field that it reads; None for the whole event (props.conf.spec, EXTRACT)."""
    found = _IN_FIELD.fullmatch(value)
    return (found[1], found[2]) if found else (value, None)


def illegal_group_name(pattern: str) -> str | None:
    """The first group's name that PCRE2 does not take; None where all are legal."""
    for found in _NAMED.finditer(pattern):
        name = found[1] if found[1] is not None else found[2]
        if not _LEGAL_NAME.fullmatch(name) or len(name) > MAX_GROUP_NAME:
            return name
    return None


def first_group_can_be_empty(pattern: str) -> bool:
    """Whether the first capturing group of the expression, taken alone, matches the empty text."""
    group = next((each for each in _groups(pattern) if each.captures), None)
    if group is None:
        return False
    inner = re.sub(r"^\?P?<[^>]*>|^\?'[^']*'", "", pattern[group.start + 1 : group.end])
    try:
        return compile_regex(rf"\A(?:{inner})\z").search("") is not None
    except (RegexError, MatchLimit):
        return False


def has_nested_repetition(pattern: str) -> bool:
    """Whether a group that repeats without limit begins or ends with an unlimited repetition: `(?:[^,]*,?)*`.

    A repetition inside that has a fixed text before and behind (`(?:,[^,]*;)*`) is bounded by that text and not meant.
    """
    for group in _groups(pattern):
        if not _UNLIMITED.match(pattern, group.end + 1) or pattern[group.end + 2 : group.end + 3] == "+":
            continue
        inner = re.sub(r"^\?(?:[:>|]|P?<[^>]*>)", "", pattern[group.start + 1 : group.end])
        if pattern.startswith("?>", group.start + 1):
            continue
        if any(_only_repetitions(branch) for branch in _branches(inner)):
            return True
    return False


def _only_repetitions(branch: str) -> bool:
    """Whether the branch can be made of one repetition alone: every other atom may be missing."""
    unlimited = 0
    for atom_end in _atom_ends(branch):
        quantifier = _QUANTIFIER.match(branch, atom_end)
        if quantifier is None:
            return False
        possessive = branch[quantifier.end() : quantifier.end() + 1] == "+"
        text = quantifier.group()
        if _UNLIMITED.fullmatch(text) and not possessive:
            unlimited += 1
        elif text not in ("?", "*") and not text.startswith(("{0", "{,")):
            return False
    return unlimited > 0


def _atom_ends(branch: str) -> Iterator[int]:
    """Where each atom of the branch ends, its quantifier not counted."""
    position = 0
    while position < len(branch):
        end = _atom_end(branch, position)
        yield end
        quantifier = _QUANTIFIER.match(branch, end)
        position = quantifier.end() if quantifier else end
        if quantifier and branch[position : position + 1] in ("?", "+"):
            position += 1


def _atom_end(text: str, start: int) -> int:
    if text[start] == "\\":
        return min(len(text), start + 2)
    if text[start] == "[":
        return _class_end(text, start)
    if text[start] == "(":
        return next((group.end + 1 for group in _groups(text[start:], most=1)), len(text) - start) + start
    return start + 1


def _branches(inner: str) -> list[str]:
    """The alternatives at the top level."""
    parts, begin, position = [], 0, 0
    while position < len(inner):
        if inner[position] == "|":
            parts.append(inner[begin:position])
            begin = position = position + 1
            continue
        position = max(position + 1, _atom_end(inner, position))
    return [*parts, inner[begin:]]


def _groups(pattern: str, most: int | None = None) -> list[_Group]:
    """The groups in the order of their opening; with `most`, the first of the text alone."""
    found: list[_Group] = []
    opened: list[int] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            position += 2
            continue
        if character == "[":
            position = _class_end(pattern, position)
            continue
        if character == "(":
            opened.append(position)
        elif character == ")" and opened:
            start = opened.pop()
            found.append(_Group(start, position, _captures(pattern, start)))
            if most is not None and not opened:
                return [found[-1]]
        position += 1
    return sorted(found, key=lambda group: group.start)


def _captures(pattern: str, start: int) -> bool:
    if pattern.startswith("(*", start):
        return False
    return not pattern.startswith("(?", start) or bool(_NAMED.match(pattern, start))


def _class_end(text: str, start: int) -> int:
    """The position behind a character class; a `]` that stands first belongs to the class."""
    position = start + 1
    if text[position : position + 1] == "^":
        position += 1
    if text[position : position + 1] == "]":
        position += 1
    while position < len(text) and text[position] != "]":
        if text.startswith("[:", position) and ":]" in text[position + 2 : position + 12]:
            position = text.index(":]", position + 2) + 1
        position += 2 if text[position] == "\\" else 1
    return min(len(text), position + 1)


def sed_expressions(script: str) -> tuple[str, ...] | None:
    """The expressions of the `s` commands of a SEDCMD; None for a script that is no list of `s` and `y` commands."""
    expressions: list[str] = []
    rest = script.strip()
    if not rest:
        return None
    while rest:
        parts = _sed_parts(rest)
        if parts is None:
            return None
        expression, rest = parts
        expressions += [] if expression is None else [expression]
    return tuple(expressions)


def _sed_parts(text: str) -> tuple[str | None, str] | None:
    """The expression of the first command (None for `y`) and what follows the command; None for no command."""
    command, separator = text[:1], text[1:2]
    if command not in ("s", "y") or not separator or separator.isalnum() or separator.isspace() or separator == "\\":
        return None
    fields: list[str] = []
    begin = position = 2
    while position < len(text) and len(fields) < 2:  # noqa: PLR2004 - what is sought, and what stands in its place
        if text[position] == "\\":
            position += 2
            continue
        if text[position] == separator:
            fields.append(text[begin:position])
            begin = position + 1
        position += 1
    flags = re.match(r"[g0-9]*(?=\s|$)" if command == "s" else r"(?=\s|$)", text[begin:])
    if len(fields) < 2 or flags is None:  # noqa: PLR2004
        return None
    if command == "y" and len(_unescaped(fields[0])) != len(_unescaped(fields[1])):
        return None
    return (fields[0] if command == "s" else None), text[begin + flags.end() :].lstrip()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
