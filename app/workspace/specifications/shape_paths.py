"""Paths of SHACL as text: the syntax of property paths of SPARQL 1.1 (9.1), with whole IRIs."""

from typing import Final

from rdflib.graph import Graph
from rdflib.namespace import RDF, SH
from rdflib.term import BNode, Node

from app.workspace.specifications.canonical.nquads import term_text

MAX_STEPS: Final = 50
"""Of a path that is written out."""
_AFTER: Final = {SH.zeroOrMorePath: "*", SH.oneOrMorePath: "+", SH.zeroOrOnePath: "?"}


def path_text(graph: Graph, path: Node, depth: int = 0) -> str:
    """The path as text; `…` for what is deeper than `MAX_STEPS`.

    Args:
        graph: in which the parts of the path are.
        path: an IRI, or the blank node of a path that is made of others.
        depth: how deep this part of a path is.
    """
    if not isinstance(path, BNode):
        return term_text(path)
    if depth > MAX_STEPS:
        return "…"
    if (inverse := graph.value(path, SH.inversePath)) is not None:
        return f"^{path_text(graph, inverse, depth + 1)}"
    for predicate, sign in _AFTER.items():
        if (repeated := graph.value(path, predicate)) is not None:
            return f"({path_text(graph, repeated, depth + 1)}){sign}"
    if (alternatives := graph.value(path, SH.alternativePath)) is not None:
        return _joined(graph, alternatives, "|", depth)
    return _joined(graph, path, "/", depth)


def _joined(graph: Graph, items: Node, sign: str, depth: int) -> str:
    parts: list[str] = []
    cell: Node | None = items
    while cell is not None and cell != RDF.nil and len(parts) < MAX_STEPS:
        first = graph.value(cell, RDF.first)
        if first is None:
            break
        parts.append(path_text(graph, first, depth + 1))
        cell = graph.value(cell, RDF.rest)
    return f"({sign.join(parts)})"
