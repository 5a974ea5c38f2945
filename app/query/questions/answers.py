"""What a question was read as, and the terms that a question is read by. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.catalog.glossary.terms import Meaning, Term, plain_term
from app.query.language.outcome import Alternative, WordMeaning
from app.query.language.reading.stems import normalized, stem
from app.query.language.vocabulary.terms import spelt_out, without_manners
from app.query.proposals.outcome import CONFIDENCE, UNCHECKED, Proposal


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """A question as SQL, and how it came to that."""

    sql: str
    words: tuple[WordMeaning, ...] = ()
    assumptions: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    confidence: float = 1.0
    terms: tuple[Term, ...] = ()
    """The terms of the glossary and of the asker's corrections that have to do with the question."""
    proposal: Proposal | None = None
    """The language model's, whose statement this is; None of what the rules read, or somebody gave."""

    @classmethod
    def proposed(cls, proposal: Proposal, terms: tuple[Term, ...]) -> "ReadQuestion":
        """The question as a language model would have it: nobody knows what became of each word."""
        refusal = proposal.refusal
        said = (UNCHECKED, f"The rules do not read the question: {refusal.reason}")
        return cls(proposal.sql, (), said, refusal.alternatives, CONFIDENCE, terms, proposal)


def plain_question(question: str) -> str:
    """The question as two are compared: `How many stays?` and `how many  stays` are one."""
    return normalized(without_manners(question))


def statement_for(question: str, terms: Iterable[Term]) -> Term | None:
    """The term that is the whole question, and is answered by a statement; None when there is none."""
    plain = plain_term(plain_question(question))
    return next((each for each in terms if each.meaning is Meaning.STATEMENT and plain_term(each.term) == plain), None)


def terms_in(question: str, terms: Sequence[Term]) -> tuple[Term, ...]:
    """The terms that the question is read by: itself as a whole, else those in it or in the expressions of its terms.

    A term is found in any form of its words. Terms that prefer a join are in every question: its statement says which
    joins it uses.
    """
    if (whole := statement_for(question, terms)) is not None:
        return (whole,)
    words = f" {_stems(spelt_out(question, terms)[0])} | {_stems(question)} "
    within = {Meaning.TABLE, Meaning.COLUMN, Meaning.VALUE, Meaning.EXPRESSION}
    return tuple(
        each
        for each in terms
        if each.meaning is Meaning.JOIN or (each.meaning in within and f" {_stems(each.term)} " in words)
    )


def overlaid(terms: Sequence[Term], over: Sequence[Term]) -> tuple[Term, ...]:
    """The terms, but for those to which others give another meaning; and these others."""
    given = {plain_term(each.term) for each in over}
    return (*(each for each in terms if plain_term(each.term) not in given), *over)


def _stems(text: str) -> str:
    return " ".join(stem(word) for word in normalized(text).split())
