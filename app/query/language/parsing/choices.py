"""Choices of one meaning for every mark, the most coherent first: near marks of one table hold together. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.query.language.linking.marks import Link, Mark, MarkKind
from app.query.language.linking.preference import PER_MARK

_BEAM: Final = 48
_MOST: Final = 12
_NEAR: Final = 2
_NEXT: Final = 0.35
"""Of a value beside the name of its own column."""
_HOME: Final = 0.22
"""Of a column or value of a table that the question names."""
_EACH_TABLE: Final = 0.18
"""What every further table costs."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Marks with one link each, and how well they hold together."""

    marks: tuple[Mark, ...]
    worth: float
    chosen: tuple[tuple[int, int], ...]
    """Places of marks with several meanings, with which of them was taken."""


def choices(marks: Sequence[Mark]) -> list[Choice]:
    """The best choices, the best first."""
    named = _named_tables(marks)
    beam: list[tuple[float, tuple[Link | None, ...], tuple[tuple[int, int], ...]]] = [(0.0, (), ())]
    for place, mark in enumerate(marks):
        if not mark.links:
            beam = [(worth, (*links, None), chosen) for worth, links, chosen in beam]
            continue
        grown = []
        for worth, links, chosen in beam:
            table_first = mark.links[0].column is None
            for number, link in enumerate(mark.links[:PER_MARK]):
                gain = (
                    link.worth
                    - 1.0
                    + (_HOME if link.column is not None and link.table in named and not table_first else 0.0)
                )
                gain += _beside(links, link)
                pick = (*chosen, (place, number)) if len(mark.links) > 1 else chosen
                grown.append((worth + gain, (*links, link), pick))
        grown.sort(key=lambda each: -each[0])
        beam = grown[:_BEAM]
    found = [_finished(marks, worth, links, chosen) for worth, links, chosen in beam]
    return sorted(found, key=lambda each: -each.worth)[:_MOST]


def _named_tables(marks: Sequence[Mark]) -> frozenset[str]:
    """The tables that the question names as such."""
    return frozenset(
        mark.links[0].table
        for mark in marks
        if mark.kind is MarkKind.NOUN and mark.links[0].column is None and mark.links[0].worth >= 0.8  # noqa: PLR2004
    )


def _beside(links: Sequence[Link | None], link: Link) -> float:
    """The gain of standing beside a mark of the same column, or of the same table."""
    for back, other in enumerate(reversed(links[-3:])):
        if other is None:
            continue
        if (
            back < _NEAR
            and (other.table, other.column) == (link.table, link.column)
            and (other.value is None) != (link.value is None)
        ):
            return _NEXT
        if other.table == link.table and back < _NEAR:
            return 0.06
    return 0.0


def _finished(
    marks: Sequence[Mark], worth: float, links: Sequence[Link | None], chosen: tuple[tuple[int, int], ...]
) -> Choice:
    tables = {link.table for link in links if link is not None}
    decided = []
    for mark, link in zip(marks, links, strict=True):
        if link is None:
            decided.append(mark)
            continue
        kind = MarkKind.VALUE if link.value is not None else MarkKind.NOUN
        decided.append(replace(mark, links=(link,), kind=kind))
    return Choice(tuple(decided), worth - _EACH_TABLE * max(0, len(tables) - 1), chosen)
