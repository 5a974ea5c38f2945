"""Whatever is done to a statement: what PostgreSQL cannot read is refused, and what is allowed it reads alike."""

import os

import pgparse
from hypothesis import given, settings
from hypothesis import strategies as st

from app.query.guard.check import check
from app.query.guard.postgres_grammar import difference, read
from app.query.guard.relations import Catalog
from app.query.guard.scanner import scan, word_set
from tests.query.meanings import MEANINGS

NOWHERE = Catalog.of([])
PIECES = sorted(
    word_set("""
        ( ) [ ] , . : :: + - * / = <> ~ AND OR NOT IN IS AS FROM SELECT WHERE NULL DISTINCT ALL ANY OVER ORDER BY ASC
        DESC NULLS FIRST LIMIT CASE WHEN THEN ELSE END UNION JOIN ON CAST BETWEEN LIKE a b 1 2.5 'x' int text
    """)
)
STATEMENTS = tuple(sql for sql in MEANINGS if "--" not in sql)
"""Without comments: `pgparse` takes none between two parts of one string, and the server does."""

EXAMPLES = int(os.environ.get("SPYNE_TEST_SPOILT", "300"))


def _cut(sql: str) -> list[str]:
    """The text of each token."""
    starts = [token.start for token in scan(sql)]
    return [sql[start:end].strip() for start, end in zip(starts, [*starts[1:], len(sql)], strict=True)]


@st.composite
def _spoilt(draw: st.DrawFn) -> str:
    """A statement with some of its words and signs dropped, doubled, exchanged or added."""
    pieces = _cut(draw(st.sampled_from(STATEMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(pieces) - 1))
        match draw(st.sampled_from(["drop", "double", "exchange", "add"])):
            case "drop" if len(pieces) > 1:
                del pieces[at]
            case "double":
                pieces.insert(at, pieces[at])
            case "exchange":
                other = draw(st.integers(0, len(pieces) - 1))
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case _:
                pieces.insert(at, draw(st.sampled_from(PIECES)))
    return " ".join(pieces)


def _is_read(sql: str) -> bool:
    try:
        pgparse.parse(sql)
    except pgparse.PGQueryError:
        return False
    return True


@given(_spoilt())
@settings(max_examples=EXAMPLES)
def test_only_what_postgresql_reads_is_allowed_and_it_reads_the_same(sql: str) -> None:
    verdict = check(sql, NOWHERE)
    if not _is_read(sql):
        assert not verdict.allowed
    if verdict.sql is not None:
        assert difference(read(sql), read(verdict.sql), {}) is None
    for finding in verdict.findings:
        assert "<Token" not in finding.message
        assert finding.message
        assert finding.message.startswith("Syntax error") <= (not _is_read(sql)), finding
