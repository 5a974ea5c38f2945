"""N-Triples by rdflib's parser, which is given one line at a time."""

from rdflib.exceptions import ParserError
from rdflib.graph import Graph
from rdflib.plugins.parsers.ntriples import NTGraphSink, W3CNTriplesParser

from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused


def read_ntriples(text: str, graph: Graph) -> None:
    """Add the triples of the text. Raises `SpecificationRefused`: `syntax`, with the line."""
    lines = _Lines(text)
    try:
        W3CNTriplesParser(NTGraphSink(graph)).parse(lines)  # type: ignore[arg-type]  # it reads, and nothing else
    except SpecificationRefused as refusal:
        raise SpecificationRefused(refusal.code, refusal.message, lines.number) from None
    except (ParserError, TypeError, ValueError):
        sentence = (
            "The line is not N-Triples: write subject, predicate and object with spaces between, and a full stop."
        )
        raise SpecificationRefused(RefusalCode.SYNTAX, sentence, lines.number) from None


class _Lines:
    """A text that is read line by line, whatever number of characters is asked for.

    The parser copies what it has read and not yet parsed: with one line in hand that is linear in the text.
    """

    encoding = "utf-8"

    def __init__(self, text: str) -> None:
        self._lines = iter(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        self.number = 0

    def read(self, _: int = -1) -> str:
        """The next line with its line feed; nothing at the end."""
        line = next(self._lines, None)
        if line is None:
            return ""
        self.number += 1
        return line + "\n"
