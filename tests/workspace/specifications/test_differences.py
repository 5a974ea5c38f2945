"""Differences: sound for any two graphs, none for the same graph, and short where a person would say that little changed."""

import random

import pytest

from app.workspace.specifications.canonical.form import canonical_form
from app.workspace.specifications.canonical.nquads import Statement
from app.workspace.specifications.differences import compared_lines, differences
from app.workspace.specifications.values.formats import SpecificationFormat
from tests.workspace.specifications.graphs import of_lines, random_lines, read, renamed

SHAPE = """@prefix e: <http://e/> . @prefix sh: <http://www.w3.org/ns/shacl#> .
e:S a sh:NodeShape ; sh:property
  [ sh:path e:name ; sh:minCount 1 ; sh:maxCount 1 ] ,
  [ sh:path e:age ; sh:minCount 1 ; sh:maxCount 1 ] ,
  [ sh:path e:mail ; sh:or ( [ sh:datatype e:a ] [ sh:datatype e:b ] ) ] ."""

CHANGES = [  # (in the older text, in the newer, added, removed)
    ("e:S a sh:NodeShape", "e:S a e:Other", 1, 1),
    ("e:age ; sh:minCount 1", "e:age ; sh:minCount 2", 1, 1),
    ("e:name ; sh:minCount 1", "e:name", 0, 1),
    ("sh:path e:mail", "sh:path e:mail ; sh:message 'x'", 1, 0),
    ("[ sh:datatype e:b ]", "[ sh:datatype e:c ]", 1, 1),
    ("[ sh:datatype e:a ] [ sh:datatype e:b ]", "[ sh:datatype e:b ] [ sh:datatype e:a ]", 2, 2),
    ("[ sh:datatype e:b ] )", "[ sh:datatype e:b ] [ sh:datatype e:c ] )", 5, 2),  # sound, not the shortest
    ("[ sh:path e:age ; sh:minCount 1 ; sh:maxCount 1 ] ,", "", 0, 4),
    ("sh:path e:age", "sh:path e:years", 1, 1),
    ("sh:maxCount 1 ] ,\n  [ sh:path e:age", "sh:maxCount 1 ] , [] ,\n  [ sh:path e:age", 1, 0),
]


@pytest.mark.parametrize(("old", "new", "added", "removed"), CHANGES)
def test_a_small_change_has_a_short_difference(old: str, new: str, added: int, removed: int) -> None:
    assert old in SHAPE
    older, newer = (read(text.encode(), SpecificationFormat.TURTLE) for text in (SHAPE, SHAPE.replace(old, new, 1)))
    found = differences(older, newer)
    assert (found.added_count, found.removed_count) == (added, removed), (found.added, found.removed)
    back = differences(newer, older)
    assert (back.added_count, back.removed_count) == (removed, added)


def test_the_same_graph_in_other_words_has_no_difference() -> None:
    chance = random.Random(3)
    for _ in range(100):
        lines = random_lines(chance, blanks=6, triples=14)
        found = differences(of_lines(lines), of_lines(renamed(lines, chance)))
        assert (found.added, found.removed, found.added_count, found.removed_count) == ([], [], 0, 0)
        assert found.older_hash == found.newer_hash


@pytest.mark.parametrize("seed", range(5))
def test_the_older_graph_with_the_difference_is_the_newer(seed: int) -> None:
    """Whatever is matched: what is taken away and added makes one graph of the other."""
    chance = random.Random(seed)
    for _ in range(60):
        older = random_lines(chance, blanks=6, triples=chance.randint(1, 20))
        kept = [line for line in older if chance.random() < 0.7]
        newer = sorted({*kept, *random_lines(chance, blanks=8, triples=chance.randint(0, 6))})
        found = differences(of_lines(older), of_lines(newer))
        lines = {each.line.rstrip() for each in _canonical(of_lines(older))}
        assert set(found.removed) <= lines
        assert not set(found.added) & lines
        assert (
            canonical_form(of_lines(sorted((lines - set(found.removed)) | set(found.added)))).sha256 == found.newer_hash
        )


def test_a_difference_depends_on_no_name_and_no_order() -> None:
    chance = random.Random(9)
    for _ in range(60):
        older, newer = (random_lines(chance, blanks=5, triples=10) for _ in range(2))
        found = differences(of_lines(older), of_lines(newer))
        again = differences(of_lines(renamed(older, chance)), of_lines(renamed(newer, chance)))
        assert (found.added, found.removed) == (again.added, again.removed)


def test_blank_nodes_that_are_alike_are_matched_one_to_one() -> None:
    older = read(b"<urn:s> <urn:p> [ <urn:q> 1 ], [ <urn:q> 1 ] .", SpecificationFormat.TURTLE)
    newer = read(b"<urn:s> <urn:p> [ <urn:q> 1 ], [ <urn:q> 1 ], [ <urn:q> 1 ] .", SpecificationFormat.TURTLE)
    found = differences(older, newer)
    assert (found.added_count, found.removed_count) == (2, 0)
    assert found.added[1].split()[0] == "_:new0"


def test_components_that_are_alike_are_matched_whole() -> None:
    def circles(many: int) -> list[Statement]:
        return of_lines([f"_:n{3 * n + k} <urn:p> _:n{3 * n + (k + 1) % 3} ." for n in range(many) for k in range(3)])

    found = differences(circles(4), circles(5))
    assert (found.added_count, found.removed_count) == (3, 0)


def test_names_are_of_the_older_graph() -> None:
    old, new = compared_lines([Statement("_:c14n0", "<urn:p>", '"1"')], [Statement("_:c14n5", "<urn:p>", '"1"')])
    assert old == new == {'_:c14n0 <urn:p> "1" .'}


def _canonical(triples: list[Statement]) -> list[Statement]:
    labels = canonical_form(triples).labels
    return [each.renamed(labels) for each in triples]
