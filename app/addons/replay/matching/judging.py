"""Whether an event satisfies the search of an event type."""

import re
from collections.abc import Mapping
from functools import lru_cache

from app.addons.replay.eval.values import as_number
from app.addons.replay.matching.conditions import All, AnyOf, Comparison, Condition, Not, Term
from app.addons.replay.settings.wildcards import fits_ignoring_case

MAX_TERM_WILDCARDS = 5
_KEPT = 1_000


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
    """Whether the raw text has the term as words of its own; `*` is the rest of a word."""
    if set(text) <= {"*"}:
        return True
    pattern = _term_pattern(text)
    return pattern is not None and pattern.search(raw) is not None


@lru_cache(maxsize=_KEPT)
def _term_pattern(text: str) -> re.Pattern[str] | None:
    """The term between characters that are neither letters nor digits; None where there are too many wildcards."""
    parts = text.split("*")
    if len(parts) > MAX_TERM_WILDCARDS + 1:
        return None
    left = "" if text.startswith("*") else r"(?<![A-Za-z0-9])"
    right = "" if text.endswith("*") else r"(?![A-Za-z0-9])"
    body = r"[^\s]{0,200}?".join(re.escape(part) for part in parts).strip()
    return re.compile(left + body + right, re.IGNORECASE)
