"""Terms of the glossary in a question, spelt out before it is read. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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


_WORD: Final = re.compile(r"\w+")

_DOTTED: Final = re.compile(r"(?<![\w.\"'])([A-Za-z_]\w*)\.([A-Za-z_]\w*)(?![\w.\"'])")


def undotted(text: str, tables: Mapping[str, Table]) -> str:
    """The text with `amount of orders` for `orders.amount`, where there is such a column."""

    def said(match: re.Match[str]) -> str:
        table, column = tables.get(match[1].lower()), match[2].lower()
        return f"{column} of {table.name}" if table is not None and table.column(column) else match[0]

    return _DOTTED.sub(said, text)


def spelt_out(
    question: str, glossary: Sequence[Term], is_name: Callable[[str], bool] = lambda _: False
) -> tuple[str, tuple[str, ...]]:
    """The question with the expressions of terms in their place, and what was replaced.

    Expressions may have other terms in them. A term is replaced once around, so none can grow without end; a text that
    is longer than a question may be is left as it is then, and is refused for its length.

    Args:
        question: as it was asked.
        glossary: all terms; those that mean other words are spelt out.
        is_name: whether words are the name of a column or table: a term within a longer name is a part of that.
    """
    left = {_singular(each.term): each for each in glossary if each.meaning is Meaning.EXPRESSION and each.expression}
    said: list[str] = []
    text = question
    while left and len(text) <= LONGEST:
        found = {
            _singular(match["term"])
            for match in _terms(left.values()).finditer(text)
            if match["term"] and not _is_part(text, match, is_name)
        }
        if not found:
            break
        text = _replaced(text, {term: left.pop(term) for term in sorted(found)}, said, is_name)
    return text, tuple(said)


def _replaced(text: str, terms: Mapping[str, Term], said: list[str], is_name: Callable[[str], bool]) -> str:
    """The text with the expressions of the terms, each of which is noted in what was said."""

    def spelt(match: re.Match[str]) -> str:
        whole = match["term"] and not _is_part(text, match, is_name)
        return str(terms[_singular(match["term"])].expression) if whole else match[0]

    said += [f"{each.term} is {each.expression}." for each in terms.values()]
    return _terms(terms.values()).sub(spelt, text)


def _is_part(text: str, match: re.Match[str], is_name: Callable[[str], bool]) -> bool:
    """Whether the term is a part of a longer name: `delay` of `arrival delay`."""
    before, after = _WORD.findall(text[: match.start("term")])[-2:], _WORD.findall(text[match.end("term") :])[:2]
    longer = [
        (*before[len(before) - many :], match["term"], *after[:more])
        for many in range(len(before) + 1)
        for more in range(len(after) + 1)
        if many or more
    ]
    return any(is_name(" ".join(words)) for words in longer)


def _singular(term: str) -> str:
    """The term as it is compared, its last word in the singular: `Big  Spenders` is `big spender`."""
    first, space, last = plain_term(term).rpartition(" ")
    return f"{first}{space}{lemma(last)}"


def _terms(terms: Iterable[Term]) -> re.Pattern[str]:
    """Any of the terms, in the singular or plural, as words of their own, with what stands in brackets behind them.

    The longest comes first; before all of them expressions that have their term in them: in `departure delay` the term
    `delay` says nothing more when that is what it means.
    """
    singulars = {_singular(each.term): plain_term(each.expression or "") for each in terms}
    longest = sorted(singulars, key=lambda term: (-len(term), term))
    forms = "|".join(_words(term.split()[:-1]) + _forms(term.split()[-1]) for term in longest)
    said = "|".join(_words(words.split())[:-3] for term, words in singulars.items() if term.split()[-1] in words)
    kept = rf"(?<!\w)(?:{said})(?!\w)|" if said else ""
    return re.compile(rf"{kept}(?<!\w)(?P<term>{forms})(?!\w)(?:\s*\([^)]*\))?", re.IGNORECASE)


def _words(words: Sequence[str]) -> str:
    """A pattern of the words in order, each with spaces behind it."""
    return "".join(rf"{re.escape(word)}\s+" for word in words)


def _forms(singular: str) -> str:
    """The word in the singular or plural."""
    said = [rf"{re.escape(singular)}(?:e?s)?", *(re.escape(word) for word in plurals(singular))]
    return f"(?:{'|'.join(said)})"
