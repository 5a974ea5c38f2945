"""Several periods in one question, and columns of years as numbers: `in 2023 and 2025`, `built before 1960`. Pure."""

from collections.abc import Sequence
from typing import Final

from app.query.language.algebra.model import CannotWriteError, Compare, Condition, Either, Field, Within
from app.query.language.parsing.known.context import Context
from app.query.language.reading.dates import DateRange
from app.query.language.reading.stems import is_participle, stem
from app.query.language.vocabulary.model import Kind

GUESS: Final = 0.27
"""Doubt of a year that nobody said: what is said stays below a confidence of 0.7."""


def either_period(one: Condition, other: Condition) -> Either | None:
    """Both as one choice, where they are periods of one column that no day shares: in 2023 and in 2025."""
    before = one.any_of if isinstance(one, Either) else (one,)
    if not isinstance(other, Within) or other.negated:
        return None
    for each in before:
        if not isinstance(each, Within) or each.left != other.left or each.negated or not _apart(each, other):
            return None
    return Either((*before, other))


def _apart(one: Within, other: Within) -> bool:
    """Whether no day lies in both."""
    first, second = (one, other) if one.high is not None and one.high == min(
        (each.high for each in (one, other) if each.high is not None), default=None) else (other, one)  # fmt: skip
    return first.high is not None and second.low is not None and first.high <= second.low


def refuse_apart(conditions: Sequence[Condition]) -> None:
    """Refuse periods of one column that no day shares: neither can be meant. Raises `CannotWriteError`."""
    periods = [each for each in conditions if isinstance(each, Within) and not each.negated]
    for place, each in enumerate(periods):
        if any(other.left == each.left and _apart(other, each) for other in periods[:place]):
            raise CannotWriteError("Two periods are named, and how they belong together is not said.")


def is_whole_years(when: DateRange) -> bool:
    """Whether the range begins and ends with years."""
    days = [each for each in (when.low, when.high) if each is not None]
    return bool(days) and all((each.month, each.day) == (1, 1) for each in days)


def year_conditions(year: Field, when: DateRange) -> list[Condition]:
    """What a range of whole years says of a column of years as numbers."""
    low, high = when.low, when.high
    if low is not None and high is not None and high.year == low.year + 1:
        return [Compare(year, "=", low.year)]
    found: list[Condition] = [Compare(year, ">=", low.year)] if low is not None else []
    return found + ([Compare(year, "<", high.year)] if high is not None else [])


def holds_years(context: Context, field: Field) -> bool:
    """Whether the numbers of the column are years: `year_built`, `opened_year`, or one called like what happened."""
    words = context.words(field)
    if field.kind is not Kind.NUMBER or "years" in field.column.lower() or context.is_reference(field):
        return False
    return "year" in {words[0], words[-1]} or (len(words) == 1 and _is_begun(words[0]))


def _is_begun(word: str) -> bool:
    """Whether a number of that name can only be the year in which it was: founded, built."""
    return word in {"founded", "established", "built", "formed", "born", "incorporated", "constructed"}


def year_said(context: Context, table: str, said: Sequence[str]) -> Field | None:
    """The only column of years of the table that a verb near by names: built, opened."""
    stems = {stem(word) for word in said if is_participle(word) or word in {"built", "born"}}
    found = [
        field
        for column in context.tables[table].columns
        if holds_years(context, field := context.field(table, column.name))
        and any(stem(word) in stems for word in context.words(field))
    ]
    return found[0] if len(found) == 1 else None
