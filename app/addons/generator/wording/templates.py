"""Templates: texts that say the same about other things, found by what stays the same.

Texts are put together when they have as many tokens and the same words (Drain: He et al., "An Online Log Parsing
Approach with Fixed Depth Tree", ICWS 2017, whose measure of similarity this is). What differs, and what by its shape
is a value (a number, an address, something quoted), is a variable.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.addons.generator.shapes.recognition import shape_of
from app.addons.generator.shapes.shape import Shape
from app.addons.generator.wording.tokens import Kind, Token, tokens_of

MIN_SIMILARITY = 0.7
"""Of the positions, so many are equal in texts of one template."""
MIN_SHARE_OF_WORDS = 0.5
MAX_COMPARED = 100
"""Groups of one form with which a further one is compared."""
MAX_TEMPLATES = 60
"""More extractions than these slow every search; the rarest templates are left out, and that is said."""
ANY_GAP = "  "
"""Stands for white space that differs among the texts of a template."""
MIN_COLUMNS = 6
MAX_SHARE_OF_WORDS = 0.4
"""A line of at least so many tokens of which so few are words is a row of columns: each token is a value."""
MIN_TEXTS = 2
MIN_SHARE_OF_BEGINNING = 0.9
MIN_VALUES_OF_BEGINNING = 2
# fmt: off
VALUE_FOLLOWS = frozenset((
    "user", "username", "account", "login", "logname", "acct", "host", "hostname", "client", "server", "group",
    "domain", "db", "database", "table", "file", "service", "session", "id", "interface", "device", "process",
    "program", "command", "method", "queue", "topic", "role", "tenant", "project",
))
# fmt: on
"""Behind these words a word is a value; the words are those of log messages everywhere."""
# fmt: off
NO_VALUE = frozenset((
    "a", "an", "the", "is", "was", "are", "were", "be", "been", "has", "have", "had", "not", "no", "from", "to",
    "for", "with", "without", "by", "in", "on", "of", "at", "as", "and", "or", "but", "if", "does", "did", "do",
    "will", "can", "cannot", "may", "must", "that", "this", "it", "its", "than", "then", "there", "when", "while",
    "who", "which", "failed", "failure", "login", "logged", "name", "authentication", "authenticated", "error",
    "denied", "request", "connection",
))
# fmt: on
_LETTERS = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


@dataclass(frozen=True)
class Slot:
    """One position of a template: a word that stays, or a variable with the values that stood there."""

    token: Token
    values: tuple[str, ...] = ()

    @property
    def variable(self) -> bool:
        """Whether the position is a variable."""
        return bool(self.values)


@dataclass(frozen=True)
class Template:
    """A template: its slots, and the indexes of the texts which it was made of."""

    slots: tuple[Slot, ...]
    members: tuple[int, ...]
    columns: bool = False


@dataclass
class _Group:
    tokens: list[tuple[Token, ...]]
    skeleton: tuple[str, ...]
    members: list[int]
    columns: bool


def find_templates(texts: Sequence[str]) -> list[Template]:
    """The templates of the texts, the most frequent first; a text without tokens is in none."""
    groups: dict[tuple[str, ...], _Group] = {}
    for index, text in enumerate(texts):
        tokens = tokens_of(text)
        if not tokens:
            continue
        columns = _is_row(tokens)
        skeleton = tuple(_mark(tokens, position, columns) for position in range(len(tokens)))
        group = groups.setdefault(skeleton, _Group([], skeleton, [], columns))
        group.tokens.append(tokens)
        group.members.append(index)
    merged = _merged(sorted(groups.values(), key=lambda group: (-len(group.members), group.members[0])))
    return [_template(group) for group in sorted(merged, key=lambda group: (-len(group.members), group.members[0]))]


def common_beginning(texts: Sequence[str]) -> Template | None:
    """The values with which nearly all texts begin, whatever they go on with; None for fewer than two values."""
    rows = [tokens for text in texts if (tokens := tokens_of(text))]
    if len(rows) < MIN_TEXTS:
        return None
    marks = [tuple(_mark(tokens, position, columns=True) for position in range(len(tokens))) for tokens in rows]
    first = Counter(mark[:1] for mark in marks).most_common(1)[0][0]
    chosen = [(row, mark) for row, mark in zip(rows, marks, strict=True) if mark[:1] == first]
    length = 0
    while True:
        beginning, count = Counter(mark[: length + 1] for _, mark in chosen).most_common(1)[0]
        if count < MIN_SHARE_OF_BEGINNING * len(rows) or len(beginning) <= length:
            break
        length += 1
        chosen = [(row, mark) for row, mark in chosen if mark[:length] == beginning]
        if all(_LETTERS.fullmatch(row[length - 1].text) for row, _ in chosen):
            length -= 1
            break
    if not chosen or sum(mark.startswith("\0") for mark in chosen[0][1][:length]) < MIN_VALUES_OF_BEGINNING:
        return None
    group = _Group([row[:length] for row, _ in chosen], chosen[0][1][:length], list(range(len(chosen))), columns=True)
    return _template(group)


def _is_row(tokens: Sequence[Token]) -> bool:
    filled = [token for token in tokens if token.kind is not Kind.MARK]
    words = sum(1 for token in filled if token.kind is Kind.PLAIN and _LETTERS.fullmatch(token.text))
    return len(filled) >= MIN_COLUMNS and words <= MAX_SHARE_OF_WORDS * len(filled)


def _mark(tokens: Sequence[Token], position: int, columns: bool) -> str:
    """What the position is called when texts are compared: the word, or what kind of value stands there."""
    token = tokens[position]
    if token.kind is Kind.MARK:
        return token.text
    if columns or _is_value(tokens, position):
        return f"\0{token.opening}{token.closing}"
    return f"{token.opening}{token.text}{token.closing}"


def _is_value(tokens: Sequence[Token], position: int) -> bool:
    token = tokens[position]
    if token.kind is Kind.QUOTED or token.opening.endswith("="):
        return True
    if token.kind is Kind.BRACKETED:
        return not _LETTERS.fullmatch(token.text)
    if shape_of(token.text) not in (Shape.WORD, Shape.TEXT):
        return not _LETTERS.fullmatch(token.text) or shape_of(token.text) is Shape.PLACEHOLDER
    if not _LETTERS.fullmatch(token.text):
        return True
    before = tokens[position - 1] if position else None
    return (
        before is not None
        and before.kind is Kind.PLAIN
        and before.text.lower() in VALUE_FOLLOWS
        and token.text.lower() not in NO_VALUE
    )


def _merged(groups: Sequence[_Group]) -> list[_Group]:
    """The groups, those put together whose texts are alike enough.

    Only groups of the same form are compared, and each with the most frequent ones of its form alone: a log in which
    every line is new has as many forms as lines.
    """
    kept: list[_Group] = []
    by_form: dict[tuple[tuple[Kind, str, str, str], ...], list[_Group]] = {}
    for group in groups:
        form = tuple(
            (token.kind, token.opening, token.closing, token.text if token.kind is Kind.MARK else "")
            for token in group.tokens[0]
        )
        rivals = by_form.setdefault(form, [])
        alike = next((each for each in rivals if _alike(each, group)), None)
        if alike is None:
            kept.append(group)
            if len(rivals) < MAX_COMPARED:
                rivals.append(group)
            continue
        alike.skeleton = tuple(
            mark if mark == other else "\0" for mark, other in zip(alike.skeleton, group.skeleton, strict=True)
        )
        alike.tokens += group.tokens
        alike.members += group.members
    return kept


def _alike(one: _Group, other: _Group) -> bool:
    """Whether two groups of one form say the same: enough of their words agree."""
    if one.columns and other.columns:
        return True
    same = [left for left, right in zip(one.skeleton, other.skeleton, strict=True) if left == right]
    if len(same) < MIN_SIMILARITY * len(one.skeleton):
        return False
    words = sum(1 for mark in one.skeleton if not mark.startswith("\0"))
    return sum(1 for mark in same if not mark.startswith("\0")) >= MIN_SHARE_OF_WORDS * max(1, words)


def _template(group: _Group) -> Template:
    slots = []
    for position, mark in enumerate(group.skeleton):
        token = group.tokens[0][position]
        texts = tuple(tokens[position].text for tokens in group.tokens)
        variable = token.kind is not Kind.MARK and (mark.startswith("\0") or len(set(texts)) > 1)
        gaps = {tokens[position].gap for tokens in group.tokens}
        gap = gaps.pop() if len(gaps) == 1 else ANY_GAP
        slots.append(Slot(replace(token, gap=gap), texts if variable else ()))
    return Template(tuple(slots), tuple(sorted(group.members)), group.columns)
