"""What was made of each word, in words for the asker. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from app.query.language.linking.marks import Link, Mark, MarkKind
from app.query.language.outcome import WordMeaning
from app.query.language.reading.lexicon import Role

_UNSAID: Final = frozenset((Role.FILLER, Role.PREPOSITION, Role.AND))
"""Words of which nothing need be said."""

_SAID: Final[Mapping[tuple[Role, str], str]] = {
    (Role.COUNT, ""): "how many",
    (Role.COUNT, "bare"): "how many",
    (Role.AGGREGATE, "sum"): "the sum",
    (Role.AGGREGATE, "avg"): "the average",
    (Role.AGGREGATE, "median"): "the median",
    (Role.AGGREGATE, "max"): "the highest value",
    (Role.AGGREGATE, "min"): "the lowest value",
    (Role.ARITHMETIC, "*"): "multiplied by",
    (Role.ARITHMETIC, "-"): "less",
    (Role.EACH, ""): "for each",
    (Role.COMPARE, ">"): "more than",
    (Role.COMPARE, "<"): "less than",
    (Role.COMPARE, ">="): "at least",
    (Role.COMPARE, "<="): "at most",
    (Role.COMPARE, "="): "equal to",
    (Role.COMPARE, "<>"): "not equal to",
    (Role.OR_MORE, ">="): "at least",
    (Role.OR_MORE, "<="): "at most",
    (Role.SUPERLATIVE, "desc"): "the highest",
    (Role.SUPERLATIVE, "asc"): "the lowest",
    (Role.SUPERLATIVE, "late"): "the latest",
    (Role.SUPERLATIVE, "early"): "the earliest",
    (Role.SUPERLATIVE, "dear"): "the highest price",
    (Role.SUPERLATIVE, "cheap"): "the lowest price",
    (Role.COMMON, "desc"): "the most frequent",
    (Role.COMMON, "asc"): "the least frequent",
    (Role.TOP, "desc"): "the first rows, highest first",
    (Role.TOP, "asc"): "the first rows, lowest first",
    (Role.DIRECTION, "desc"): "highest first",
    (Role.DIRECTION, "asc"): "lowest first",
    (Role.DIRECTION, "older"): "oldest first",
    (Role.DIRECTION, "younger"): "youngest first",
    (Role.LIKE, "contains"): "contains the text",
    (Role.LIKE, "starts"): "begins with the text",
    (Role.LIKE, "ends"): "ends with the text",
    (Role.PERCENT, ""): "a share in percent",
    (Role.DISTINCT, ""): "each once",
    (Role.RETURN, ""): "what to show",
    (Role.WHICH, ""): "what to show",
    (Role.HAVE, ""): "a condition",
    (Role.RELATIVE, ""): "a condition",
    (Role.EMPTY, "null"): "without a value",
    (Role.EMPTY, "not null"): "with a value",
}
"""By role and detail; a role that is not here says what it is by its name."""


def meanings(marks: Sequence[Mark]) -> tuple[WordMeaning, ...]:
    """What each word became: the names, values, dates and numbers it stands for, or what it says is to be done."""
    return tuple(_meanings(marks))


def _meanings(marks: Sequence[Mark]) -> Iterator[WordMeaning]:
    for mark in marks:
        if mark.links:
            yield _word(mark, linked(mark.link), mark.link.evidence, round(mark.link.worth, 2))
        elif mark.kind is MarkKind.WHEN and mark.when is not None:
            yield _word(mark, f"from {mark.when.low or 'the beginning'} before {mark.when.high or 'the end'}", "a date")
        elif mark.kind is MarkKind.NUMBER:
            yield _word(mark, str(mark.number), "a number")
        elif mark.role is not None and mark.role not in _UNSAID:
            said = _SAID.get((mark.role, mark.detail), mark.detail or mark.role.value)
            yield _word(mark, said, "a word of questions")


def _word(mark: Mark, meaning: str, evidence: str, worth: float = 1.0) -> WordMeaning:
    return WordMeaning(mark.text, mark.start, mark.end, meaning, evidence, worth)


def linked(link: Link) -> str:
    """What the link stands for: `table orders`, `orders.status`, `orders.status = 'paid'`."""
    if link.column is None:
        return f"table {link.table}"
    name = f"{link.table}.{link.column}"
    return name if link.value is None else f"{name} = {link.value!r}"
