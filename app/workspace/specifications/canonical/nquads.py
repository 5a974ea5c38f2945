"""Terms and triples as canonical N-Quads, the text in which RDFC-1.0 compares and hashes them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from rdflib.graph import Graph
from rdflib.term import BNode, Literal, Node

BLANK: Final = "_:"

_ESCAPED: Final = {code: f"\\u{code:04X}" for code in (*range(0x20), 0x7F)} | {
    0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\",
}  # fmt: skip
"""Characters of literals that are not written as they are: RDF Dataset Canonicalization, 5 "Canonical N-Quads"."""


class Statement(NamedTuple):
    """A triple of terms as text. A blank node, and nothing else, begins with `_:`."""

    subject: str
    predicate: str
    object: str

    @property
    def blank_nodes(self) -> list[str]:
        """The blank nodes of the triple: none, one or two; one where both are the same."""
        found = [self.subject] if self.subject.startswith(BLANK) else []
        if self.object.startswith(BLANK) and self.object != self.subject:
            found.append(self.object)
        return found

    @property
    def line(self) -> str:
        """The triple as a line of N-Quads, with its line feed."""
        return f"{self.subject} {self.predicate} {self.object} .\n"

    def renamed(self, names: Mapping[str, str]) -> "Statement":
        """The triple with other names for those of its blank nodes that are among the names."""
        subject, obj = names.get(self.subject, self.subject), names.get(self.object, self.object)
        return Statement(subject, self.predicate, obj)


def term_text(term: Node) -> str:
    """The term in canonical N-Quads. Tags of languages are in lower case, as RDF 1.1 compares them."""
    if isinstance(term, BNode):
        return BLANK + term
    if not isinstance(term, Literal):
        return f"<{term}>"
    quoted = f'"{str(term).translate(_ESCAPED)}"'
    if term.language:
        return f"{quoted}@{term.language.lower()}"
    return f"{quoted}^^<{term.datatype}>" if term.datatype else quoted


def statements(graph: Graph) -> list[Statement]:
    """The triples of the graph, each once, in no order."""
    return [Statement(term_text(each[0]), term_text(each[1]), term_text(each[2])) for each in graph]
