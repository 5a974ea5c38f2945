"""How likely a reading is the one that was meant: doubts add up, and what was measured maps them to a share. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from app.query.language.algebra.model import Query, Ratio
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.known.state import State
from app.query.language.reading.lexicon import Role

_MEASURED: Final = ((0.0, 0.0), (1.0, 1.0))
"""Raw confidence and the share that was right, between which is interpolated."""
_CLOSE: Final = 0.12


def raw(
    marks: Sequence[Mark], state: State, query: Query | None, ambiguous: Sequence[tuple[str, str]], rival: float | None
) -> float:
    """Confidence before calibration."""
    worth = 0.97 - state.doubts
    for mark in marks:
        if mark.links:
            worth -= 0.25 * max(0.0, 0.95 - mark.link.worth)
        elif mark.kind is MarkKind.VERB:
            worth -= 0.06 if mark.detail else 0.01
        elif mark.role is Role.SUPERLATIVE:
            worth -= 0.01
    worth -= 0.5 * len(ambiguous)
    tables = {each.table for each in query.mentions} if query is not None else set()
    worth -= 0.03 * max(0, len(tables) - 1)
    if query is not None and any(isinstance(each, Ratio) for each in query.select):
        worth -= 0.04
    if rival is not None and rival < _CLOSE:
        worth -= 0.12 * (1 - max(0.0, rival) / _CLOSE)
    return max(0.0, min(1.0, worth))


def calibrated(
    marks: Sequence[Mark], state: State, query: Query | None, ambiguous: Sequence[tuple[str, str]], rival: float | None
) -> float:
    """The share of right answers among those of as much raw confidence."""
    worth = raw(marks, state, query, ambiguous, rival)
    for (low, low_share), (high, high_share) in pairwise(_MEASURED):
        if worth <= high:
            part = (worth - low) / (high - low) if high > low else 0.0
            return round(low_share + part * (high_share - low_share), 3)
    return _MEASURED[-1][1]
