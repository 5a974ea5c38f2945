"""Whether an event satisfies the search of an event type."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from app.addons.replay.eval.values import as_number
from app.addons.replay.matching.conditions import All, AnyOf, Comparison, Condition, Not, Term
from app.addons.replay.settings.wildcards import fits, fits_ignoring_case, tokens

_KEPT = 1_000
_RUN = re.compile(r"[^\W_]+")


def satisfies(condition: Condition, raw: str, fields: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether the condition holds for the raw text (in any case of letters) and the fields."""
    match condition:
        case Term(text):
            return _has_term(text, raw)
        case Comparison(name, operator, values):
            return name == "index" or _compares(operator, values, fields.get(name, ()))
        case Not(inner):
            return not satisfies(inner, raw, fields)
        case All(conditions):
            return all(satisfies(each, raw, fields) for each in conditions)
        case AnyOf(conditions):
            return any(satisfies(each, raw, fields) for each in conditions)


def _compares(operator: str, wanted: tuple[str, ...], values: tuple[str, ...]) -> bool:
    """`=` and `!=` compare with wildcards, the others numbers where both are, else texts."""
    if operator == "=":
        return any(fits_ignoring_case(each, value) for each in wanted for value in values)
    if operator == "!=":
        return any(not fits_ignoring_case(wanted[0], value) for value in values)
    return any(_ordered(operator, value, wanted[0]) for value in values)


def _ordered(operator: str, value: str, wanted: str) -> bool:
    first, second = as_number(value), as_number(wanted)
    order = (value > wanted) - (value < wanted)
    if first is not None and second is not None:
        order = (first > second) - (first < second)
    return {"<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0}.get(operator, False)


def _has_term(text: str, raw: str) -> bool:
    """Whether the raw text has the term as words of its own; with `*`, whether a word is of that form."""
    if "*" in text:
        form = tokens(text.casefold(), "*")
        return set(text) == {"*"} or any(fits(form, word) for word in _words(raw.casefold()))
    return _term_pattern(text).search(raw) is not None


def _words(raw: str) -> Iterator[str]:
    """The texts between blanks, and within these the runs of letters and digits."""
    for text in raw.split():
        yield text
        yield from _RUN.findall(text)


@lru_cache(maxsize=_KEPT)
def _term_pattern(text: str) -> re.Pattern[str]:
    """The term between characters that are neither letters nor digits."""
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(text)}(?![A-Za-z0-9])", re.IGNORECASE)
