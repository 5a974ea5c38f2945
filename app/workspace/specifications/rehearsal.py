"""Small pieces of work that the process does before it gives up opening files: libraries import parts when they run."""

from collections.abc import Callable
from typing import Final

from app.workspace.specifications.formats import SpecificationFormat
from app.workspace.specifications.orders import Order, Outcome, Task

_TEXTS: Final = {
    SpecificationFormat.TURTLE: b'<urn:a> <urn:b> "c"@en, 1.5, [] .',
    SpecificationFormat.JSON_LD: b'{"@context": {"b": "urn:b"}, "@id": "urn:a", "b": [1.5, {"@list": ["c"]}]}',
    SpecificationFormat.N_TRIPLES: b'<urn:a> <urn:b> "c"@en .\n',
    SpecificationFormat.RDF_XML: b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="urn:a" xmlns:u="urn:"><u:b xml:lang="en">c</u:b></rdf:Description></rdf:RDF>',
}
_SHAPES: Final = b"""@prefix sh: <http://www.w3.org/ns/shacl#> .
<urn:s> a sh:NodeShape; sh:targetNode <urn:a>; sh:property [ sh:path (<urn:b> <urn:c>); sh:minCount 1 ] ."""
_QUERY: Final = (
    'SELECT ?s (COUNT(*) AS ?n) { ?s <urn:b>+ ?o FILTER(REGEX(STR(?o), "c")) } GROUP BY ?s ORDER BY ?s LIMIT 1'
)


def rehearse(order: Order, do: Callable[[Order, list[bytes]], Outcome]) -> None:
    """Do what the order asks for, with small texts in its formats."""
    texts = [_TEXTS[written_in] for written_in in order.formats]
    do(Order(order.task, order.formats, order.memory_bytes, order.seconds, _QUERY), texts)
    if order.task is Task.VALIDATE:
        formats = (SpecificationFormat.TURTLE, SpecificationFormat.TURTLE)
        data = _TEXTS[SpecificationFormat.TURTLE]
        do(Order(order.task, formats, order.memory_bytes, order.seconds), [data, _SHAPES])
