"""Texts in the four syntaxes: the same graph as Oxigraph reads, literals as they are written."""

import random

import pytest

from app.workspace.specifications.canonical.form import canonical_form
from app.workspace.specifications.values.formats import SpecificationFormat
from tests.workspace.specifications.graphs import oxigraph_lines, random_lines, read, written

TURTLE, JSON_LD = SpecificationFormat.TURTLE, SpecificationFormat.JSON_LD
N_TRIPLES, RDF_XML = SpecificationFormat.N_TRIPLES, SpecificationFormat.RDF_XML
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/"'

TEXTS: list[tuple[SpecificationFormat, str]] = [
    (TURTLE, "<urn:s> <urn:p> +01, -1, 01, 0.0000001, +1.50, 1e3, .5, 1.E0, true, false ."),
    (TURTLE, "<urn:s> <urn:p> (1 2.0 (3) ()) , (1+2) , [ <urn:q> -0 ; ] ."),
    (TURTLE, '@prefix : <http://e/> . :a\\,b :p "x"@EN-gb , \'y\' , """z "" \n""" , "\\u00e9\\t"^^:d .'),
    (TURTLE, "PREFIX e: <http://e/>\nBASE <http://base.example/x/>\n<../y> a e:C ; e:p <#z> , _:a . _:a e:q _:a_b , _:abb ."),
    (TURTLE, "@base <http://e/> . <s> <p> <o> . # 12 comment 34\n<s> <n> #5\n6 ."),
    (TURTLE, ""),
    (N_TRIPLES, '<urn:s> <urn:p> "a\\nb"@en .\n\n# comment\n_:a <urn:p> _:b . # more\r\n_:b <urn:p> _:a .'),
    (N_TRIPLES, '<urn:s> <urn:p> "\\U0001F600\\u00e9" .\r<urn:s> <urn:p> "x"^^<urn:d> .'),
    (JSON_LD, '{"@id": "urn:s", "urn:p": [1, -0, 1.5, 2.0, 1e30, 0.1, true, "x", null]}'),
    (JSON_LD, '{"@context": {"p": {"@id": "urn:p", "@type": "@id"}, "l": {"@id": "urn:l", "@container": "@list"}},'
     '"@id": "urn:s", "p": "urn:o", "l": [1, "a", {"@id": "urn:x"}]}'),
    (JSON_LD, '{"@context": {"@vocab": "http://e/", "@language": "en"}, "@type": "C", "name": "x", "knows": {"@id": "_:b1"}}'),
    (JSON_LD, '[{"@id": "urn:a", "urn:p": {"@value": "01", "@type": "http://www.w3.org/2001/XMLSchema#integer"}},'
     '{"@id": "urn:a", "urn:p": {"@value": "x", "@language": "de"}}]'),
    (JSON_LD, '{"@graph": [{"@id": "urn:a", "urn:p": "x"}, {"@id": "urn:b", "urn:p": {"urn:q": "y"}}]}'),
    (RDF_XML, f'<rdf:RDF {RDF}><e:C rdf:about="urn:s" e:p="x"><e:q rdf:resource="urn:o"/><e:r xml:lang="en">y</e:r>'
     '<e:s rdf:parseType="Collection"><rdf:Description rdf:about="urn:m"/></e:s></e:C></rdf:RDF>'),
    (RDF_XML, f'<rdf:RDF {RDF} xml:base="http://base.example/"><rdf:Description rdf:ID="x"><e:p rdf:datatype="urn:d">01</e:p>'
     '<e:q rdf:parseType="Resource"><e:r>z</e:r></e:q></rdf:Description>'
     "<rdf:Bag><rdf:li>1</rdf:li><rdf:li>2</rdf:li></rdf:Bag></rdf:RDF>"),
    (RDF_XML, f'<rdf:RDF {RDF}><rdf:Description rdf:nodeID="a"><e:p rdf:nodeID="b"/></rdf:Description></rdf:RDF>'),
]  # fmt: skip


@pytest.mark.parametrize(("written_in", "text"), TEXTS, ids=range(len(TEXTS)))
def test_the_graph_is_what_oxigraph_reads(written_in: SpecificationFormat, text: str) -> None:
    content = text.encode()
    assert canonical_form(read(content, written_in)).lines == oxigraph_lines(content, written_in)


@pytest.mark.parametrize("written_in", SpecificationFormat)
def test_random_graphs_are_what_oxigraph_reads(written_in: SpecificationFormat) -> None:
    chance = random.Random(7)
    for _ in range(50):
        content = written(random_lines(chance, blanks=5, triples=15), written_in)
        assert canonical_form(read(content, written_in)).lines == oxigraph_lines(content, written_in)


def test_names_of_blank_nodes_are_the_same_for_the_same_text() -> None:
    text = b"<urn:s> <urn:p> [ <urn:q> [] ] , (1 2) ."
    assert sorted(read(text, TURTLE)) == sorted(read(text, TURTLE))


def test_a_plain_literal_and_one_of_type_string_are_the_same() -> None:
    typed = b'<urn:s> <urn:p> "a", "a"^^<http://www.w3.org/2001/XMLSchema#string> .'
    assert len(read(typed, TURTLE)) == 1


@pytest.mark.parametrize("written_in", [TURTLE, N_TRIPLES])
def test_a_byte_order_mark_is_no_part_of_the_text(written_in: SpecificationFormat) -> None:
    assert len(read(b"\xef\xbb\xbf<urn:s> <urn:p> <urn:o> .", written_in)) == 1


def test_a_literal_of_xml_is_kept_as_text() -> None:
    text = f'<rdf:RDF {RDF}><e:C rdf:about="urn:s"><e:l rdf:parseType="Literal">a <b>&lt;</b></e:l></e:C></rdf:RDF>'
    objects = {each.object for each in read(text.encode(), RDF_XML)}
    assert '"a <b>&lt;</b>"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#XMLLiteral>' in objects
