"""The corpus through the guard alone: every statement gets its verdict, every refusal says what to do."""

import re

import pytest

from app.query.guard.check import check
from tests.query.cases import ALLOWED, Case
from tests.query.corpus import CORPUS
from tests.query.relations import CATALOG

# Refusals of what has no allowed form at all may say none.
_RULE = re.compile(r"[a-z]+(-[a-z]+)*")


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_every_statement_gets_its_verdict(case: Case) -> None:
    verdict = check(case.sql, CATALOG)
    if case.expected == ALLOWED:
        assert verdict.findings == ()
        assert verdict.allowed
        assert verdict.sql is not None
        return
    assert not verdict.allowed
    assert verdict.sql is None
    assert verdict.sql_hash is None
    assert verdict.findings[0].rule == case.expected
    for finding in verdict.findings:
        assert _RULE.fullmatch(finding.rule)
        assert finding.place.line >= 1
        assert 0 <= finding.place.offset <= len(case.sql)
        assert len(finding.place.snippet) <= 80


def test_the_corpus_is_large_and_names_are_unique() -> None:
    assert sum(case.kind == "attack" for case in CORPUS) >= 110
    assert sum(case.kind == "good" for case in CORPUS) >= 70
    assert len({case.name for case in CORPUS}) == len(CORPUS)
