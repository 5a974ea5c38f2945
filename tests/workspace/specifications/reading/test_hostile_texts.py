"""Texts that are made to hurt: each is refused with a code, a sentence and, where that is known, the line."""

import time

import pytest

from app.workspace.specifications.reading import checked_store
from app.workspace.specifications.reading.read import read_graph
from app.workspace.specifications.values.formats import SpecificationFormat
from app.workspace.specifications.values.limits import MAX_IRI_CHARACTERS, MAX_LITERAL_CHARACTERS, MAX_TEXT_BYTES
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused

TURTLE, JSON_LD = SpecificationFormat.TURTLE, SpecificationFormat.JSON_LD
N_TRIPLES, RDF_XML = SpecificationFormat.N_TRIPLES, SpecificationFormat.RDF_XML
SECONDS = 10
"""For each; measured, none takes one. What takes longer is in tests/workspace/specifications/test_process.py."""

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/"'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DEEP_XML = "<e:p><e:C>" * 60 + "</e:C></e:p>" * 60

HOSTILE: dict[str, tuple[SpecificationFormat, str | bytes, RefusalCode, int | None]] = {
    "billion laughs": (
        RDF_XML, f'<!DOCTYPE r [<!ENTITY l0 "lol">{LAUGHS}]><rdf:RDF {RDF}>&l9;</rdf:RDF>', RefusalCode.DOCUMENT_TYPE, 1,
    ),
    "external entity": (
        RDF_XML, '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>', RefusalCode.DOCUMENT_TYPE, 1,
    ),
    "external subset": (RDF_XML, '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><r/>', RefusalCode.DOCUMENT_TYPE, 1),
    "parameter entity": (RDF_XML, '<!DOCTYPE r [<!ENTITY % p SYSTEM "file:///x"> %p;]><r/>', RefusalCode.DOCUMENT_TYPE, 1),
    "undeclared entity": (RDF_XML, f"<rdf:RDF {RDF}>\n&x;</rdf:RDF>", RefusalCode.SYNTAX, 2),
    "deep xml": (
        RDF_XML, f"<rdf:RDF {RDF}><e:C>{DEEP_XML}</e:C></rdf:RDF>", RefusalCode.TOO_DEEP, 1,
    ),
    "very deep xml": (RDF_XML, f"<rdf:RDF {RDF}>" + "<e:C><e:p>" * 500_000, RefusalCode.TOO_DEEP, 1),
    "deep xml in a literal": (
        RDF_XML, f'<rdf:RDF {RDF}><e:C><e:p rdf:parseType="Literal">{"<a>" * 100_000}', RefusalCode.TOO_DEEP, 1,
    ),
    "many namespaces": (
        RDF_XML, "<a " + " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(50_000)) + "/>", RefusalCode.TOO_DEEP, 1,
    ),
    "xml cut off": (RDF_XML, f"<rdf:RDF {RDF}><rdf:Description>\n", RefusalCode.SYNTAX, 2),
    "xml that is no rdf": (RDF_XML, f'<rdf:RDF {RDF}><rdf:li rdf:about="urn:x"/></rdf:RDF>', RefusalCode.SYNTAX, 1),
    "attribute without namespace": (RDF_XML, "<html><body a='b'>x</body></html>", RefusalCode.RELATIVE_IRI, 1),
    "remote context": (
        JSON_LD, '{"@context": "http://127.0.0.1:9/c", "@id": "urn:a"}', RefusalCode.REMOTE_CONTEXT, None,
    ),
    "remote context in a list": (
        JSON_LD, '{"@context": [{}, "file:///etc/passwd"], "@id": "urn:a"}', RefusalCode.REMOTE_CONTEXT, None,
    ),
    "remote context in a list in a list": (
        JSON_LD, '{"@context": [["http://127.0.0.1:9/c"]], "@id": "urn:a"}', RefusalCode.REMOTE_CONTEXT, None,
    ),
    "remote context of a term": (
        JSON_LD, '{"@context": {"t": {"@id": "urn:t", "@context": "http://127.0.0.1:9/c"}}, "t": {}}',
        RefusalCode.REMOTE_CONTEXT, None,
    ),
    "remote context in a context": (
        JSON_LD, '{"@context": {"@context": "http://127.0.0.1:9/c"}}', RefusalCode.REMOTE_CONTEXT, None,
    ),
    "import": (JSON_LD, '{"@context": {"@import": "http://127.0.0.1:9/c"}}', RefusalCode.REMOTE_CONTEXT, None),
    "deep json": (JSON_LD, '{"urn:p":' * 5_000 + "1" + "}" * 5_000, RefusalCode.TOO_DEEP, None),
    "deep json that the parser takes": (JSON_LD, "[" * 200 + "]" * 200, RefusalCode.TOO_DEEP, None),
    "very deep json": (JSON_LD, "[" * 1_000_000, RefusalCode.TOO_DEEP, None),
    "named graph": (
        JSON_LD, '{"@id": "urn:g", "@graph": [{"@id": "urn:a", "urn:p": 1}]}', RefusalCode.NAMED_GRAPH, None,
    ),
    "keyword of another kind": (JSON_LD, '{"@context": 5, "@id": "urn:a", "urn:p": 1}', RefusalCode.SYNTAX, None),
    "reverse of another kind": (JSON_LD, '{"@id": "urn:a", "@reverse": 5}', RefusalCode.SYNTAX, None),
    "number with too many digits": (JSON_LD, '{"@id": "urn:a", "urn:p": ' + "9" * 10_000 + "}", RefusalCode.SYNTAX, None),
    "number without end": (JSON_LD, '{"@id": "urn:a", "urn:p": 1e999}', RefusalCode.SYNTAX, None),
    "no number": (JSON_LD, '{"@id": "urn:a", "urn:p": NaN}', RefusalCode.SYNTAX, None),
    "half a surrogate in json": (
        JSON_LD, '{"@id": "urn:a", "urn:p": "\\ud800"}', RefusalCode.FORBIDDEN_CHARACTER, None,
    ),
    "half a surrogate in an iri of json": (JSON_LD, '{"@id": "urn:\\udfff", "urn:p": 1}', RefusalCode.INVALID_IRI, None),
    "nul in json": (JSON_LD, '{"@id": "urn:a", "urn:p": "\\u0000"}', RefusalCode.FORBIDDEN_CHARACTER, None),
    "json cut off": (JSON_LD, '{"@id":\n"urn:a",', RefusalCode.SYNTAX, 2),
    "turtle for json": (JSON_LD, "<urn:a> <urn:p> 1 .", RefusalCode.SYNTAX, 1),
    "json for turtle": (TURTLE, '{"@id": "urn:a"}', RefusalCode.SYNTAX, 1),
    "xml for turtle": (TURTLE, '<?xml version="1.0"?><a/>', RefusalCode.SYNTAX, 1),
    "turtle for xml": (RDF_XML, "<urn:a> <urn:p> 1 .", RefusalCode.SYNTAX, 1),
    "turtle for n-triples": (N_TRIPLES, "@prefix e: <http://e/> .", RefusalCode.SYNTAX, 1),
    "deep turtle": (TURTLE, "<urn:s> <urn:p> " + "[ <urn:p> " * 100_000, RefusalCode.TOO_DEEP, None),
    "deep lists": (TURTLE, "<urn:s> <urn:p> " + "(" * 100_000, RefusalCode.TOO_DEEP, None),
    "a graph in braces": (TURTLE, "{ <urn:s> <urn:p> <urn:o> } <urn:p> 1 .", RefusalCode.SYNTAX, 1),
    "rules of notation 3": (TURTLE, "<urn:s> => <urn:o> .", RefusalCode.SYNTAX, 1),
    "text without end": (TURTLE, '<urn:s> <urn:p> "abc', RefusalCode.SYNTAX, 1),
    "turtle cut off": (TURTLE, "\n\n<urn:s> <urn:p>", RefusalCode.SYNTAX, 3),
    "undeclared prefix": (TURTLE, "\n<urn:s> e:p 1 .", RefusalCode.SYNTAX, 2),
    "number of turtle with too many digits": (TURTLE, "<urn:s> <urn:p> " + "9" * 100_000 + " .", RefusalCode.SYNTAX, 1),
    "half a surrogate in turtle": (TURTLE, '\n<urn:s> <urn:p> "\\ud800" .', RefusalCode.FORBIDDEN_CHARACTER, 2),
    "nul escaped in turtle": (TURTLE, '<urn:s> <urn:p> "\\u0000" .', RefusalCode.FORBIDDEN_CHARACTER, 1),
    "code point that is none": (TURTLE, '<urn:s> <urn:p> "\\UFFFFFFFF" .', RefusalCode.SYNTAX, 1),
    "nul": (TURTLE, b"\n<urn:s> <urn:p> '\x00' .", RefusalCode.FORBIDDEN_CHARACTER, 2),
    "relative iri": (TURTLE, "\n<s> <urn:p> 1 .", RefusalCode.RELATIVE_IRI, 2),
    "invalid iri": (TURTLE, "<urn:s> <urn:p> <http://e/a b> .", RefusalCode.INVALID_IRI, 1),
    "iri with escapes": (N_TRIPLES, "<urn:s> <urn:p> <urn:\\u0020> .", RefusalCode.INVALID_IRI, 1),
    "half a surrogate in an iri": (N_TRIPLES, "<urn:s> <urn:p> <urn:\\ud800> .", RefusalCode.INVALID_IRI, 1),
    "invalid datatype": (N_TRIPLES, '<urn:s> <urn:p> "a"^^<urn:\\u007b> .', RefusalCode.INVALID_IRI, 1),
    "huge iri": (N_TRIPLES, f"<urn:s> <urn:p> <urn:{'a' * MAX_IRI_CHARACTERS}> .", RefusalCode.INVALID_IRI, 1),
    "huge literal": (TURTLE, f"<urn:s> <urn:p> '{'a' * (MAX_LITERAL_CHARACTERS + 1)}' .", RefusalCode.TOO_LARGE, 1),
    "huge literal of n-triples": (
        N_TRIPLES, f'<urn:s> <urn:p> "{"a" * (MAX_TEXT_BYTES - 100)}" .', RefusalCode.TOO_LARGE, 1,
    ),
    "huge line": (N_TRIPLES, "<urn:s> " * (MAX_TEXT_BYTES // 8), RefusalCode.SYNTAX, 1),
    "too many bytes": (TURTLE, b" " * (MAX_TEXT_BYTES + 1), RefusalCode.TOO_LARGE, None),
    "latin 1": (TURTLE, "\n<urn:s> <urn:p> 'é' .".encode("latin-1"), RefusalCode.NOT_UTF8, 2),
    "utf-16": (RDF_XML, f"<rdf:RDF {RDF}/>".encode("utf-16"), RefusalCode.NOT_UTF8, 1),
    "half a surrogate in bytes": (TURTLE, b"<urn:s> <urn:p> '\xed\xa0\x80' .", RefusalCode.NOT_UTF8, 1),
    "literal as subject": (N_TRIPLES, '"a" <urn:p> <urn:o> .', RefusalCode.SYNTAX, 1),
    "blank node as predicate": (TURTLE, "<urn:s> _:p <urn:o> .", RefusalCode.INVALID_TERM, 1),
    "tag of language that is none": (TURTLE, '<urn:s> <urn:p> "a"@-x .', RefusalCode.SYNTAX, 1),
    "huge tag of language": (N_TRIPLES, f'<urn:s> <urn:p> "a"@a{"-a" * 500_000} .', RefusalCode.INVALID_TERM, 1),
    "terms in each other": (JSON_LD, '{"@context": {"a": "b:x", "b": "a:x"}, "a": 1}', RefusalCode.TOO_DEEP, None),
    "quoted triple": (TURTLE, "<< <urn:s> <urn:p> <urn:o> >> <urn:q> 1 .", RefusalCode.INVALID_IRI, 1),
    "random bytes": (TURTLE, bytes(range(1, 128)), RefusalCode.SYNTAX, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused(name: str) -> None:
    written_in, text, code, line = HOSTILE[name]
    begun = time.monotonic()
    with pytest.raises(SpecificationRefused) as refused:
        read_graph(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), written_in)
    assert (refused.value.code, refused.value.message[-1:]) == (code, "."), refused.value
    if line is not None:
        assert refused.value.line == line
    assert time.monotonic() - begun < SECONDS


def test_too_many_triples_are_refused_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked_store, "MAX_TRIPLES", 100)
    text = "".join(f"<urn:s> <urn:p> {number} .\n" for number in range(200))
    with pytest.raises(SpecificationRefused) as refused:
        read_graph(text.encode(), TURTLE)
    assert (refused.value.code, refused.value.line) == (RefusalCode.TOO_MANY_TRIPLES, 101)


@pytest.mark.parametrize("text", ["'<" + "a" * 100_000 + "'^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#XMLLiteral>",
                                  "'" + "<b>" * 100_000 + "'^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#HTML>",
                                  "'" + "9" * 100_000 + "'^^<http://www.w3.org/2001/XMLSchema#integer>",
                                  "'1e99999999999'^^<http://www.w3.org/2001/XMLSchema#decimal>",
                                  "'P" + "9" * 100_000 + "Y'^^<http://www.w3.org/2001/XMLSchema#duration>",
                                  "'-99999999-13-45'^^<http://www.w3.org/2001/XMLSchema#date>"])  # fmt: skip
def test_a_literal_that_is_dear_to_understand_is_text(text: str) -> None:
    begun = time.monotonic()
    assert len(read_graph(f"<urn:s> <urn:p> {text} .".encode(), TURTLE)) == 1
    assert time.monotonic() - begun < SECONDS
