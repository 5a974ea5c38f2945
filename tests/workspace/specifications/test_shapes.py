"""Shapes: each constraint component of SHACL Core over a table, what is no SHACL Core, and shapes that are made to hurt."""

import json
import time

import pytest

from app.workspace.specifications import shapes as shapes_module
from app.workspace.specifications.reading.read import read_graph
from app.workspace.specifications.shapes import validated
from app.workspace.specifications.values.answers import ShapesReport
from app.workspace.specifications.values.formats import SpecificationFormat
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused

PREFIXES = """@prefix e: <http://e/> . @prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
"""
SH = "http://www.w3.org/ns/shacl#"


def texts(data: str, shapes: str) -> list[bytes]:
    """Both as Turtle."""
    return [(PREFIXES + data).encode(), (PREFIXES + shapes).encode()]


def report(data: str, shapes: str) -> ShapesReport:
    of_data, of_shapes = texts(data, shapes)
    graph = read_graph(of_data, SpecificationFormat.TURTLE)
    return validated(graph, read_graph(of_shapes, SpecificationFormat.TURTLE, "s"))


def found(data: str, shapes: str) -> list[tuple[str, str | None, str | None]]:
    """Of each fault the constraint component, the path and the value."""
    return [
        (fault.constraint.removeprefix(f"<{SH}").removesuffix("ConstraintComponent>"), fault.path, fault.value)
        for fault in report(data, shapes).faults
    ]


