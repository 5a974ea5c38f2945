"""The guard's answers: findings (rule, place, nearest allowed form) and the verdict that carries them.

A finding never holds more of the statement than a short snippet, so that it may be shown, logged and counted.
"""

from dataclasses import dataclass
from uuid import UUID

SNIPPET_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A place in the user's text: 1-based line and column, 0-based character offset, and the text there (capped)."""

    line: int
    column: int
    offset: int
    snippet: str


@dataclass(frozen=True, slots=True)
class JoinReference:
    """A version of an accepted join."""

    join_id: str
    version: int


@dataclass(frozen=True, slots=True)
class JoinOffer:
    """A statement that joins by accepted joins, in the order in which it uses them."""

    joins: tuple[JoinReference, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class GuardFinding:
    """A reason to refuse. `rule` is stable kebab-case and bounded in number, so that it may label a metric."""

    rule: str
    message: str
    place: SourceLocation
    nearest: str | None = None
    table: str | None = None
    """The name that stands in FROM and is no readable table; None for every other reason."""
    offers: tuple[JoinOffer, ...] = ()
    """Statements that say what is missing by accepted joins; `app/query/joins/offers.py` makes them."""


@dataclass(frozen=True, slots=True)
class UsedTable:
    """A governed relation that the statement reads, at the version it was resolved to."""

    table_id: UUID | str
    logical_name: str
    version: int
    state: str


@dataclass(frozen=True, slots=True, order=True)
class UsedColumn:
    """A visible column of a governed relation that the statement reads."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class UsedJoin:
    """A pair of governed relations which the statement relates.

    `pairs` are the equalities between plain columns that could be traced to both relations, as `(left column, right
    column)`; empty when the relation is by expressions only. `kind` is `inner`, `left`, `right`, `full`, `in` or
    `correlated`. `join_id` names the accepted join that covers it, if any.
    """

    left: str
    right: str
    kind: str
    pairs: tuple[tuple[str, str], ...]
    join_id: UUID | str | None


@dataclass(frozen=True, slots=True)
class FanOutWarning:
    """An aggregate that counts rows several times, in words; `corrected` is the whole statement that does not.

    `corrected` names physical relations, as `GuardVerdict.sql` does; None when no certain correction is known.
    """

    message: str
    corrected: str | None


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """The guard's answer. `sql` is the regenerated text, the only one that may run; it is None when refused."""

    allowed: bool
    sql: str | None = None
    sql_hash: str | None = None
    tables: tuple[UsedTable, ...] = ()
    columns: tuple[UsedColumn, ...] = ()
    output: tuple[str, ...] = ()
    joins: tuple[UsedJoin, ...] = ()
    findings: tuple[GuardFinding, ...] = ()
    warnings: tuple[str, ...] = ()
    fan_outs: tuple[FanOutWarning, ...] = ()


class GuardRefusal(Exception):  # noqa: N818 - control flow inside the guard, never leaves `check`
    """Ends the check with one finding: what follows could not be read with certainty.

    `nearest` is the nearest allowed form, `offset` the place in the text in characters, `table` as in `GuardFinding`.
    """

    def __init__(
        self, rule: str, message: str, nearest: str | None = None, offset: int = 0, table: str | None = None
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.offset = offset
        self.nearest = nearest
        self.table = table


def location_at(sql: str, offset: int) -> SourceLocation:
    """The place of a character offset in `sql`; an offset beyond the end is the end."""
    offset = max(0, min(offset, len(sql)))
    before = sql[:offset]
    line = before.count("\n") + 1
    column = offset - (before.rfind("\n") + 1) + 1
    snippet = sql[offset : offset + SNIPPET_CHARACTERS].split("\n", 1)[0].strip()
    printable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in snippet)
    return SourceLocation(line, column, offset, printable)
