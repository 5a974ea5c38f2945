"""Numbers as people write them: `1,000`, `2.5k`, `$20`, `15%`, `three`. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_WORDS: Final[Mapping[str, int]] = {
    "zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000,
    "dozen": 12, "once": 1,
    "twice": 2, "one": 1,
}  # fmt: skip
_FLOATS: Final = 10**300
SCALES: Final = frozenset(("hundred", "thousand", "million", "billion", "dozen"))
"""Words that multiply the number before them."""
_UNITS: Final = {"k": 1_000, "m": 1_000_000}


def number_in_words(word: str) -> int | None:
    """The number that a word in lower case stands for."""
    return _WORDS.get(word)


def scaled(number: float, scale: str) -> int | float:
    """The number times what the word stands for: 1.5 million."""
    value = Decimal(str(number)) * _WORDS[scale]
    return int(value) if value == value.to_integral_value() else float(value)


def number_in_digits(text: str) -> tuple[int | float, bool]:
    """The number that digits stand for, and whether it is a percentage. Raises `ArithmeticError` for other texts."""
    bare = re.sub(r"[\s$,]", "", text).replace("\u2212", "-")
    percent = bare.endswith("%")
    bare = bare.rstrip("%")
    unit = _UNITS.get(bare[-1:].lower(), 1)
    bare = bare[:-1] if unit > 1 else bare
    value = Decimal(bare)  # exact: keys have more digits than a float, and than a product of decimals
    if value == value.to_integral_value() and ("." not in bare or unit > 1):
        return int(value) * unit, percent
    value *= unit
    whole = abs(value) > _FLOATS or (unit > 1 and value == value.to_integral_value())
    return (int(value) if whole else float(value)), percent
