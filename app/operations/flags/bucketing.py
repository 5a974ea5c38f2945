"""Who is in a percentage: buckets of targeting keys, and which buckets a variant has. The same everywhere and for ever.

A variant keeps its buckets while its percentage grows, whatever the others do; what it gains was free, or given up.
"""

import hashlib
from collections.abc import Mapping, Sequence

from app.operations.flags.definition import Slot

BUCKETS = 10_000
"""Percentages have two decimals."""


def bucket(flag_key: str, targeting_key: str) -> int:
    """The bucket of a targeting key, uniform and independent between flags: SHA-256 of both, scaled down."""
    digest = hashlib.sha256(f"{flag_key}\0{targeting_key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) * BUCKETS >> 64


def allocated(before: Sequence[Slot], wanted: Mapping[str, int]) -> tuple[Slot, ...]:
    """Which buckets each variant has, when these many are wanted and `before` is what they had.

    A variant that shrinks gives up its highest buckets; one that grows takes the lowest free ones. So growing never
    takes a bucket from a variant whose own number does not shrink.

    Args:
        before: disjoint slots.
        wanted: number of buckets by variant, together at most `BUCKETS`.
    """
    owner: list[str | None] = [None] * BUCKETS
    for variant, number in wanted.items():
        had = [place for slot in before if slot.variant == variant for place in range(slot.start, slot.end)]
        for place in sorted(had)[:number]:
            owner[place] = variant
    free = (place for place in range(BUCKETS) if owner[place] is None)
    for variant, number in wanted.items():
        for _ in range(number - owner.count(variant)):
            owner[next(free)] = variant
    return _slots(owner)


def _slots(owner: Sequence[str | None]) -> tuple[Slot, ...]:
    found: list[Slot] = []
    start = 0
    for place in range(1, BUCKETS + 1):
        if place == BUCKETS or owner[place] != owner[start]:
            variant = owner[start]
            if variant is not None:
                found.append(Slot(variant, start, place))
            start = place
    return tuple(found)
