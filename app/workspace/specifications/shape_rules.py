"""Which shapes graphs are validated with: SHACL Core (Recommendation of 2017, 2 to 4), and nothing that runs.

SPARQL and JavaScript in a shapes graph are programs of whoever wrote it. Recursive shapes have no meaning that the
standard defines (3.4.3), and a list or path that holds itself has none at all.
"""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Final

from rdflib.graph import Graph
from rdflib.namespace import OWL, RDF, Namespace
from rdflib.term import BNode, Literal, Node, URIRef

from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused

SHACL: Final = Namespace("http://www.w3.org/ns/shacl#")
"""Every term, those too that rdflib's own list of the vocabulary has not."""
_NOT_CORE: Final = (
    *("sparql", "select", "ask", "construct", "update", "validator", "nodeValidator", "propertyValidator", "target"),
    *("rule", "js", "jsFunctionName", "jsLibrary", "jsLibraryURL", "expression", "values", "returnType", "prefixes"),
)
"""Terms of SHACL-SPARQL, SHACL-JS and SHACL Advanced Features."""
_OF_SHAPES: Final = ("node", "property", "not", "qualifiedValueShape", "and", "or", "xone")
_OF_PATHS: Final = ("inversePath", "alternativePath", "zeroOrMorePath", "oneOrMorePath", "zeroOrOnePath")
_INNER: Final = (*(SHACL[name] for name in (*_OF_SHAPES, *_OF_PATHS)), RDF.first, RDF.rest)


def refuse_other_than_core(shapes: Graph) -> None:
    """Raise `SpecificationRefused` of a shapes graph that is not to be run."""
    for name in _NOT_CORE:
        if (None, SHACL[name], None) in shapes:
            sentence = f"The shapes use sh:{name}: only SHACL Core is validated, nothing that runs."
            raise SpecificationRefused(RefusalCode.SHAPES_NOT_CORE, sentence)
    if (None, OWL.imports, None) in shapes:
        raise SpecificationRefused(
            RefusalCode.SHAPES_IMPORTS, "The shapes import others (owl:imports): write all of them into one text."
        )
    if not any(isinstance(term, URIRef) and term.startswith(str(SHACL)) for term in shapes.predicates()):
        raise SpecificationRefused(
            RefusalCode.NO_SHAPES, "There are no shapes in the graph: no term of http://www.w3.org/ns/shacl# is used."
        )
    _refuse_broken_lists(shapes)
    cycle = _cycle(shapes, _INNER)
    if cycle:
        named = sorted(str(node) for node in cycle if not isinstance(node, BNode))
        where = f" at <{named[0]}>" if named else ""
        raise SpecificationRefused(
            RefusalCode.SHAPES_RECURSIVE,
            f"A shape, path or list holds itself{where}: the standard does not say what that means.",
        )


def refuse_endless_lists(data: Graph) -> None:
    """Raise `SpecificationRefused` of data in which a list holds itself: a report could not say what that is."""
    if _cycle(data, (RDF.rest,)):
        sentence = "A list of the data has itself as its rest: end each list with rdf:nil."
        raise SpecificationRefused(RefusalCode.ENDLESS_LIST, sentence)


def _refuse_broken_lists(shapes: Graph) -> None:
    for cell in set(shapes.subjects(RDF.first)):
        if len(list(shapes.objects(cell, RDF.first))) != 1 or len(list(shapes.objects(cell, RDF.rest))) != 1:
            sentence = "A list of the shapes is not well-formed: each cell has one rdf:first and one rdf:rest."
            raise SpecificationRefused(RefusalCode.SHAPES_INVALID, sentence)


def _cycle(graph: Graph, predicates: Iterable[URIRef]) -> list[Node]:
    """Nodes that reach themselves along the predicates; none if there are none."""
    order: TopologicalSorter[Node] = TopologicalSorter()
    for predicate in predicates:
        for outer, inner in graph.subject_objects(predicate):
            if not isinstance(inner, Literal):
                order.add(outer, inner)
    try:
        order.prepare()
    except CycleError as fault:
        return list(fault.args[1])
    return []
