"""The canonical form of a graph: the lines, the labels behind them, and their hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from app.workspace.specifications.canonical.labelling import Looks, canonical_labels
from app.workspace.specifications.canonical.nquads import Statement


@dataclass(frozen=True, slots=True)
class CanonicalForm:
    """A graph in canonical N-Quads.

    Attributes:
        lines: in code point order, each with its line feed.
        labels: the canonical label (`_:c14n0`) of each blank node of the graph (`_:b7`).
    """

    lines: list[str]
    labels: dict[str, str]

    @property
    def sha256(self) -> str:
        """The canonical hash, in hexadecimal."""
        return sha256("".join(self.lines).encode()).hexdigest()


def canonical_form(triples: Sequence[Statement], looks: Looks | None = None) -> CanonicalForm:
    """The canonical form. Raises `SpecificationRefused`: `too-symmetric`.

    Args:
        triples: of the graph, each once.
        looks: what may be looked at, where several graphs share a bound.
    """
    labels = canonical_labels(triples, looks or Looks())
    return CanonicalForm(sorted(each.renamed(labels).line for each in triples), labels)
