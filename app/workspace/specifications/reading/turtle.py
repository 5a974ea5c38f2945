"""Turtle by rdflib's parser, with numbers kept as they are written."""

from collections.abc import MutableSequence
from decimal import Decimal
from typing import Any, Final

from rdflib.graph import Graph
from rdflib.namespace import XSD
from rdflib.plugins.parsers.notation3 import BadSyntax, RDFSink, SinkParser
from rdflib.term import Literal

from app.workspace.specifications.reading.checked_store import BASE
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused

_OF_NUMBERS: Final = frozenset("+-.0123456789")


def read_turtle(text: str, graph: Graph) -> None:
    """Add the triples of the text. Raises `SpecificationRefused`: `syntax`, with the line."""
    parser = _LexicalParser(RDFSink(graph), baseURI=BASE, turtle=True)
    try:
        parser.loadBuf(text)
    except BadSyntax as fault:
        why = fault._why  # noqa: SLF001 - the sentence without the text around
        raise SpecificationRefused(RefusalCode.SYNTAX, f"The text is not Turtle: {why}.", fault.lines + 1) from None
    except SpecificationRefused as refusal:
        raise SpecificationRefused(refusal.code, refusal.message, parser.lines + 1) from None
    except (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError, ArithmeticError):
        # What the parser lets escape of a text that ends too early, of a number or tag that is none, or of a variable.
        sentence = "The text is not Turtle: it ends too early, or has a term that is none."
        raise SpecificationRefused(RefusalCode.SYNTAX, sentence, parser.lines + 1) from None


class _LexicalParser(SinkParser):
    """A number of Turtle stands for its text (Turtle 2.5.2): `+01` is not `1`, and `0.0000001` is not `1E-7`."""

    def nodeOrLiteral(self, argstr: str, i: int, res: MutableSequence[Any]) -> int:  # noqa: N802 - overridden
        """Where the term ends, which is added to `res`; -1 where there is none."""
        end = super().nodeOrLiteral(argstr, i, res)
        if end < 0 or type(res[-1]) not in {int, Decimal}:
            return end
        start = end
        while start > i and argstr[start - 1] in _OF_NUMBERS:
            start -= 1
        datatype = XSD.integer if type(res[-1]) is int else XSD.decimal
        res[-1] = Literal(argstr[start:end], datatype=datatype)
        return end