P = "<http://e/p>"
COMPONENTS: list[tuple[str, str, str, list[tuple[str, str | None, str | None]]]] = [
    # of section 4 of the Recommendation: name, property constraint of e:p, data of e:x, results
    ("class", "sh:class e:C", "e:p e:y, e:z . e:y a e:C . e:z a e:D", [("Class", P, "<http://e/z>")]),
    ("class by subclass", "sh:class e:C", "e:p e:y . e:y a e:D . e:D rdfs:subClassOf e:C", []),
    ("datatype", "sh:datatype xsd:integer", 'e:p 1, "a"', [("Datatype", P, '"a"')]),
    ("ill-typed", "sh:datatype xsd:integer", 'e:p "x"^^xsd:integer', [("Datatype", P, f'"x"^^<{"http://www.w3.org/2001/XMLSchema#"}integer>')]),
    ("nodeKind", "sh:nodeKind sh:IRI", "e:p e:y, 1", [("NodeKind", P, '"1"^^<http://www.w3.org/2001/XMLSchema#integer>')]),
    ("minCount", "sh:minCount 2", "e:p 1", [("MinCount", P, None)]),
    ("maxCount", "sh:maxCount 1", "e:p 1, 2", [("MaxCount", P, None)]),
    ("counts that hold", "sh:minCount 1 ; sh:maxCount 2", "e:p 1, 2", []),
    ("minExclusive", "sh:minExclusive 2", "e:p 2, 3", [("MinExclusive", P, '"2"^^<http://www.w3.org/2001/XMLSchema#integer>')]),
    ("minInclusive", "sh:minInclusive 2", "e:p 1, 2", [("MinInclusive", P, '"1"^^<http://www.w3.org/2001/XMLSchema#integer>')]),
    ("maxExclusive", "sh:maxExclusive 2", "e:p 1, 2", [("MaxExclusive", P, '"2"^^<http://www.w3.org/2001/XMLSchema#integer>')]),
    ("maxInclusive", "sh:maxInclusive 2", "e:p 2, 3", [("MaxInclusive", P, '"3"^^<http://www.w3.org/2001/XMLSchema#integer>')]),
    ("not comparable", "sh:minInclusive 2", "e:p 'a'", [("MinInclusive", P, '"a"')]),
    ("minLength", "sh:minLength 2", "e:p 'a', 'ab'", [("MinLength", P, '"a"')]),
    ("maxLength", "sh:maxLength 1", "e:p 'a', 'ab'", [("MaxLength", P, '"ab"')]),
    ("pattern", "sh:pattern '^a' ; sh:flags 'i'", "e:p 'Ab', 'b'", [("Pattern", P, '"b"')]),
    ("languageIn", "sh:languageIn ('en' 'de')", "e:p 'a'@en-gb, 'b'@fr", [("LanguageIn", P, '"b"@fr')]),
    ("uniqueLang", "sh:uniqueLang true", "e:p 'a'@en, 'b'@en", [("UniqueLang", P, None)]),
    ("equals", "sh:equals e:q", "e:p 1 ; e:q 1, 2", [("Equals", P, '"2"^^<http://www.w3.org/2001/XMLSchema#integer>')]),
    ("disjoint", "sh:disjoint e:q", "e:p 1, 2 ; e:q 2", [("Disjoint", P, '"2"^^<http://www.w3.org/2001/XMLSchema#integer>')]),
    ("lessThan", "sh:lessThan e:q", "e:p 2 ; e:q 2", [("LessThan", P, '"2"^^<http://www.w3.org/2001/XMLSchema#integer>')]),
    ("lessThanOrEquals", "sh:lessThanOrEquals e:q", "e:p 2 ; e:q 2", []),
    ("not", "sh:not [ sh:datatype xsd:string ]", "e:p 'a', 1", [("Not", P, '"a"')]),
    ("and", "sh:and ( [ sh:minLength 1 ] [ sh:maxLength 1 ] )", "e:p 'a', 'ab'", [("And", P, '"ab"')]),
    ("or", "sh:or ( [ sh:datatype xsd:string ] [ sh:nodeKind sh:IRI ] )", "e:p 'a', e:y, true", [("Or", P, '"true"^^<http://www.w3.org/2001/XMLSchema#boolean>')]),
    ("xone", "sh:xone ( [ sh:minLength 1 ] [ sh:maxLength 2 ] )", "e:p 'a', 'abc'", [("Xone", P, '"a"')]),
    ("node", "sh:node [ sh:property [ sh:path e:q ; sh:minCount 1 ] ]", "e:p e:y, e:z . e:y e:q 1", [("Node", P, "<http://e/z>")]),
    ("qualified", "sh:qualifiedValueShape [ sh:class e:C ] ; sh:qualifiedMinCount 1", "e:p e:y", [("QualifiedMinCount", P, None)]),
    ("hasValue", "sh:hasValue e:y", "e:p e:z", [("HasValue", P, None)]),
    ("in", "sh:in (e:y 1)", "e:p e:y, 1, e:z", [("In", P, "<http://e/z>")]),
    ("in, lexical forms", "sh:in (1)", "e:p 01", [("In", P, '"01"^^<http://www.w3.org/2001/XMLSchema#integer>')]),
    ("deactivated", "sh:minCount 2 ; sh:deactivated true", "e:p 1", []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("constraint", "data", "expected"), [row[1:] for row in COMPONENTS], ids=[row[0] for row in COMPONENTS]
)
def test_a_constraint_component(constraint: str, data: str, expected: list[tuple[str, str | None, str | None]]) -> None:
    shape = f"e:S a sh:NodeShape ; sh:targetNode e:x ; sh:property [ sh:path e:p ; {constraint} ] ."
    assert found(f"e:x {data} .", shape) == expected
    assert report(f"e:x {data} .", shape).conforms is (expected == [])


TARGETS = [
    ("sh:targetNode e:x", {"<http://e/x>"}),
    ("sh:targetClass e:C", {"<http://e/y>", "<http://e/z>"}),
    ("sh:targetSubjectsOf e:q", {"<http://e/x>"}),
    ("sh:targetObjectsOf e:q", {"<http://e/y>"}),
]


@pytest.mark.parametrize(("target", "expected"), TARGETS)
def test_a_target(target: str, expected: set[str]) -> None:
    data = "e:x e:q e:y . e:y a e:C . e:z a e:D . e:D rdfs:subClassOf e:C ."
    found = report(data, f"e:S a sh:NodeShape ; {target} ; sh:property [ sh:path e:p ; sh:minCount 1 ] .")
    assert {fault.focus_node for fault in found.faults} == expected


PATHS = [
    ("e:p", "<http://e/p>"),
    ("[ sh:inversePath e:p ]", "^<http://e/p>"),
    ("( e:p e:q )", "(<http://e/p>/<http://e/q>)"),
    ("[ sh:alternativePath ( e:p e:q ) ]", "(<http://e/p>|<http://e/q>)"),
    ("[ sh:zeroOrMorePath e:p ]", "(<http://e/p>)*"),
    ("[ sh:oneOrMorePath e:p ]", "(<http://e/p>)+"),
    ("[ sh:zeroOrOnePath e:p ]", "(<http://e/p>)?"),
    ("( [ sh:inversePath e:p ] [ sh:zeroOrMorePath ( e:q e:r ) ] )", "(^<http://e/p>/((<http://e/q>/<http://e/r>))*)"),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_a_path_is_written_out(path: str, expected: str) -> None:
    shape = f"e:S a sh:NodeShape ; sh:targetNode e:x ; sh:property [ sh:path {path} ; sh:minCount 9 ] ."
    assert [fault.path for fault in report("e:x e:p e:y .", shape).faults] == [expected]


def test_a_fault_has_what_the_shape_says() -> None:
    shape = (
        "e:S a sh:NodeShape ; sh:targetNode e:x ; sh:property e:P ."
        "e:P sh:path e:p ; sh:datatype xsd:integer ; sh:message 'a number, please' ; sh:severity sh:Warning ."
    )
    found = report("e:x e:p 'a' .", shape)
    fault = found.faults[0]
    assert (fault.focus_node, fault.path, fault.value) == ("<http://e/x>", "<http://e/p>", '"a"')
    assert (fault.message, fault.severity, fault.shape) == ("a number, please", f"<{SH}Warning>", "<http://e/P>")
    assert not found.conforms
    named = {node["@id"]: node for node in json.loads(found.report)}
    results = [node for node in named.values() if f"{SH}ValidationResult" in node.get("@type", [])]
    assert results[0][f"{SH}focusNode"] == [{"@id": "http://e/x"}]
    overall = [node for node in named.values() if f"{SH}ValidationReport" in node.get("@type", [])]
    assert overall[0][f"{SH}conforms"][0]["@value"] == "false"


def test_a_graph_that_conforms() -> None:
    found = report(
        "e:x e:p 1 .", "e:S a sh:NodeShape ; sh:targetNode e:x ; sh:property [ sh:path e:p ; sh:minCount 1 ] ."
    )
    assert (found.conforms, found.faults, found.fault_count) == (True, [], 0)


def test_faults_are_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes_module, "MAX_LISTED", 5)
    data = "".join(f"e:x e:p 'v{number}' . " for number in range(20))
    found = report(
        data, "e:S a sh:NodeShape ; sh:targetNode e:x ; sh:property [ sh:path e:p ; sh:datatype xsd:integer ] ."
    )
    assert (len(found.faults), found.fault_count) == (5, 20)
    assert found.report.count('"http://www.w3.org/ns/shacl#value"') == 5


S = "e:S a sh:NodeShape ; sh:targetNode e:x ; "
REFUSED: dict[str, tuple[str, RefusalCode]] = {
    "sparql": (S + "sh:sparql [ sh:select 'SELECT $this { SERVICE <urn:x> { ?s ?p ?o } }' ] .", RefusalCode.SHAPES_NOT_CORE),
    "ask validator": ("e:C sh:validator [ sh:ask 'ASK {}' ] .", RefusalCode.SHAPES_NOT_CORE),
    "sparql target": (S + "sh:target [ sh:select 'SELECT ?this {}' ] .", RefusalCode.SHAPES_NOT_CORE),
    "javascript": (S + "sh:js [ sh:jsLibrary [ sh:jsLibraryURL 'http://127.0.0.1:9/x.js' ] ] .", RefusalCode.SHAPES_NOT_CORE),
    "rule": (S + "sh:rule [ sh:subject sh:this ] .", RefusalCode.SHAPES_NOT_CORE),
    "expression": (S + "sh:expression [] .", RefusalCode.SHAPES_NOT_CORE),
    "imports": ("<urn:o> owl:imports <file:///etc/passwd> . " + S + "sh:class e:C .", RefusalCode.SHAPES_IMPORTS),
    "no shapes": ("e:a e:b e:c .", RefusalCode.NO_SHAPES),
    "nothing": ("", RefusalCode.NO_SHAPES),
    "a shape in itself": (S + "sh:node e:S .", RefusalCode.SHAPES_RECURSIVE),
    "shapes in each other": (S + "sh:property [ sh:path e:p ; sh:node e:T ] . e:T sh:not e:S .", RefusalCode.SHAPES_RECURSIVE),
    "a shape in a list of itself": (S + "sh:or ( [ sh:class e:C ] e:S ) .", RefusalCode.SHAPES_RECURSIVE),
    "a list that holds itself": (S + "sh:in _:l . _:l rdf:first 1 ; rdf:rest _:l .", RefusalCode.SHAPES_RECURSIVE),
    "a circle of cells": (S + "sh:and _:l . _:l rdf:first e:T ; rdf:rest _:m . _:m rdf:first e:T ; rdf:rest _:l .", RefusalCode.SHAPES_RECURSIVE),
    "a path that holds itself": (S + "sh:property [ sh:minCount 1 ; sh:path _:p ] . _:p sh:inversePath _:p .", RefusalCode.SHAPES_RECURSIVE),
    "a path without end": (S + "sh:property [ sh:minCount 1 ; sh:path " + "[ sh:inversePath " * 60 + "e:p" + " ]" * 60 + " ] .", RefusalCode.SHAPES_INVALID),
    "shapes in shapes": (S + "sh:node " + "[ sh:node " * 40 + "e:T" + " ]" * 40 + " . e:T sh:class e:C .", RefusalCode.SHAPES_INVALID),
    "no path": (S + "sh:property [ sh:minCount 1 ] .", RefusalCode.SHAPES_INVALID),
    "a path that is a literal": (S + "sh:property [ sh:path 'x' ; sh:minCount 1 ] .", RefusalCode.SHAPES_INVALID),
    "a count that is a text": (S + "sh:property [ sh:path e:p ; sh:minCount 'x' ] .", RefusalCode.SHAPES_INVALID),
    "a list that is none": (S + "sh:or e:T .", RefusalCode.SHAPES_INVALID),
    "a list without end": (S + "sh:in _:l . _:l rdf:first 1 .", RefusalCode.SHAPES_INVALID),
    "a pattern that is none": (S + "sh:pattern '(' .", RefusalCode.SHAPES_INVALID),
    "a property that is a literal": (S + "sh:property 'x' .", RefusalCode.SHAPES_INVALID),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_shapes_are_refused(name: str) -> None:
    shapes, code = REFUSED[name]
    begun = time.monotonic()
    with pytest.raises(SpecificationRefused) as refused:
        report("e:x e:p e:y .", shapes)
    assert refused.value.code is code, refused.value
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "data",
    [
        "e:x e:p _:a . _:a e:q _:b . _:b e:q _:a .",
        "e:C rdfs:subClassOf e:D . e:D rdfs:subClassOf e:C . e:x a e:C ; e:p e:x .",
        "e:x e:p " + "[ e:q " * 60 + "1" + " ]" * 60 + " .",
    ],
)
def test_data_that_turns_in_circles_is_reported(data: str) -> None:
    shape = S + "sh:property [ sh:path e:p ; sh:class e:Z ; sh:message 'no' ] ."
    assert [fault.message for fault in report(data, shape).faults] == ["no"]


def test_data_with_a_list_that_holds_itself_is_refused() -> None:
    with pytest.raises(SpecificationRefused) as refused:
        report("e:x e:p _:l . _:l rdf:first 1 ; rdf:rest _:l .", S + "sh:property [ sh:path e:p ; sh:class e:Z ] .")
    assert refused.value.code is RefusalCode.ENDLESS_LIST


def test_blank_nodes_of_data_and_shapes_stay_apart_in_the_report() -> None:
    found = report("e:x e:p [ e:q 1 ] .", S + "sh:property [ sh:path e:p ; sh:class e:Z ] .")
    assert (found.faults[0].value, found.faults[0].shape) == ("_:b0", "_:s0")
    nodes = {node["@id"]: node for node in json.loads(found.report)}
    assert nodes["_:b0"].keys() == {"@id", "http://e/q"}
