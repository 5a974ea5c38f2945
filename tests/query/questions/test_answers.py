"""By which terms a question is read, and what binds a preview to them."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.catalog.glossary.entries import GlossaryEntry
from app.catalog.glossary.terms import LONGEST_PLAIN, Meaning, Term, plain_term
from app.query.corrections.corrections import ProposedTerm
from app.query.questions.answers import overlaid, plain_question, statement_for, terms_in
from app.query.results.limits import Limits
from app.query.staleness import PreviewBasis, bases_of, changes

ID = UUID("01890000-0000-7000-8000-000000000001")
REVENUE = Term("revenue", Meaning.EXPRESSION, expression="total amount of settled orders")
SETTLED = Term("settled", Meaning.VALUE, table="orders", column="status", value="paid")
BUYER = Term("big buyer", Meaning.TABLE, table="customers")
SIDE = Term("orders and shops", Meaning.JOIN, join_id="orders__shops__seller")
WHOLE = Term(plain_question("How many stays last month?"), Meaning.STATEMENT, sql="SELECT 1")
TERMS = (REVENUE, SETTLED, BUYER, SIDE, WHOLE)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What is the revenue?", (REVENUE, SETTLED, SIDE)),
        ("REVENUES by city", (REVENUE, SETTLED, SIDE)),
        ("orders that are settled", (SETTLED, SIDE)),
        ("list the Big  Buyers", (BUYER, SIDE)),
        ("buyers that are big", (SIDE,)),
        ("how many stays last month", (WHOLE,)),
        ("  HOW many stays, last month!", (WHOLE,)),
        ("how many stays last month were settled", (SETTLED, SIDE)),
        ("", (SIDE,)),
    ],
)
def test_a_question_is_read_by_the_terms_that_are_in_it(question: str, found: tuple[Term, ...]) -> None:
    assert set(terms_in(question, TERMS)) == set(found)
    assert (statement_for(question, TERMS) is not None) == (found == (WHOLE,))


def test_ones_own_meaning_of_a_term_stands_over_the_one_of_all() -> None:
    own = replace(REVENUE, term=" Revenue ", expression="number of orders")
    assert overlaid(TERMS, [own]) == (SETTLED, BUYER, SIDE, WHOLE, own)
    assert overlaid(TERMS, []) == TERMS


def test_long_terms_are_compared_by_their_digest() -> None:
    one, other = "a" * 2_000, "a" * 1_999 + "b"
    assert plain_term(one) != plain_term(other)
    assert len(plain_term(one)) == LONGEST_PLAIN
    assert plain_term(one.upper()) == plain_term(one)


def _entry(term: Term, version: int) -> GlossaryEntry:
    parts = {name: getattr(term, name) for name in Term.__dataclass_fields__}
    at = datetime(2025, 1, 1, tzinfo=UTC)
    return GlossaryEntry(
        **parts, id=ID, version=version, created_at=at, created_by="x", revoked_at=None, revoked_by=None
    )


def _basis(*terms: Term, joins: tuple[str, ...] = ()) -> PreviewBasis:
    limits = Limits(max_rows=1, max_bytes=1, timeout_ms=1, max_cost=1.0, work_mem_kb=1)
    return PreviewBasis("hash", (), (), limits, terms=bases_of(terms, joins))


@pytest.mark.parametrize(
    ("before", "now", "codes"),
    [
        (_basis(REVENUE), _basis(REVENUE), []),
        (_basis(_entry(REVENUE, 1)), _basis(_entry(replace(REVENUE, note="once more"), 2)), []),
        (_basis(ProposedTerm("x", Meaning.TABLE, table="t", correction_id=ID)),
         _basis(_entry(Term("X", Meaning.TABLE, table="t"), 3)), []),
        (_basis(REVENUE), _basis(replace(REVENUE, expression="other words")), ["term-meaning"]),
        (_basis(REVENUE), _basis(), ["term-gone"]),
        (_basis(), _basis(REVENUE), ["term-new"]),
        (_basis(REVENUE), _basis(SETTLED), ["term-gone", "term-new"]),
        (_basis(SIDE), _basis(), []),
        (_basis(SIDE, joins=("orders__shops__seller",)), _basis(joins=("orders__shops__seller",)), ["term-gone"]),
    ],
)  # fmt: skip  # one line per part would hide the table
def test_a_preview_is_stale_when_a_term_means_something_else(
    before: PreviewBasis, now: PreviewBasis, codes: list[str]
) -> None:
    assert [change.code for change in changes(before, now, {})] == codes
    assert PreviewBasis.of(before.document()) == before
