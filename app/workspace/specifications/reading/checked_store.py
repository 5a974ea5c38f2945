"""Where the parsers put triples: each is checked and counted on its way into the graph.

The parsers of rdflib take much that is no RDF (IRIs with spaces, halves of surrogates, named graphs); here is the one
place that all of them go through.
"""

import re
from typing import Any, Final

from rdflib.graph import DATASET_DEFAULT_GRAPH_ID, Graph
from rdflib.namespace import XSD
from rdflib.plugins.stores.memory import Memory
from rdflib.store import Store
from rdflib.term import BNode, Literal, Node, URIRef

from app.workspace.specifications.values.limits import (
    MAX_IRI_CHARACTERS,
    MAX_LANGUAGE_CHARACTERS,
    MAX_LITERAL_CHARACTERS,
    MAX_TRIPLES,
)
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused

BASE: Final = "https://relative.invalid/"
"""What relative IRIs are resolved against, to find them: a specification has no address. RFC 2606 keeps `.invalid`."""

_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\\x7f\ud800-\udfff]*\Z")
"""An absolute IRI as N-Triples writes it (RDF 1.1 N-Triples, IRIREF); which schemes there are is not looked at."""
_FORBIDDEN: Final = re.compile(r"[\x00\ud800-\udfff]")
"""Neither UTF-8 nor PostgreSQL can keep these."""


def new_graph() -> Graph:
    """An empty graph in memory, without namespaces."""
    return Graph(store=Memory(), bind_namespaces="none")


class CheckedStore(Store):
    """Adds sound triples of the default graph to a graph; anything else raises `SpecificationRefused`."""

    context_aware = True
    graph_aware = True

    def __init__(self, graph: Graph, blank_prefix: str) -> None:
        super().__init__()
        self._blank_prefix = blank_prefix
        self._graph = graph
        self._blank_nodes: dict[BNode, BNode] = {}
        self._sound_iris: set[str] = set()
        self._written = 0  # repeated triples too: the store does not say which are new

    def add(self, triple: Any, context: Any, quoted: bool = False) -> None:  # noqa: ARG002 - of the protocol
        """Take a triple of the default graph."""
        if context.identifier != DATASET_DEFAULT_GRAPH_ID:
            raise SpecificationRefused(
                RefusalCode.NAMED_GRAPH, "A specification is one graph: leave out the names of graphs."
            )
        subject, predicate, obj = triple
        if isinstance(subject, Literal) or not isinstance(predicate, URIRef):
            raise SpecificationRefused(
                RefusalCode.INVALID_TERM, "A subject is an IRI or a blank node, a predicate is an IRI."
            )
        self._written += 1
        if self._written > MAX_TRIPLES:
            raise SpecificationRefused(RefusalCode.TOO_MANY_TRIPLES, f"There are more than {MAX_TRIPLES:,} triples.")
        checked = (self._checked(subject), self._checked(predicate), self._checked(obj))
        self._graph.store.add(checked, context=self._graph)

    def add_graph(self, graph: Graph) -> None:
        """Take no note of a graph: named ones are refused with their first triple."""

    def bind(self, prefix: str, namespace: URIRef, override: bool = True) -> None:
        """Take no note of a prefix: the graph is what its triples are."""

    def namespaces(self) -> Any:
        """No prefixes."""
        return iter(())

    def _checked(self, term: Node) -> Any:
        """The term as RDF 1.1 has it. Blank nodes are numbered as they come, so that a text gives the same names."""
        if isinstance(term, URIRef):
            return self._checked_iri(term)
        if isinstance(term, BNode):
            return self._blank_nodes.setdefault(term, BNode(f"{self._blank_prefix}{len(self._blank_nodes)}"))
        if isinstance(term, Literal):
            return self._checked_literal(term)
        raise SpecificationRefused(RefusalCode.INVALID_TERM, "There is a term that is no IRI, blank node or literal.")

    def _checked_iri(self, iri: URIRef) -> URIRef:
        if iri in self._sound_iris:
            return iri
        if iri.startswith(BASE):
            raise SpecificationRefused(
                RefusalCode.RELATIVE_IRI, f"<{iri[len(BASE) :]}> is relative: write the whole IRI, or declare a base."
            )
        if len(iri) > MAX_IRI_CHARACTERS or not _IRI.match(iri):
            raise SpecificationRefused(
                RefusalCode.INVALID_IRI,
                f"<{iri[:200]}> is no absolute IRI of at most {MAX_IRI_CHARACTERS:,} characters without spaces, quotes "
                "and brackets: percent-encode those.",
            )
        self._sound_iris.add(iri)
        return iri

    def _checked_literal(self, literal: Literal) -> Literal:
        if len(literal) > MAX_LITERAL_CHARACTERS:
            raise SpecificationRefused(
                RefusalCode.TOO_LARGE, f"A literal has more than {MAX_LITERAL_CHARACTERS:,} characters."
            )
        if _FORBIDDEN.search(literal):
            raise SpecificationRefused(
                RefusalCode.FORBIDDEN_CHARACTER, "A literal has a NUL or half of a pair of surrogates: leave it out."
            )
        if literal.language and len(literal.language) > MAX_LANGUAGE_CHARACTERS:
            sentence = f"A tag of a language has more than {MAX_LANGUAGE_CHARACTERS} characters."
            raise SpecificationRefused(RefusalCode.INVALID_TERM, sentence)
        if literal.datatype is None:
            return literal
        self._checked_iri(literal.datatype)
        if literal.datatype == XSD.string:  # in RDF 1.1 the same term as the plain literal; rdflib tells them apart
            return Literal(str(literal))
        return literal
