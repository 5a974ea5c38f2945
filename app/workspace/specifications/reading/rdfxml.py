"""RDF/XML by rdflib's handler behind a parser that takes no document type: no entities, nothing external."""

from io import BytesIO
from typing import Any
from xml.sax import SAXParseException, handler
from xml.sax.xmlreader import InputSource

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import create_parser
from rdflib.exceptions import ParserError
from rdflib.graph import Graph
from rdflib.plugins.parsers.rdfxml import RDFXMLHandler

from app.workspace.specifications.reading.checked_store import BASE
from app.workspace.specifications.values.limits import MAX_NESTING
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused


def read_rdfxml(text: str, graph: Graph) -> None:
    """Add the triples of the text. Raises `SpecificationRefused`: `syntax`, `document-type`, `too-deep`."""
    source = InputSource()
    source.setByteStream(BytesIO(text.encode()))
    source.setEncoding("utf-8")  # whatever the declaration says: the text was read as UTF-8
    source.setPublicId(BASE)
    parser = create_parser(forbid_dtd=True)
    parser.start_namespace_decl("xml", "http://www.w3.org/XML/1998/namespace")
    parser.setFeature(handler.feature_namespaces, 1)
    elements = _BoundedHandler(graph)
    elements.setDocumentLocator(source)  # type: ignore[arg-type]  # as rdflib does: the base is read of it
    parser.setContentHandler(elements)
    try:
        parser.parse(source)
    except SAXParseException as fault:
        sentence = f"The text is not XML: {fault.getMessage()}."
        raise SpecificationRefused(RefusalCode.SYNTAX, sentence, fault.getLineNumber()) from None
    except DefusedXmlException:
        sentence = "The text declares a document type or entities: leave them out, and write what they stand for."
        raise SpecificationRefused(RefusalCode.DOCUMENT_TYPE, sentence, parser.getLineNumber()) from None
    except SpecificationRefused as refusal:
        raise SpecificationRefused(refusal.code, refusal.message, parser.getLineNumber()) from None
    except (ParserError, AttributeError, AssertionError, KeyError, TypeError, ValueError) as fault:
        sentence = f"The text is XML, but not RDF/XML ({str(fault).rpartition(': ')[2]})."
        raise SpecificationRefused(RefusalCode.SYNTAX, sentence, parser.getLineNumber()) from None


class _BoundedHandler(RDFXMLHandler):
    """Knows how deep it is."""

    def startPrefixMapping(self, prefix: str | None, namespace: str) -> None:  # noqa: N802 - overridden
        """Take note of a namespace for literals of XML; the graph keeps none."""
        if len(self._ns_contexts) > MAX_NESTING * 2:
            raise SpecificationRefused(RefusalCode.TOO_DEEP, "The text declares too many namespaces within each other.")
        super().startPrefixMapping(prefix, namespace)

    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:  # noqa: N802 - overridden
        """Begin an element."""
        if len(self.stack) > MAX_NESTING + 2:
            raise SpecificationRefused(RefusalCode.TOO_DEEP, f"The text is nested in more than {MAX_NESTING} levels.")
        super().startElementNS(name, qname, attrs)
