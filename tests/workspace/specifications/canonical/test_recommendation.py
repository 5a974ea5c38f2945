"""The algorithm against the examples that "RDF Dataset Canonicalization" works through, with the hashes printed there."""

import itertools

import pytest

from app.workspace.specifications.canonical.form import canonical_form
from app.workspace.specifications.canonical.labelling import Looks, _first_degree
from app.workspace.specifications.canonical.nquads import Statement
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused
from tests.workspace.specifications.graphs import of_lines

EX = "http://example.com/#"


def triples(*short: str) -> list[Statement]:
    """Triples of the Recommendation's shorthand, `:p :q _:e0`."""
    return [
        Statement(*(word if word.startswith("_:") else f"<{EX}{word[1:]}>" for word in line.split())) for line in short
    ]


UNIQUE = triples(":p :q _:e0", ":p :r _:e1", "_:e0 :s :u", "_:e1 :t :u")
SHARED = triples(":p :q _:e0", ":p :q _:e1", "_:e0 :p _:e2", "_:e1 :p _:e3", "_:e2 :r _:e3")


@pytest.mark.parametrize(
    ("graph", "blank", "expected"),
    [
        (UNIQUE, "_:e0", "21d1dd5ba21f3dee9d76c0c00c260fa6f5d5d65315099e553026f4828d0dc77a"),
        (UNIQUE, "_:e1", "6fa0b9bdb376852b5743ff39ca4cbf7ea14d34966b2828478fbf222e7c764473"),
        (SHARED, "_:e0", "3b26142829b8887d011d779079a243bd61ab53c3990d550320a17b59ade6ba36"),
        (SHARED, "_:e1", "3b26142829b8887d011d779079a243bd61ab53c3990d550320a17b59ade6ba36"),
    ],
)
def test_first_degree_hashes(graph: list[Statement], blank: str, expected: str) -> None:
    assert _first_degree(blank, [each for each in graph if blank in each.blank_nodes]) == expected


def test_a_blank_node_with_itself_and_others() -> None:
    """The double circle of 4.8: the hash of a node that the other one mentions four times."""
    next_, previous = "<http://example.org/vocab#next>", "<http://example.org/vocab#prev>"
    graph = [Statement(a, p, b) for a, b in (("_:e0", "_:e1"), ("_:e1", "_:e0")) for p in (next_, previous)]
    expected = "60dc8fc7b5481014b6ea38efb05455676d1e93e19b99119ab294941dacc16b3b"
    assert _first_degree("_:e1", graph) == expected


def test_labels_where_first_degrees_are_unique() -> None:
    assert canonical_form(UNIQUE).labels == {"_:e0": "_:c14n0", "_:e1": "_:c14n1"}


def test_labels_where_first_degrees_are_shared() -> None:
    """The issued identifiers map of example "Shared hashes" after step 6."""
    expected = {"_:e2": "_:c14n0", "_:e3": "_:c14n1", "_:e1": "_:c14n2", "_:e0": "_:c14n3"}
    assert canonical_form(SHARED).labels == expected


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        (r'"\u0008\u0009\u000a\u000b\u000c\u000d\u0022\u005c\u007f"', r'"\b\t\n\u000B\f\r\"\\\u007F"'),
        (r'"\u00e9\U0001F600~"', '"\u00e9\U0001f600~"'),
        ('"a"^^<http://www.w3.org/2001/XMLSchema#string>', '"a"'),
        ('"a"@EN-gb', '"a"@en-gb'),
        ('"01"^^<http://www.w3.org/2001/XMLSchema#integer>', '"01"^^<http://www.w3.org/2001/XMLSchema#integer>'),
        (r'"\u0001\u001f"', r'"\u0001\u001F"'),
        (r'"\u0080\u2028"', '"\u0080\u2028"'),
    ],
)
def test_literals_in_canonical_form(literal: str, expected: str) -> None:
    assert canonical_form(of_lines([f"<urn:s> <urn:p> {literal} ."])).lines == [f"<urn:s> <urn:p> {expected} .\n"]


def test_the_empty_graph() -> None:
    form = canonical_form([])
    assert form.lines == []
    assert form.sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    "graph",
    [
        [Statement(f"_:{a}", "<urn:p>", f"_:{b}") for a, b in itertools.permutations(range(10), 2)],
        [Statement(f"_:{a}", "<urn:p>", f"_:x{b}") for a in range(9) for b in range(9)],
        [Statement(f"_:{n}", "<urn:p>", f"_:{(n + step) % 400}") for n in range(400) for step in (1, 7)],
        [Statement(f"_:{n}", "<urn:p>", f"_:{(n + 1) % 30_000}") for n in range(30_000)],
    ],
    ids=["clique", "complete-bipartite", "circulant", "circle"],
)
def test_a_poisoned_graph_is_refused(graph: list[Statement]) -> None:
    with pytest.raises(SpecificationRefused) as refused:
        canonical_form(graph, Looks(50_000))
    assert refused.value.code is RefusalCode.TOO_SYMMETRIC


def test_the_bound_depends_on_the_graph_alone() -> None:
    graph = [Statement(f"_:{a}", "<urn:p>", f"_:{b}") for a, b in itertools.permutations(range(5), 2)]

    def passes(looks: int) -> bool:
        try:
            canonical_form(graph, Looks(looks))
        except SpecificationRefused:
            return False
        return True

    least = next(looks for looks in itertools.count(1_000, 100) if passes(looks))
    turned = [Statement(each.object, each.predicate, each.subject) for each in reversed(graph)]
    canonical_form(turned, Looks(least))
