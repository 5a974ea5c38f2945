"""Queries: what is answered, what is refused before anything runs, and what is stopped."""

import time

import pytest

from app.workspace.specifications import queries
from app.workspace.specifications.queries import answered
from app.workspace.specifications.reading.read import read_graph
from app.workspace.specifications.values.answers import Term
from app.workspace.specifications.values.formats import SpecificationFormat
from app.workspace.specifications.values.limits import MAX_QUERY_CHARACTERS
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused

DATA = """@prefix e: <http://e/> .
e:a e:knows e:b ; e:age 30 ; e:name "Ann"@en , "An" .
e:b e:knows e:c ; e:age 20 .
e:c e:knows e:a ; e:age 10 ; e:note [ e:text "x" ] ."""
GRAPH = read_graph(DATA.encode(), SpecificationFormat.TURTLE)
MANY = read_graph("".join(f"<urn:{n}> <urn:p> {n} .\n" for n in range(400)).encode(), SpecificationFormat.TURTLE)
CIRCLE = "".join(f"<urn:{n}> <urn:p> <urn:{m}> .\n" for n in range(40) for m in range(40))
DENSE = read_graph(CIRCLE.encode(), SpecificationFormat.TURTLE)
E = "PREFIX e: <http://e/> "
INTEGER = "http://www.w3.org/2001/XMLSchema#integer"

ANSWERS: list[tuple[str, list[list[str | None]]]] = [
    ("SELECT ?s { ?s e:age ?n } ORDER BY ?n", [["http://e/c"], ["http://e/b"], ["http://e/a"]]),
    ("SELECT ?s ?n { ?s e:age ?n FILTER(?n > 15) } ORDER BY DESC(?n) LIMIT 1", [["http://e/a", "30"]]),
    ("SELECT (COUNT(*) AS ?n) (AVG(?a) AS ?m) { ?s e:age ?a }", [["3", "20"]]),
    (
        "SELECT ?s ?t { ?s e:age ?n OPTIONAL { ?s e:note/e:text ?t } } ORDER BY ?n LIMIT 2",
        [["http://e/c", "x"], ["http://e/b", None]],
    ),
    ("SELECT ?s { ?s e:knows+ e:c } ORDER BY ?s", [["http://e/a"], ["http://e/b"], ["http://e/c"]]),
    ("SELECT DISTINCT ?x { { ?x e:name ?n } UNION { ?x e:note ?n } } ORDER BY ?x", [["http://e/a"], ["http://e/c"]]),
    ("SELECT ?s { ?s e:age ?n MINUS { ?s e:name ?x } } ORDER BY ?s", [["http://e/b"], ["http://e/c"]]),
    ("SELECT ?s { ?s e:age ?n FILTER NOT EXISTS { ?s e:name ?x } } ORDER BY ?s", [["http://e/b"], ["http://e/c"]]),
    ("SELECT ?n { VALUES ?s { e:a } ?s e:name ?n FILTER(LANG(?n) = 'en') }", [["Ann"]]),
    ("SELECT ?u { ?s e:name ?n BIND(UCASE(STR(?n)) AS ?u) FILTER(REGEX(?u, '^AN$')) }", [["AN"]]),
    ("SELECT ?s { { SELECT ?s { ?s e:age ?n } ORDER BY ?n LIMIT 1 } }", [["http://e/c"]]),
    ("SELECT ?s { ?s e:none ?n }", []),
]


@pytest.mark.parametrize(("query", "expected"), ANSWERS)
def test_a_select(query: str, expected: list[list[str | None]]) -> None:
    found = answered(GRAPH, E + query)
    assert [[term.value if term else None for term in row] for row in found.rows] == expected
    assert (found.boolean, found.truncated) == (None, False)


@pytest.mark.parametrize(
    ("query", "expected"), [("ASK { e:a e:knows e:b }", True), ("ASK { e:b e:knows e:a }", False), ("ASK {}", True)]
)
def test_an_ask(query: str, *, expected: bool) -> None:
    found = answered(GRAPH, E + query)
    assert (found.boolean, found.rows, found.variables) == (expected, [], [])


def test_terms_say_what_they_are() -> None:
    found = answered(GRAPH, E + "SELECT ?s ?p ?o { ?s ?p ?o VALUES ?p { e:name e:age e:note } } ORDER BY ?p ?s ?o")
    assert found.variables == ["s", "p", "o"]
    objects = [row[2] for row in found.rows]
    assert objects[0] == Term("literal", "30", INTEGER)
    assert Term("literal", "Ann", None, "en") in objects
    assert Term("literal", "An") in objects
    assert [term.type for term in objects if term][-1] == "bnode"


