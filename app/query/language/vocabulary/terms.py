"""Terms of the glossary in a question, spelt out before it is read. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from app.catalog.glossary.terms import Meaning, Term, plain_term
from app.query.language.reading.tokens import LONGEST
from app.query.language.vocabulary.model import Table

_OF_CASE = re.compile(r"[^.?!;]*\bcase[- ]?(?:in)?sensitiv[^.?!;]*[.?!;]?", re.IGNORECASE)


def without_manners(question: str) -> str:
    """The question without sentences about the case of letters: values are looked up in any case."""
    kept = _OF_CASE.sub(lambda match: match.group() if match.start() == 0 else " ", question)
    return kept if kept.strip() else question


_DOTTED: Final = re.compile(r"(?<![\w.\"'])([A-Za-z_]\w*)\.([A-Za-z_]\w*)(?![\w.\"'])")


def undotted(text: str, tables: Mapping[str, Table]) -> str:
    """The text with `amount of orders` for `orders.amount`, where there is such a column."""

    def said(match: re.Match[str]) -> str:
        table, column = tables.get(match[1].lower()), match[2].lower()
        return f"{column} of {table.name}" if table is not None and table.column(column) else match[0]

    return _DOTTED.sub(said, text)


def spelt_out(question: str, glossary: Sequence[Term]) -> tuple[str, tuple[str, ...]]:
    """The question with the expressions of terms in their place, and what was replaced.

    Expressions may have other terms in them. A term is replaced once around, so none can grow without end; a text that
    is longer than a question may be is left as it is then, and is refused for its length.
    """
    left = {plain_term(each.term): each for each in glossary if each.meaning is Meaning.EXPRESSION and each.expression}
    said: list[str] = []
    text = question
    while left and len(text) <= LONGEST:
        found = {plain_term(match["term"]) for match in _terms(left).finditer(text)}
        if not found:
            break
        text = _terms({term: left[term] for term in found}).sub(
            lambda match: str(left[plain_term(match["term"])].expression), text
        )
        said += [f"{left[term].term} is {left[term].expression}." for term in sorted(found)]
        for term in found:
            del left[term]
    return text, tuple(said)


def _terms(terms: Collection[str]) -> re.Pattern[str]:
    """Any of the terms as words of their own, the longest first, with what stands in brackets behind them."""
    longest = sorted(terms, key=lambda term: (-len(term), term))
    forms = "|".join(r"\s+".join(re.escape(word) for word in term.split()) for term in longest)
    return re.compile(rf"(?<!\w)(?P<term>{forms})(?!\w)(?:\s*\([^)]*\))?", re.IGNORECASE)
