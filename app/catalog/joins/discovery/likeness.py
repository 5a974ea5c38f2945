"""How far words name an entity: the same, its plural, shortened, after a role, in part. Pure."""

from functools import lru_cache
from typing import Final

from app.catalog.joins.discovery.words import ABBREVIATIONS, GENERIC, MEASURES

Words = tuple[str, ...]
"""Words of a name, singular and in lower case."""

ROLE_BEFORE: Final = 0.92
"""Of the name of the table after another word, `billing_customer_id`: it may be a table of its own elsewhere."""

TAIL: Final = 0.6
"""Of the last words of a table's name, `type` of `media_type`: enough where values agree and nothing is nearer."""

COMMON_TAIL: Final = 0.5
"""Of such last words that are those of many tables, `type`, `status`: not enough where values prove nothing."""

INITIALS: Final = 0.6
"""Of the initials of a table of several words."""

NAMES: Final = "names the table {table}"

_PLURALS: Final = ("s", "es", "n", "en", "e", "er", "nen")
"""Endings of plurals in English, German and the Romance languages."""

ABBREVIATED: Final = 0.85
SHORTLY: Final = 0.75
"""Of a word shortened to four letters or more, and to three: the shorter, the more words it may mean."""


@lru_cache(maxsize=65_536)
def alike(words: Words, entity: Words) -> tuple[float, str]:
    """How far the words name the entity, from 0 to 1, and in which way, with `{table}` for the table."""
    if not entity or not words:
        return 0.0, ""
    joined, whole = "".join(words), "".join(entity)
    if joined == whole:
        return 1.0, NAMES
    worth = _word_by_word(words, entity) if len(words) == len(entity) else 0.0
    if not worth and (len(entity) == 1 or (len(words) == 1 and len(joined) > len(entity[0]))):
        worth = _abbreviates(joined, whole) * 0.95
    if worth:
        return worth, NAMES if worth >= ROLE_BEFORE else "abbreviates the name of {table}"
    return _after_role(words, entity) if len(words) >= len(entity) else _in_part(words, entity)


def _after_role(words: Words, entity: Words) -> tuple[float, str]:
    """The evidence where the last words name the entity, or the end of a single word does."""
    worth = _word_by_word(words[-len(entity) :], entity)
    if worth:
        return worth * ROLE_BEFORE, "names the table {table} after a role"
    whole = "".join(entity)
    glued = len(words) == 1 and len(whole) > 3 and words[0].endswith(whole) and len(words[0]) - len(whole) > 2  # noqa: PLR2004
    return (ROLE_BEFORE * ABBREVIATED, "names the table {table} after a role") if glued else (0.0, "")


def _in_part(words: Words, entity: Words) -> tuple[float, str]:
    """The evidence where the words are the last ones of the entity, or its initials."""
    worth = _word_by_word(words, entity[-len(words) :]) if words[-1] not in MEASURES else 0.0
    if worth:
        return worth * (COMMON_TAIL if words[-1] in GENERIC else TAIL), "is the last part of the name of {table}"
    if "".join(words) == "".join(word[0] for word in entity):
        return INITIALS, "has the initials of {table}"
    return 0.0, ""


def _word_by_word(words: Words, others: Words) -> float:
    worth = 1.0
    for word, other in zip(words, others, strict=True):
        worth = min(worth, of_word(word, other))
        if not worth:
            break
    return worth


def of_word(word: str, other: str) -> float:
    """How far one word means the other, from 0 to 1: the same, its plural, or abbreviated."""
    if word == other:
        return 1.0
    if _inflects(word, other) or _inflects(other, word):
        return 0.96
    return _abbreviates(word, other)


def _inflects(short: str, long: str) -> bool:
    """Whether the longer word is the shorter one in the plural: `kunde`, `kunden`; four letters at least."""
    return len(short) > 3 and long.startswith(short) and long[len(short) :] in _PLURALS  # noqa: PLR2004


def _abbreviates(short: str, long: str) -> float:
    """What the short word is worth as an abbreviation: of the beginning, or of first letter and consonants."""
    if ABBREVIATIONS.get(short) == long:
        return ABBREVIATED
    if len(short) < 3 or len(short) >= len(long) or short[0] != long[0]:  # noqa: PLR2004 - two letters mean anything
        return 0.0
    if long.startswith(short):
        return (ABBREVIATED if len(short) > 3 else SHORTLY) if len(short) * 4 >= len(long) else 0.0  # noqa: PLR2004
    if len(short) * 3 < len(long):
        return 0.0
    consonants = iter(letter for letter in long[1:] if letter not in "aeiou")
    return SHORTLY * 0.95 if all(letter in consonants for letter in short[1:]) else 0.0