REFUSED: dict[str, tuple[str, RefusalCode]] = {
    "service": ("SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", RefusalCode.QUERY_READS_ELSEWHERE),
    "silent service": ("SELECT * { SERVICE SILENT ?g { ?s ?p ?o } }", RefusalCode.QUERY_READS_ELSEWHERE),
    "service in an exists": ("ASK { ?s ?p ?o FILTER EXISTS { SERVICE <urn:x> { ?s ?p ?o } } }", RefusalCode.QUERY_READS_ELSEWHERE),
    "service in a bind": ("ASK { BIND(EXISTS { SERVICE <urn:x> { ?s ?p ?o } } AS ?x) }", RefusalCode.QUERY_READS_ELSEWHERE),
    "service in a having": (
        "SELECT ?s { ?s ?p ?o } GROUP BY ?s HAVING(EXISTS { SERVICE <urn:x> { ?s ?p ?o } })", RefusalCode.QUERY_READS_ELSEWHERE,
    ),
    "service in an order": (
        "SELECT ?s { ?s ?p ?o } ORDER BY (EXISTS { SERVICE <urn:x> { ?s ?p ?o } })", RefusalCode.QUERY_READS_ELSEWHERE,
    ),
    "service in a projection": (
        "SELECT (EXISTS { SERVICE <urn:x> { ?s ?p ?o } } AS ?x) { ?s ?p ?o }", RefusalCode.QUERY_READS_ELSEWHERE,
    ),
    "service in a subquery": ("SELECT * { { SELECT * { SERVICE <urn:x> { ?s ?p ?o } } } }", RefusalCode.QUERY_READS_ELSEWHERE),
    "service in a minus": ("ASK { ?s ?p ?o MINUS { OPTIONAL { SERVICE <urn:x> {} } } }", RefusalCode.QUERY_READS_ELSEWHERE),
    "escaped service": ("SELECT * { \\u0053ERVICE <urn:x> { ?s ?p ?o } }", RefusalCode.QUERY_READS_ELSEWHERE),
    "from": ("SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }", RefusalCode.QUERY_READS_ELSEWHERE),
    "from named": ("ASK FROM NAMED <http://127.0.0.1:9/> { ?s ?p ?o }", RefusalCode.QUERY_READS_ELSEWHERE),
    "graph": ("SELECT * { GRAPH <http://127.0.0.1:9/> { ?s ?p ?o } }", RefusalCode.QUERY_READS_ELSEWHERE),
    "construct": ("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }", RefusalCode.QUERY_FORM),
    "describe": ("DESCRIBE <urn:x>", RefusalCode.QUERY_FORM),
    "load": ("LOAD <file:///etc/passwd>", RefusalCode.QUERY_UPDATE),
    "insert": ("INSERT DATA { <urn:a> <urn:b> 1 }", RefusalCode.QUERY_UPDATE),
    "delete": ("DELETE WHERE { ?s ?p ?o }", RefusalCode.QUERY_UPDATE),
    "drop": ("DROP ALL", RefusalCode.QUERY_UPDATE),
    "two queries": ("ASK {} ; DROP ALL", RefusalCode.QUERY_SYNTAX),
    "nothing": ("", RefusalCode.QUERY_UPDATE),
    "words": ("what is this", RefusalCode.QUERY_SYNTAX),
    "undeclared prefix": ("ASK { x:a x:b x:c }", RefusalCode.QUERY_SYNTAX),
    "nul": ("ASK { ?s ?p '\x00' }", RefusalCode.FORBIDDEN_CHARACTER),
    "half a surrogate": ("ASK { ?s ?p '\ud800' }", RefusalCode.FORBIDDEN_CHARACTER),
    "too long a text": ("ASK {" + " " * MAX_QUERY_CHARACTERS + "}", RefusalCode.TOO_LARGE),
    "deep groups": ("ASK " + "{" * 3_000 + "}" * 3_000, RefusalCode.TOO_DEEP),
    "deep brackets": ("ASK { FILTER(" + "(" * 30_000 + "1", RefusalCode.TOO_DEEP),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_query_is_refused_before_it_runs(name: str) -> None:
    query, code = REFUSED[name]
    with pytest.raises(SpecificationRefused) as refused:
        answered(GRAPH, query)
    assert refused.value.code is code, refused.value


STOPPED = {
    "a product": "SELECT (COUNT(*) AS ?n) { ?a ?p ?b . ?c ?q ?d . ?e ?r ?f }",
    "a product in an order": "SELECT * { ?a ?p ?b . ?c ?q ?d . ?e ?r ?f } ORDER BY ?a",
    "paths in paths": "SELECT * { ?a ((<urn:p>*)*/(<urn:p>+)*)* ?b . ?b (<urn:p>|^<urn:p>)* ?c }",
    "a path of everything else": "SELECT (COUNT(*) AS ?n) { ?a (!<urn:x>)* ?b . ?b (!<urn:x>)* ?c . ?c (!<urn:x>)* ?d }",
    "an expression that backtracks": f"ASK {{ FILTER(REGEX('{'a' * 40}!', '^(a+)+$')) }}",
}


@pytest.mark.parametrize("name", STOPPED)
def test_a_query_without_end_is_stopped(name: str) -> None:
    begun = time.monotonic()
    with pytest.raises(SpecificationRefused) as refused:
        answered(DENSE, STOPPED[name], seconds=0.3)
    assert refused.value.code is RefusalCode.QUERY_TOO_LONG, refused.value
    assert time.monotonic() - begun < 3


def test_rows_are_cut_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MAX_ROWS", 100)
    found = answered(MANY, "SELECT ?s { ?s ?p ?o }")
    assert (len(found.rows), found.truncated) == (100, True)
    assert not answered(MANY, "SELECT ?s { ?s ?p ?o } LIMIT 100").truncated


def test_an_answer_of_too_many_characters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MAX_ANSWER_CHARACTERS", 1_000)
    with pytest.raises(SpecificationRefused) as refused:
        answered(MANY, "SELECT ?s { ?s ?p ?o }")
    assert refused.value.code is RefusalCode.ANSWER_TOO_LARGE


def test_what_an_expression_makes_can_be_kept() -> None:
    found = answered(GRAPH, 'SELECT ("\\u0000\\uD800" AS ?x) {}')
    assert found.rows == [[Term("literal", "\ufffd?")]]
