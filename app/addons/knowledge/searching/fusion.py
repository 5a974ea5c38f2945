"""Two rankings become one: reciprocal rank fusion. Pure."""

from collections.abc import Hashable, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item", bound=Hashable)

K: Final = 60
"""As in the paper that proposes it: Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and
individual Rank Learning Methods", SIGIR 2009."""


def fused(*rankings: Sequence[Item]) -> list[tuple[Item, float]]:
    """Every item with its score, the best first: the sum of 1 / (K + rank) over the rankings that have the item.

    Items of one score stand as in the first ranking that has them.
    """
    scores: dict[Item, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(dict.fromkeys(ranking), 1):
            scores[item] = scores.get(item, 0.0) + 1 / (K + rank)
    return sorted(scores.items(), key=lambda scored: -scored[1])
