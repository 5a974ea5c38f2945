"""Canonical labels of blank nodes: the algorithm RDFC-1.0 of "RDF Dataset Canonicalization" (W3C, 21 May 2024).

Names of functions are those of the Recommendation's sections 4.4 to 4.8; all triples are of the default graph. Graphs
can be made on which the algorithm takes factorial time ("dataset poisoning", section 7.1): the triples that are looked
at are counted, and a graph that needs too many is refused. The count depends on the graph alone, not on the machine.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import permutations
from typing import Final

from app.workspace.specifications.canonical.nquads import BLANK, Statement
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused

MAX_LOOKS: Final = 500_000
"""Triples that are looked at to tell blank nodes apart: measured, 2 to 4 seconds."""
MAX_DEPTH: Final = 10_000
"""Blank nodes in a row that differ by what is far from them alone."""
_FRAMES_PER_LEVEL: Final = 3


class Looks:
    """How much may still be looked at."""

    def __init__(self, allowed: int = MAX_LOOKS) -> None:
        self._left = allowed

    def take(self, looks: int) -> None:
        """Count looks. Raises `SpecificationRefused` when they are used up."""
        self._left -= looks
        if self._left < 0:
            raise _too_symmetric()


def _too_symmetric() -> SpecificationRefused:
    sentence = "Too many blank nodes of the graph look the same to tell them apart. Name some of them by an IRI."
    return SpecificationRefused(RefusalCode.TOO_SYMMETRIC, sentence)


class _Issuer:
    """An identifier issuer (4.5): issues identifiers in order, and knows those that it issued."""

    __slots__ = ("_prefix", "issued")

    def __init__(self, prefix: str, issued: dict[str, str] | None = None) -> None:
        self._prefix = prefix
        self.issued = issued if issued is not None else {}

    def issue(self, existing: str) -> str:
        """The identifier of a blank node, which may be a new one."""
        label = self.issued.get(existing)
        if label is None:
            label = self.issued[existing] = f"{self._prefix}{len(self.issued)}"
        return label

    def copy(self) -> "_Issuer":
        return _Issuer(self._prefix, self.issued.copy())


def canonical_labels(triples: Sequence[Statement], looks: Looks) -> dict[str, str]:
    """The canonical label (`_:c14n0`) of each blank node. Raises `SpecificationRefused`: `too-symmetric`."""
    mentions: dict[str, list[Statement]] = {}
    for triple in triples:
        for blank in triple.blank_nodes:
            mentions.setdefault(blank, []).append(triple)
    with _deep_recursion():
        return _Labelling(mentions, looks).labels()


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Room for `MAX_DEPTH` levels. Only functions of this module call each other, so no C stack grows."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + _FRAMES_PER_LEVEL * MAX_DEPTH)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class _Labelling:
    """The canonicalization state (4.2) of one run."""

    def __init__(self, mentions: dict[str, list[Statement]], looks: Looks) -> None:
        self._mentions = mentions
        self._looks = looks
        self._canonical = _Issuer(f"{BLANK}c14n")
        self._depth = 0
        self._first = {blank: _first_degree(blank, triples) for blank, triples in mentions.items()}

    def labels(self) -> dict[str, str]:
        """The issued identifiers map (4.4.3)."""
        alike: dict[str, list[str]] = {}
        for blank, found in self._first.items():
            alike.setdefault(found, []).append(blank)
        in_order = [alike[found] for found in sorted(alike)]
        for blanks in in_order:
            if len(blanks) == 1:
                self._canonical.issue(blanks[0])
        for blanks in in_order:
            if len(blanks) > 1:
                self._tell_apart(blanks)
        return self._canonical.issued

    def _tell_apart(self, blanks: list[str]) -> None:
        """Issue canonical identifiers to blank nodes with a first degree hash in common (4.4.3, step 5)."""
        paths: list[tuple[str, _Issuer]] = []
        for blank in blanks:
            if blank not in self._canonical.issued:
                issuer = _Issuer(f"{BLANK}b")
                issuer.issue(blank)
                paths.append(self._n_degree(blank, issuer))
        for _, issuer in sorted(paths, key=lambda path: path[0]):
            for existing in issuer.issued:
                self._canonical.issue(existing)

    def _n_degree(self, blank: str, issuer: _Issuer) -> tuple[str, _Issuer]:
        """The hash and the issuer by which they were found: Hash N-Degree Quads (4.8)."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _too_symmetric()
        self._looks.take(len(self._mentions[blank]))
        related: dict[str, list[str]] = {}
        for triple in self._mentions[blank]:
            if triple.subject != blank and triple.subject.startswith(BLANK):
                found = self._related("s", triple, triple.subject, issuer)
                related.setdefault(found, []).append(triple.subject)
            if triple.object != blank and triple.object.startswith(BLANK):
                found = self._related("o", triple, triple.object, issuer)
                related.setdefault(found, []).append(triple.object)
        hashed = []
        for found in sorted(related):
            path, issuer = self._shortest(related[found], issuer)
            hashed += [found, path]
        self._depth -= 1
        return _hash("".join(hashed)), issuer

    def _related(self, position: str, triple: Statement, blank: str, issuer: _Issuer) -> str:
        """The hash of a blank node by how it is related: Hash Related Blank Node (4.7)."""
        known = self._canonical.issued.get(blank) or issuer.issued.get(blank) or self._first[blank]
        return _hash(f"{position}{triple.predicate}{known}")

    def _shortest(self, blanks: list[str], issuer: _Issuer) -> tuple[str, _Issuer]:
        """The chosen path and issuer among all orders of the blank nodes (4.8.3, step 5.4)."""
        if len(blanks) == 1:  # one order: no copy of the issuer is compared with another
            return self._path(blanks, issuer, "") or ("", issuer)
        chosen, chosen_issuer = "", issuer
        for order in permutations(blanks):
            self._looks.take(len(order) + len(issuer.issued) // 8)
            found = self._path(order, issuer.copy(), chosen)
            if found and (not chosen or found[0] < chosen):
                chosen, chosen_issuer = found
        return chosen, chosen_issuer

    def _path(self, order: Sequence[str], issuer: _Issuer, chosen: str) -> tuple[str, _Issuer] | None:
        """The path along the blank nodes in this order; None as soon as the chosen one is shorter (4.8.3, 5.4.4-5)."""
        path, unknown = "", []
        for blank in order:
            label = self._canonical.issued.get(blank)
            if label is None:
                if blank not in issuer.issued:
                    unknown.append(blank)
                label = issuer.issue(blank)
            path += label
            if _is_longer(path, chosen):
                return None
        for blank in unknown:
            found, issuer = self._n_degree(blank, issuer)
            path += f"{issuer.issue(blank)}<{found}>"
            if _is_longer(path, chosen):
                return None
        return path, issuer


def _is_longer(path: str, chosen: str) -> bool:
    return bool(chosen) and len(path) >= len(chosen) and path > chosen


def _first_degree(blank: str, triples: list[Statement]) -> str:
    """The hash of what is said of a blank node, other blank nodes unnamed: Hash First Degree Quads (4.6)."""
    seen = [Statement(_seen(blank, each.subject), each.predicate, _seen(blank, each.object)) for each in triples]
    return _hash("".join(sorted(each.line for each in seen)))


def _seen(blank: str, text: str) -> str:
    if not text.startswith(BLANK):
        return text
    return "_:a" if text == blank else "_:z"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
