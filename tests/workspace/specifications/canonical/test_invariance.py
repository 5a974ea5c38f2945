"""The canonical hash: one for a graph however it is written, another for each other graph; Oxigraph says the same."""

import random
from collections.abc import Sequence

import pytest

from app.workspace.specifications.canonical.form import canonical_form
from app.workspace.specifications.canonical.nquads import Statement
from app.workspace.specifications.values.formats import SpecificationFormat
from tests.workspace.specifications.graphs import (
    LITERALS,
    alike_lines,
    of_lines,
    oxigraph_lines,
    random_lines,
    read,
    renamed,
    written,
)

WRITINGS = 1_000
GRAPHS = 20


def hash_of(triples: Sequence[Statement]) -> str:
    return canonical_form(triples).sha256


def test_one_hash_under_a_thousand_writings() -> None:
    """Other names of blank nodes, other orders, other syntaxes."""
    chance = random.Random(20_240_521)
    formats = list(SpecificationFormat)
    for _ in range(GRAPHS):
        lines = random_lines(chance, blanks=6, triples=14)
        expected = hash_of(of_lines(lines))
        for number in range(WRITINGS // GRAPHS):
            written_in = formats[number % len(formats)]
            assert hash_of(read(written(renamed(lines, chance), written_in), written_in)) == expected


def test_another_hash_for_a_thousand_changes_of_one_triple() -> None:
    chance = random.Random(41)
    for _ in range(WRITINGS // 10):
        lines = random_lines(chance, blanks=5, triples=12)
        found = hash_of(of_lines(lines))
        for _ in range(10):
            changed = list(lines)
            at = chance.randrange(len(lines))
            subject, predicate, _ = lines[at].split(" ", 2)
            changed[at] = f'{subject} {predicate} "changed {chance.randrange(10**9)}" .'
            assert hash_of(of_lines(changed)) != found


def test_a_triple_more_and_a_triple_less_change_the_hash() -> None:
    chance = random.Random(42)
    for _ in range(100):
        lines = random_lines(chance, blanks=5, triples=12)
        found = hash_of(of_lines(lines))
        assert hash_of(of_lines(lines[1:])) != found
        assert hash_of(of_lines([*lines, "<urn:s> <urn:p> <urn:o> ."])) != found


@pytest.mark.parametrize("seed", range(8))
def test_oxigraph_has_the_same_canonical_form(seed: int) -> None:
    """An implementation that shares no line with ours, over graphs that need Hash N-Degree Quads."""
    chance = random.Random(seed)
    for _ in range(40):
        lines = random_lines(chance, blanks=chance.randint(1, 8), triples=chance.randint(1, 24))
        text = "\n".join(lines).encode()
        assert canonical_form(read(text)).lines == oxigraph_lines(text, SpecificationFormat.N_TRIPLES)


def test_oxigraph_has_the_same_where_all_blank_nodes_look_alike() -> None:
    """Only the shortest of the paths along all orders gives a label that depends on no name (4.8.3, step 5.4)."""
    chance = random.Random(5)
    for _ in range(200):
        lines = alike_lines(chance, blanks=chance.randint(3, 7), triples=chance.randint(4, 14))
        text = "\n".join(lines).encode()
        form = canonical_form(read(text))
        assert form.lines == oxigraph_lines(text, SpecificationFormat.N_TRIPLES)
        assert canonical_form(of_lines(renamed(lines, chance))).lines == form.lines


def test_every_literal_has_a_form_of_its_own() -> None:
    forms = {hash_of(of_lines([f"<urn:s> <urn:p> {literal} ."])) for literal in LITERALS}
    assert len(forms) == len(LITERALS)
