"""Validation of a graph against shapes by pyshacl, as SHACL Core has it."""

import json
import warnings
from typing import Final

from pyshacl import validate
from pyshacl.errors import ReportableRuntimeError
from rdflib.graph import Graph
from rdflib.namespace import SH
from rdflib.plugins.serializers.jsonld import from_rdf
from rdflib.term import Node

from app.workspace.specifications.canonical.nquads import term_text
from app.workspace.specifications.shape_paths import path_text
from app.workspace.specifications.shape_rules import refuse_endless_lists, refuse_other_than_core
from app.workspace.specifications.values.answers import ShapeFault, ShapesReport
from app.workspace.specifications.values.limits import MAX_LISTED
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused, plain_text

MAX_SHAPE_DEPTH: Final = 30
"""Shapes within each other; twice of what pyshacl takes by itself."""


def validated(data: Graph, shapes: Graph) -> ShapesReport:
    """Whether the data conforms to the shapes, and every result.

    The report holds nodes of both graphs: their blank nodes have names that differ.

    Raises `SpecificationRefused`: shapes other than SHACL Core, recursive ones, and those that are not well-formed.
    """
    refuse_other_than_core(shapes)
    refuse_endless_lists(data)
    results = _results(data, shapes)
    faults = sorted(((_fault(results, node), node) for node in results.objects(None, SH.result)), key=_order)
    for _, node in faults[MAX_LISTED:]:
        results.remove((None, None, node))
        results.remove((node, None, None))
    listed = [fault for fault, _ in faults[:MAX_LISTED]]
    report = json.dumps(from_rdf(results), ensure_ascii=False, sort_keys=True)  # type: ignore[no-untyped-call]
    return ShapesReport(not faults, listed, len(faults), plain_text(report))


def _results(data: Graph, shapes: Graph) -> Graph:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what pyshacl warns of is for whoever runs it by hand
            _, results, _ = validate(
                data,
                shacl_graph=shapes,
                inference="none",
                advanced=False,
                js=False,
                meta_shacl=False,
                do_owl_imports=False,
                inplace=True,
                max_validation_depth=MAX_SHAPE_DEPTH,
            )
    except ReportableRuntimeError as fault:
        raise _not_well_formed(str(fault)) from None
    except MemoryError:
        raise
    except RecursionError:
        sentence = "The shapes, or the paths in them, are nested too deeply."
        raise SpecificationRefused(RefusalCode.TOO_DEEP, sentence) from None
    except Exception as fault:  # of a pattern that is none, for one: pyshacl lets what it meets escape
        raise _not_well_formed(f"{type(fault).__name__}: {fault}") from fault
    if not isinstance(results, Graph):
        raise _not_well_formed(str(results))
    return results


def _not_well_formed(why: str) -> SpecificationRefused:
    sentence = why.partition("\nFor reference")[0].replace("\n", " ")
    return SpecificationRefused(RefusalCode.SHAPES_INVALID, f"The shapes are not well-formed: {sentence}")


def _order(found: tuple[ShapeFault, Node]) -> tuple[str, ...]:
    fault, _ = found
    return (fault.focus_node, fault.path or "", fault.constraint, fault.value or "", fault.message or "")


def _fault(results: Graph, node: Node) -> ShapeFault:
    def text(name: str) -> str | None:
        value = results.value(node, SH[name])
        return None if value is None else term_text(value)

    path = results.value(node, SH.resultPath)
    messages = sorted(str(each) for each in results.objects(node, SH.resultMessage))
    return ShapeFault(
        focus_node=text("focusNode") or "",
        path=None if path is None else path_text(results, path),
        value=text("value"),
        message=plain_text(messages[0]) if messages else None,
        severity=text("resultSeverity") or "",
        constraint=text("sourceConstraintComponent") or "",
        shape=text("sourceShape"),
    )
