"""Whether a word of a name is a short form of an English word: `shpmt` of shipment, `cap` of capacity. Pure."""

from functools import lru_cache
from itertools import pairwise
from typing import Final

from app.query.language.reading.stems import stem

LONGEST: Final = 6
"""Letters of the longest short form; a longer word of a name is a word."""

_CUT: Final = 0.9
_SKELETON: Final = 0.88
"""Worths of a word that is cut off, and of one of which most vowels are left out."""

_FEWEST_KEPT: Final = 0.6
"""Share of the consonants of a word that its short form keeps: `frt` keeps three of the five of freight."""

_VOWELS: Final = frozenset("aeiou")


@lru_cache(maxsize=65_536)
def shortened(short: str, word: str) -> float:
    """The worth of the short form as a name for the word, from 0 (it is none) to 1."""
    if not 2 <= len(short) <= LONGEST or len(word) <= len(short) or short[0] != word[0]:  # noqa: PLR2004
        return 0.0
    if len(short) > 2 and word.startswith(short):  # noqa: PLR2004 - two letters begin everything
        return _CUT if len(word) > len(short) + 1 else 0.0
    bones, kept = _bones(word), _bones(short)
    vowels = len(short) - len(kept)
    if len(short) == 2:  # noqa: PLR2004
        return _SKELETON if kept == bones else 0.0
    if vowels > 1 or not _in_order(short, word) or len(kept) < _FEWEST_KEPT * len(bones):
        return 0.0
    return _SKELETON if kept[-1] == bones[-1] or bones.startswith(kept) else 0.0


def named_by(short: str, word: str) -> float:
    """The worth of the short form as a name for the word or for its stem: `blk` of blocked."""
    return max(shortened(short, word), 0.95 * shortened(short, stem(word)))


def _bones(word: str) -> str:
    """The first letter and the consonants behind it, double ones once."""
    kept = [word[0]]
    kept += [letter for before, letter in pairwise(word) if letter not in _VOWELS | {before}]
    return "".join(kept)


def _in_order(short: str, word: str) -> bool:
    letters = iter(word)
    return all(letter in letters for letter in short)
