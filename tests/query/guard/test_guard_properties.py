"""Properties of the guard over arbitrary text: it always answers, and what it writes stays what it is."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.query.guard.check import GuardVerdict, check
from app.query.guard.relations import Catalog, RelationView
from tests.query.cases import Case
from tests.query.corpus import CORPUS
from tests.query.good import GOOD
from tests.query.relations import CATALOG, COLUMNS, relation

# Physical names made logical, so that the guard can be asked about its own text.
PLAIN = Catalog.of(RelationView(t, t, 1, "ACTIVE", "logical", t, relation(t).columns) for t in COLUMNS)
WORDS = sorted(
    {
        word
        for case in CORPUS
        if len(case.sql) < 600
        for word in case.sql.replace("(", " ( ").replace(")", " ) ").split()
    }
)


def _answers(sql: str) -> GuardVerdict:
    verdict = check(sql, CATALOG)
    assert verdict.allowed == (not verdict.findings)
    assert verdict.allowed == (verdict.sql is not None)
    return verdict


@given(st.text(alphabet=st.characters(codec=None), max_size=300))
@example("\ud800")
@example("SELECT '\0'")
@example("$")
@example("SELECT 1e")
@example('SELECT ""')
def test_any_text_gets_an_answer(text: str) -> None:
    _answers(text)
    _answers("SELECT " + text)


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=25))
@settings(max_examples=400)
def test_any_shuffle_of_words_gets_an_answer_that_is_stable(words: list[str]) -> None:
    verdict = _answers("SELECT " + " ".join(words))
    if verdict.sql is not None:
        assert '"_spyne' not in verdict.sql
        _assert_stable(verdict.sql)


@given(st.sampled_from(GOOD), st.data())
@settings(max_examples=400)
def test_a_damaged_statement_gets_an_answer_that_is_stable(case: Case, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(case.sql)))
    removed = data.draw(st.integers(0, 12))
    added = data.draw(
        st.sampled_from(
            ["", " ", "(", ")", ",", "'", '"', ".", "*", " NOT ", " OR true ", "::int", "--", "/*", ";", "f", "-"]
        )
    )
    verdict = _answers(case.sql[:position] + added + case.sql[position + removed :])
    if verdict.sql is not None:
        _assert_stable(verdict.sql)


def _assert_stable(written: str) -> None:
    """The written text, with logical names back in place, is allowed again and written the same."""
    logical = written
    for table in COLUMNS:
        logical = logical.replace(f'"data"."{table}__v1" AS ', f'"{table}" AS ')
    again = check(logical, CATALOG)
    assert again.findings == ()
    assert again.sql == written


def test_writing_anew_is_idempotent_for_the_corpus() -> None:
    for case in GOOD:
        verdict = check(case.sql, CATALOG)
        assert verdict.sql is not None
        _assert_stable(verdict.sql)
        assert check(case.sql, PLAIN).sql == verdict.sql.replace('"data".', '"logical".').replace("__v1", "")


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_a_literal_keeps_its_characters(value: str) -> None:
    quoted = "'" + value.replace("'", "''") + "'"
    escaped = "E'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    for literal in (quoted, escaped):
        verdict = _answers(f"SELECT {literal} AS a")
        assert verdict.sql == f'SELECT {quoted} AS "a"'


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=15))
def test_a_quoted_name_keeps_its_characters(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    verdict = _answers(f"SELECT 1 AS {quoted}")
    assert verdict.sql == f"SELECT 1 AS {quoted}"
    assert verdict.output == (name,)
