"""Terms of the glossary in a question, spelt out before it is read. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from app.catalog.glossary.terms import Meaning, Term, plain_term
from app.query.language.reading.stems import lemma, plurals
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
    left = {_singular(each.term): each for each in glossary if each.meaning is Meaning.EXPRESSION and each.expression}
    said: list[str] = []
    text = question
    while left and len(text) <= LONGEST:
        found = {_singular(match["term"]) for match in _terms(left).finditer(text)}
        if not found:
            break
        text = _terms(found).sub(lambda match: str(left[_singular(match["term"])].expression), text)
        said += [f"{left[term].term} is {left[term].expression}." for term in sorted(found)]
        for term in found:
            del left[term]
    return text, tuple(said)


def _singular(term: str) -> str:
    """The term as it is compared, its last word in the singular: `Big  Spenders` is `big spender`."""
    first, space, last = plain_term(term).rpartition(" ")
    return f"{first}{space}{lemma(last)}"


def _terms(terms: Collection[str]) -> re.Pattern[str]:
    """Any of the terms, in the singular or plural, as words of their own, with what stands in brackets behind them.

    The longest comes first.
    """
    longest = sorted(terms, key=lambda term: (-len(term), term))
    forms = "|".join(
        r"\s+".join(map(re.escape, [*term.split()[:-1], ""])) + _forms(term.split()[-1]) for term in longest
    )
    return re.compile(rf"(?<!\w)(?P<term>{forms})(?!\w)(?:\s*\([^)]*\))?", re.IGNORECASE)


def _forms(singular: str) -> str:
    """The word in the singular or plural."""
    said = [rf"{re.escape(singular)}(?:e?s)?", *(re.escape(word) for word in plurals(singular))]
    return f"(?:{'|'.join(said)})"
