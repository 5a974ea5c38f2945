"""Regular expressions looked at as texts: their groups, nested repetitions, and the expressions within sed scripts."""

import re
from dataclasses import dataclass

from app.addons.regexes import MatchLimit, RegexError, compile_regex
from app.addons.replay.indexing.sed import read_script

MAX_GROUP_NAME = 32
"""PCRE2 before 10.44 takes no longer name of a group."""
_NAMED = re.compile(r"\(\?P?<(?![=!])([^>()]*)>|\(\?'([^')]*)'")
_LEGAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_UNLIMITED = re.compile(r"[*+]|\{\d*,\}")
_QUANTIFIER = re.compile(r"([*+?]|\{\d*,?\d*\})([?+]?)")
_GROUP_HEAD = re.compile(r"\((?:\?(?:[:>|]|P?<\w+>|'\w+'|<?[=!]|[imsxJUn^-]*:))?")


@dataclass(frozen=True)
class _Group:
    start: int
    end: int
    captures: bool


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
    r"""Whether a group repeats without limit and can consist of one unlimited repetition: `(?:[^,]*,?)*`, `(\w+\s*)+`.

    A text that nearly matches can then be cut in exponentially many ways. A fixed text within the group
    (`(?:,[^,]*)*`) leaves one way only. Read in one pass, so that a hostile pattern costs its length.
    """
    frames = [_Frame()]
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "|":
            frames[-1].end_branch()
            position += 1
            continue
        if character == "(":
            head = _GROUP_HEAD.match(pattern, position)
            frames.append(_Frame(atomic=pattern.startswith("(?>", position)))
            position = head.end() if head else position + 1
            continue
        closed = frames.pop() if character == ")" and len(frames) > 1 else None
        if closed is not None:
            closed.end_branch()
        position = _atom_end(pattern, position)
        quantifier = _QUANTIFIER.match(pattern, position)
        text = quantifier.group(1) if quantifier else ""
        possessive = quantifier is not None and quantifier.group(2) == "+"
        unlimited = bool(_UNLIMITED.fullmatch(text)) and not possessive
        if closed is not None and closed.hit and unlimited and not closed.atomic:
            return True
        if closed is not None and not closed.atomic and text in ("", "?"):
            unlimited = closed.hit
        frames[-1].add(optional=text in ("?", "*") or text.startswith(("{0", "{,")), unlimited=unlimited)
        position = quantifier.end() if quantifier else position
    return False


class _Frame:
    """An open group: what its present branch is made of. `hit` once a branch can be one repetition alone."""

    def __init__(self, *, atomic: bool = False) -> None:
        self.atomic = atomic
        self.hit = False
        self._repeated = 0
        self._needed = 0
        self._fixed = False

    def add(self, *, optional: bool, unlimited: bool) -> None:
        """Take one atom with its quantifier into the branch."""
        self._repeated += unlimited
        self._needed += not optional
        self._fixed |= not optional and not unlimited

    def end_branch(self) -> None:
        """Judge the branch: at most one atom must be there, and if one must, that one repeats."""
        self.hit |= self._repeated > 0 and self._needed <= 1 and not self._fixed
        self._repeated, self._needed, self._fixed = 0, 0, False


def _atom_end(text: str, start: int) -> int:
    if text[start] == "\\":
        return min(len(text), start + 2)
    return _class_end(text, start) if text[start] == "[" else start + 1


def _groups(pattern: str) -> list[_Group]:
    """The groups in the order of their opening."""
    found: list[_Group] = []
    opened: list[int] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "(":
            opened.append(position)
        elif character == ")" and opened:
            start = opened.pop()
            found.append(_Group(start, position, _captures(pattern, start)))
        position = _atom_end(pattern, position)
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
    commands, rest = read_script(script)
    return None if rest or not commands else tuple(command.first for command in commands if command.kind == "s")
