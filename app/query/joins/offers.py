"""Statements that join by accepted joins what a statement puts side by side without a condition. Pure.

The user's text stays as it is, but for the words that are missing: `JOIN b` gets its ON, and a comma or CROSS JOIN
becomes a JOIN with one. An offer is a proposal: it is sent as any other statement is, and examined like it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from typing import Final

from app.kernel.quoting import equalities
from app.query.guard.findings import GuardFinding, GuardRefusal, JoinOffer, JoinReference
from app.query.guard.relations import AcceptedJoin
from app.query.guard.scanner import Token, scan

MAX_OFFERS: Final = 5
"""As many as a person looks at before choosing."""

RULES: Final = frozenset({"unconstrained-join", "comma-join", "cross-join", "join-not-accepted"})
"""What is refused for want of a condition that somebody accepted."""

_ENDS: Final = frozenset({
    "where", "group", "having", "window", "order", "limit", "offset", "fetch", "for", "union", "intersect", "except",
})  # fmt: skip
_BEFORE_ALIAS: Final = _ENDS | {"join", "inner", "left", "right", "full", "cross", "natural", "on", "using", "as"}


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of FROM, and under which name its columns are."""

    name: str
    alias: str


@dataclass(frozen=True, slots=True)
class _Gap:
    """Where a condition is missing: between a table and those before it in the same FROM."""

    table: _Table
    earlier: tuple[_Table, ...]
    separator: tuple[int, int] | None
    """Where the comma or CROSS JOIN stands that becomes a JOIN; None where JOIN stands already."""
    insert_at: int


@dataclass(slots=True)
class _From:
    """A FROM that is being read."""

    tables: list[_Table] = field(default_factory=list)


def join_offers(sql: str, accepted: Sequence[AcceptedJoin]) -> tuple[JoinOffer, ...]:
    """Statements in which every missing condition is an accepted join; none where one is missing that nobody accepted.

    Several joins between the same tables (`origin` and `dest`) are several offers, at most `MAX_OFFERS`.
    """
    if not accepted:
        return ()
    try:
        gaps = list(_gaps(sql, scan(sql)))
    except GuardRefusal:
        return ()
    choices = [[(gap, *choice) for choice in _choices(gap, accepted)] for gap in gaps]
    if not gaps or not all(choices):
        return ()
    return tuple(_offer(sql, chosen) for chosen in islice(product(*choices), MAX_OFFERS))


def with_offers(findings: Iterable[GuardFinding], offers: tuple[JoinOffer, ...]) -> tuple[GuardFinding, ...]:
    """The findings, those of a missing condition with the offers."""
    return tuple(
        replace(finding, nearest=offers[0].sql, offers=offers) if offers and finding.rule in RULES else finding
        for finding in findings
    )


def _choices(gap: _Gap, accepted: Sequence[AcceptedJoin]) -> Iterator[tuple[AcceptedJoin, str]]:
    """The accepted joins of a gap's table with one before it, the nearest first, each with its condition."""
    for other in reversed(gap.earlier):
        for join in accepted:
            columns = tuple(zip(join.left_columns, join.right_columns, strict=True))
            if (join.left_table, join.right_table) == (other.name, gap.table.name):
                yield join, equalities(other.alias, gap.table.alias, columns)
            if (join.right_table, join.left_table) == (other.name, gap.table.name):
                turned = tuple((right, left) for left, right in columns)
                yield join, equalities(other.alias, gap.table.alias, turned)


def _offer(sql: str, chosen: Sequence[tuple[_Gap, AcceptedJoin, str]]) -> JoinOffer:
    text = sql
    for gap, _join, condition in sorted(chosen, key=lambda each: each[0].insert_at, reverse=True):
        before, after = text[: gap.insert_at], text[gap.insert_at :]
        comment = "--" in before.rpartition("\n")[2]
        spaced = before if before[-1:].isspace() and not comment else before + ("\n" if comment else " ")
        text = f"{spaced}ON {condition}{after if after.startswith((')', ' ')) or not after else ' ' + after}"
        if gap.separator is not None:
            start, end = gap.separator
            text = f"{text[:start].rstrip()} JOIN {text[end:].lstrip()}"
    return JoinOffer(tuple(JoinReference(str(join.join_id), join.version) for _gap, join, _on in chosen), text)


def _gaps(sql: str, tokens: Sequence[Token]) -> Iterator[_Gap]:
    """The tables without a condition, in the order of the text."""
    frames: list[_From | None] = [None]
    selects = [False]
    for place, token in enumerate(tokens):
        value = token.value if token.kind != "string" else ""
        if value in {"(", "["}:
            frames.append(None)
            selects.append(False)
        elif value in {")", "]"} and len(frames) > 1:
            frames.pop()
            selects.pop()
        elif token.kind == "word" and value == "select":
            selects[-1], frames[-1] = True, None
        elif token.kind == "word" and value == "from" and selects[-1] and not _is(tokens, place - 1, "distinct"):
            frames[-1] = read = _From()
            _take(tokens, place + 1, read)
        elif token.kind == "word" and value in _ENDS:
            frames[-1] = None
        elif (read_now := frames[-1]) is not None and (value == "," or (token.kind == "word" and value == "join")):
            gap = _gap(sql, tokens, place, read_now)
            if gap is not None:
                yield gap


def _gap(sql: str, tokens: Sequence[Token], place: int, read: _From) -> _Gap | None:
    """The gap that a comma or JOIN opens; None when a condition follows, or what follows is no table."""
    earlier, end = tuple(read.tables), _take(tokens, place + 1, read)
    if end is None or (tokens[place].value == "join" and _is(tokens, end, "on", "using")):
        return None
    separator = None
    if tokens[place].value == ",":
        separator = (tokens[place].start, tokens[place].start + 1)
    elif _is(tokens, place - 1, "cross"):
        separator = (tokens[place - 1].start, tokens[place].start + len("join"))
    insert_at = tokens[end].start if end < len(tokens) else len(sql)
    return _Gap(read.tables[-1], earlier, separator, insert_at)


def _take(tokens: Sequence[Token], place: int, read: _From) -> int | None:
    """The place after the table that stands at `place`, which is read; None when no table stands there."""
    if place >= len(tokens) or tokens[place].kind not in {"word", "identifier"} or _is(tokens, place + 1, "(", "."):
        return None
    name, place = tokens[place].value, place + 1
    if _is(tokens, place, "as"):
        place += 1
    alias = name
    if place < len(tokens) and tokens[place].kind in {"word", "identifier"}:
        word = tokens[place]
        if word.kind == "identifier" or word.value not in _BEFORE_ALIAS:
            alias, place = word.value, place + 1
    read.tables.append(_Table(name, alias))
    return place


def _is(tokens: Sequence[Token], place: int, *values: str) -> bool:
    return (
        0 <= place < len(tokens)
        and tokens[place].kind not in {"string", "identifier"}
        and tokens[place].value in values
    )
