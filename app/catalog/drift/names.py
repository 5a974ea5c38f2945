"""How alike two names of columns are. Pure."""

import re
from difflib import SequenceMatcher
from typing import Final

GENERIC: Final = frozenset(
    (
        "id",
        "key",
        "code",
        "no",
        "nr",
        "num",
        "number",
        "name",
        "title",
        "type",
        "kind",
        "status",
        "state",
        "value",
        "amount",
        "count",
        "total",
        "flag",
        "date",
        "time",
        "at",
        "on",
        "by",
        "day",
        "month",
        "year",
        "datetime",
        "timestamp",
        "ts",
        "is",
        "has",
        "of",
        "the",
        "to",
        "from",
        "start",
        "end",
        "first",
        "last",
        "min",
        "max",
        "old",
        "new",
        "ref",
        "uuid",
        "text",
        "desc",
        "description",
    )
)
"""Words that many columns of one table share: they say what a value is like, and not of what it is the value."""

GENERIC_WEIGHT: Final = 0.35
"""What a generic word counts beside another word's 1. Above a half, `user_id` and `order_id` would be alike (0.5)."""

SHORTEST_ABBREVIATION: Final = 2
"""Letters of an abbreviation: `no` for `number`. One letter abbreviates everything."""

ABBREVIATED: Final = 0.85
"""What an abbreviated word counts of the same word."""

MISSPELLED: Final = 0.8
"""The least edit ratio of two spellings of one word: `recieved` and `received` have 0.88, `order` and `border` 0.91,
which only other evidence tells apart; unrelated words of ten letters stay below 0.6."""

CONTAINED: Final = 0.75
"""What a name counts that is the other one with more words: `price` in `unit_price`."""

_BOUNDARY: Final = re.compile(r"[^0-9A-Za-z]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=[0-9])")


def tokens(name: str) -> tuple[str, ...]:
    """The words of the name in lower case and singular, split at underscores, at capitals and before digits."""
    return tuple(_singular(part.lower()) for part in _BOUNDARY.split(name) if part)


def similarity(first: str, second: str) -> float:
    """From 0 (nothing in common) to 1 (the same words, or the same letters), in either order."""
    words, others = tokens(first), tokens(second)
    if not words or not others:
        return 1.0 if first == second else 0.0
    joined, other_joined = "".join(words), "".join(others)
    if joined == other_joined:
        return 1.0
    return max(_of_words(words, others), _of_letters(*_without_shared(words, others)))


def _of_words(words: tuple[str, ...], others: tuple[str, ...]) -> float:
    """The weight of the words that both have, of the weight of all words; more where one name contains the other."""
    shorter, longer = sorted((words, others), key=lambda each: (len(each), each))
    left = list(longer)
    shared, exactly = 0.0, True
    for word in shorter:
        alike, nearest = max(((_alike(word, other), other) for other in left), default=(0.0, ""))
        if alike == 0.0:
            exactly = False
            continue
        left.remove(nearest)
        shared += alike * (_weight(word) + _weight(nearest)) / 2
    whole = sum(map(_weight, longer)) + sum(map(_weight, shorter)) - shared
    jaccard = shared / whole if shared else 0.0
    contained = exactly and len(longer) - len(shorter) <= len(shorter) + 1
    weight = max(map(_weight, shorter))
    return max(jaccard, CONTAINED * (weight if weight == 1.0 else 0.8)) if contained else jaccard


def _without_shared(words: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, str]:
    """The letters of both but for words that stand in both: `parent_id` and `agent_id` must not be alike by `id`."""
    return "".join(w for w in words if w not in others), "".join(w for w in others if w not in words)


def _of_letters(word: str, other: str) -> float:
    """The edit ratio where it may be a slip of the pen or words run together; else 0."""
    shorter, longer = sorted((word, other), key=lambda each: (len(each), each))
    if not shorter:
        return 0.0
    ratio: float = SequenceMatcher(None, shorter, longer, autojunk=False).ratio()
    if ratio >= MISSPELLED:
        return ratio
    affixed = len(shorter) >= 4 and (longer.startswith(shorter) or longer.endswith(shorter))  # noqa: PLR2004 - below, chance
    return CONTAINED * 0.8 if affixed else 0.0


def _alike(word: str, other: str) -> float:
    if word == other:
        return 1.0
    shorter, longer = sorted((word, other), key=len)
    if len(shorter) >= SHORTEST_ABBREVIATION and _abbreviates(shorter, longer):
        return ABBREVIATED
    ratio: float = SequenceMatcher(None, shorter, longer, autojunk=False).ratio()
    return ratio if ratio >= MISSPELLED and len(shorter) > 3 else 0.0  # noqa: PLR2004 - of short words each letter counts


def _abbreviates(short: str, long: str) -> bool:
    """Whether the short word is the beginning of the long one, or the first letter and consonants of it: `qty`."""
    if long.startswith(short):
        return len(short) * 4 >= len(long)
    if short[0] != long[0] or len(short) * 3 < len(long):
        return False
    consonants = iter(letter for letter in long[1:] if letter not in "aeiou")
    return all(letter in consonants for letter in short[1:])


def _weight(word: str) -> float:
    return GENERIC_WEIGHT if word in GENERIC or word.isdigit() else 1.0


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):  # noqa: PLR2004 - `ids`, `gas`
        return word[:-1]
    return word
