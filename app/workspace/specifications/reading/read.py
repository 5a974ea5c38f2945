"""From a specification's text to its graph."""

import rdflib
from rdflib.graph import DATASET_DEFAULT_GRAPH_ID, Graph
from rdflib.namespace import RDF
from rdflib.term import bind

from app.workspace.specifications.reading.checked_store import CheckedStore, new_graph
from app.workspace.specifications.reading.jsonld import read_jsonld
from app.workspace.specifications.reading.ntriples import read_ntriples
from app.workspace.specifications.reading.rdfxml import read_rdfxml
from app.workspace.specifications.reading.turtle import read_turtle
from app.workspace.specifications.values.formats import SpecificationFormat
from app.workspace.specifications.values.limits import MAX_TEXT_BYTES
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused

_READERS = {
    SpecificationFormat.TURTLE: read_turtle,
    SpecificationFormat.JSON_LD: read_jsonld,
    SpecificationFormat.N_TRIPLES: read_ntriples,
    SpecificationFormat.RDF_XML: read_rdfxml,
}


def prepare_terms() -> None:
    """Let literals of markup be text: their parsers are not for hostile input. To be called once in a process."""
    for datatype in (RDF.XMLLiteral, RDF.HTML):
        bind(datatype, str, datatype_specific=True)


def read_graph(content: bytes, written_in: SpecificationFormat, blank_prefix: str = "b") -> Graph:
    """The graph of a text. Nothing but the text is read.

    Args:
        content: UTF-8.
        written_in: the syntax.
        blank_prefix: of the names of blank nodes, which are numbered as they come.

    Raises `SpecificationRefused`: with the line where that is known.
    """
    rdflib.NORMALIZE_LITERALS = False  # a literal is its lexical form (RDF 1.1 Concepts, 3.3): `01` is not `1`
    text = _text(content)
    graph = new_graph()
    try:
        _READERS[written_in](text, Graph(store=CheckedStore(graph, blank_prefix), identifier=DATASET_DEFAULT_GRAPH_ID))
    except (SpecificationRefused, MemoryError):
        raise
    except RecursionError:
        raise SpecificationRefused(RefusalCode.TOO_DEEP, "The text is nested too deeply.") from None
    except Exception as fault:  # what a reader does not know of its parser: the text is the cause
        raise SpecificationRefused(RefusalCode.SYNTAX, f"The text is not {written_in.label}.") from fault
    return graph


def _text(content: bytes) -> str:
    if len(content) > MAX_TEXT_BYTES:
        raise SpecificationRefused(RefusalCode.TOO_LARGE, f"The text has more than {MAX_TEXT_BYTES:,} bytes.")
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise SpecificationRefused(RefusalCode.NOT_UTF8, "The text is not UTF-8: save it as UTF-8.", line) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise SpecificationRefused(RefusalCode.FORBIDDEN_CHARACTER, "The text has a NUL: leave it out.", line)
    return text
