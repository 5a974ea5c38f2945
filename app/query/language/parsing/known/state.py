"""What the parser knows while it goes through the marks, and small steps that all rules share. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.query.language.algebra.model import (
    Aggregate,
    Beside,
    Compare,
    Condition,
    Either,
    Expression,
    Field,
    Function,
    Mention,
    OneOf,
    Order,
)
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.known.context import Context
from app.query.language.parsing.known.periods import either_period
from app.query.language.reading.lexicon import Role


class Mode(StrEnum):
    """Which part of the question is read."""

    HEAD = "head"
    """What is asked for."""
    FILTER = "filter"
    """What holds of it."""
    RETURN = "return"
    """What a later sentence wants to be shown."""


@dataclass(slots=True)
class Absence:
    """Rows of a table that must not exist for a row of the anchor."""

    anchor: str
    table: str
    conditions: list[Condition] = field(default_factory=list)


@dataclass(slots=True)
class State:
    """The draft of a query, and how far the marks are read."""

    context: Context
    marks: Sequence[Mark]
    read: "Callable[[State], None]"
    """Reads a state to its end: for parts of a question that are read on their own."""
    mode: Mode = Mode.HEAD
    focus: str | None = None
    """The table that the question is about."""
    entity: str | None = None
    """The table whose rows are asked for: `which customers`."""
    entity_plural: bool = False
    anchor: str | None = None
    """The table that was named last."""
    select: list[Expression] = field(default_factory=list)
    measures: list[Expression] = field(default_factory=list)
    groups: list[Expression] = field(default_factory=list)
    group_tables: list[str] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    condition_marks: list[int] = field(default_factory=list)
    having: list[Compare] = field(default_factory=list)
    order: list[Order] = field(default_factory=list)
    limit: int | None = None
    wants_order: bool = False
    """A number of rows was asked for, and by what they are ranked is still to come."""
    superlative: bool = False
    descending: bool | None = None
    """A direction that was said before, or without, what it is of."""
    turned: int | None = None
    """The place of a direction without what it is of, which is decided at the end."""
    distinct: bool = False
    mentions: list[Mention] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    loose: list[tuple[int, Field]] = field(default_factory=list)
    """Columns that nothing was said of yet."""
    pending: tuple[int, Expression] | None = None
    """What a comparison that follows is about."""
    negated: bool = False
    either: bool = False
    joined_by_and: bool = False
    per_group: Function | None = None
    nth: int = 1
    """Which of the ranked rows is meant: the second highest."""
    beside: Beside | None = None
    unplaced: list[Mark] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: float = 0.0
    verb: bool = False
    """Whether the mark before was a verb: `by` behind it names who did it."""
    which: bool = False
    asks_when: bool = False
    """Whether the question begins with `when`: the column of dates is what is asked for."""
    asks_who: bool = False
    """Whether the question asks who, and no table of people is named yet."""
    listed: bool = False
    """Whether rows are to be shown with what else is named: customers and their cities."""
    clause: bool = False
    """Whether a clause about the table named last is read: customers who joined."""

    def peek(self, place: int) -> Mark | None:
        """The mark at a place, if there is one."""
        return self.marks[place] if 0 <= place < len(self.marks) else None

    def skip(self, place: int, *roles: Role, verbs: bool = False) -> int:
        """The first place from here on that is no filler and none of these roles."""
        while (mark := self.peek(place)) is not None:
            if mark.role is Role.FILLER or mark.role in roles or (verbs and mark.kind is MarkKind.VERB):
                place += 1
            else:
                break
        return place

    def near_words(self, place: int, back: int = 6) -> list[str]:
        """The words just before and behind a place."""
        return [word for mark in self.marks[max(0, place - back) : place + 2] for word in mark.text.lower().split()]

    def touch(self, table: str, *, move: bool = True) -> None:
        """Take note that the words name a table, behind the one that they named last."""
        if all(each.table != table for each in self.mentions):
            self.mentions.append(Mention(table, self.anchor))
        if move:
            self.anchor = table
        if self.focus is None:
            self.focus = table

    def add(self, condition: Condition, place: int) -> None:
        """Add a condition; with `or` before it, as an alternative of the last one."""
        target = self.conditions
        if self.absences and self.mode is Mode.FILTER and _is_of(condition, self.absences[-1].table):
            target = self.absences[-1].conditions
        if target and self.either:
            target[-1] = _either(target[-1], condition)
        elif target and self.joined_by_and and (merged := _one_of(target[-1], condition)) is not None:
            target[-1] = merged
            self.note("Several values of one column: rows with any of them.", 0.05)
        elif target and self.joined_by_and and (periods := either_period(target[-1], condition)) is not None:
            target[-1] = periods
            self.note("Rows of any of these periods, together.", 0.12)
        else:
            target.append(condition)
            if target is self.conditions:
                self.condition_marks.append(place)
        self.either = self.joined_by_and = self.negated = False

    def note(self, text: str, doubt: float = 0.0) -> None:
        """State an assumption, and how doubtful it is."""
        if text not in self.notes:
            self.notes.append(text)
            self.doubts += doubt

    def home(self) -> str | None:
        """The table that words without one are about."""
        return self.anchor or self.focus


def _is_of(condition: Condition, table: str) -> bool:
    left = getattr(condition, "left", None)
    return isinstance(left, Field) and left.table == table


def _either(one: Condition, other: Condition) -> Condition:
    merged = _one_of(one, other)
    if merged is not None:
        return merged
    before = one.any_of if isinstance(one, Either) else (one,)
    return Either((*before, other))


def _one_of(one: Condition, other: Condition) -> OneOf | None:
    """Both as one choice of values, when they are equalities of one column."""
    if not (isinstance(other, Compare) and other.operator == "=" and isinstance(other.left, Field)):
        return None
    if isinstance(other.value, bool):
        return None
    if isinstance(one, Compare) and one.operator == "=" and one.left == other.left and not isinstance(one.value, bool):
        return OneOf(other.left, tuple(dict.fromkeys((one.value, other.value))))
    if isinstance(one, OneOf) and one.left == other.left and not one.negated:
        return OneOf(other.left, tuple(dict.fromkeys((*one.values, other.value))))
    return None


def is_aggregate(expression: Expression) -> bool:
    """Whether the expression is made of many rows."""
    return not isinstance(expression, Field) and expression.__class__.__name__ in {"Aggregate", "Ratio"}


__all__ = ["Absence", "Aggregate", "Mode", "State", "is_aggregate"]
