"""Which blank nodes of two graphs are the same, as well as that can be said.

Canonical labels depend on the whole graph, so they match two graphs only where these are equal. The rule, in order:

1. Blank nodes that hang together are a component. Components with the same canonical form are the same.
2. In rounds, among what is left: blank nodes of which all is the same that is said of them, those matched already by
   name and other blank nodes unnamed, where only one on each side is so.
3. When none is: the pair that most statements speak for, each of which is made of one blank node only on each side
   (`_:a sh:path ex:name`). So a shape is the same whose count has changed.
4. When none is: those of which the same is said, in canonical order, though there are several.

What is left after `MAX_ROUNDS` is not matched. Any matching gives a sound difference; this one a short one.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from app.workspace.specifications.canonical.form import canonical_form
from app.workspace.specifications.canonical.labelling import Looks
from app.workspace.specifications.canonical.nquads import BLANK, Statement

MAX_ROUNDS: Final = 100
"""Each finds at least one pair, and in practice all of one distance from what is named."""

Pairs = dict[str, str]
"""From a blank node of the older graph to that of the newer."""


def matched_blank_nodes(older: Sequence[Statement], newer: Sequence[Statement]) -> Pairs:
    """The pairs, by the rule of this module. Raises `SpecificationRefused`: `too-symmetric`.

    Args:
        older: the triples, with canonical labels, so that the outcome depends on no name or order.
        newer: likewise.
    """
    looks = Looks()
    pairs = _same_components(older, newer, looks)
    left, right = _Side(older), _Side(newer)
    left.name(pairs.keys(), pairs.values())
    right.name(pairs.values(), pairs.values())
    for _ in range(MAX_ROUNDS):
        found = _unique(left.by_all(), right.by_all()) or _voted(left, right) or _ordered(left.by_all(), right.by_all())
        if not found:
            break
        pairs |= found
        left.name(found.keys(), found.values())
        right.name(found.values(), found.values())
    return pairs


class _Side:
    """One of the two graphs: what is said of the blank nodes that are not matched yet."""

    def __init__(self, triples: Sequence[Statement]) -> None:
        self._names: dict[str, str] = {}
        self._mentions: dict[str, list[Statement]] = {}
        for triple in triples:
            for blank in triple.blank_nodes:
                self._mentions.setdefault(blank, []).append(triple)

    def name(self, blanks: Iterable[str], names: Iterable[str]) -> None:
        """Take blank nodes for matched, under names that are the same on both sides."""
        for blank, name in zip(list(blanks), list(names), strict=True):
            self._names[blank] = name
            self._mentions.pop(blank, None)

    def by_all(self) -> dict[str, list[str]]:
        """The unmatched blank nodes by all that is said of them, in the order of their labels."""
        found: dict[str, list[str]] = {}
        for blank in sorted(self._mentions):
            lines = sorted(self._seen(blank, each) for each in self._mentions[blank])
            found.setdefault("".join(lines), []).append(blank)
        return found

    def by_one(self) -> dict[str, list[str]]:
        """The unmatched blank nodes by each statement in which no other unmatched one is."""
        found: dict[str, list[str]] = {}
        for blank in sorted(self._mentions):
            for triple in self._mentions[blank]:
                if all(each == blank or each in self._names for each in triple.blank_nodes):
                    found.setdefault(self._seen(blank, triple), []).append(blank)
        return found

    def _seen(self, blank: str, triple: Statement) -> str:
        return Statement(self._text(blank, triple.subject), triple.predicate, self._text(blank, triple.object)).line

    def _text(self, blank: str, text: str) -> str:
        if not text.startswith(BLANK):
            return text
        return "_:a" if text == blank else f"_:{self._names.get(text, 'z')}"


def _unique(left: dict[str, list[str]], right: dict[str, list[str]]) -> Pairs:
    return {left[key][0]: right[key][0] for key in left if len(left[key]) == 1 == len(right.get(key, ()))}


def _voted(left: _Side, right: _Side) -> Pairs:
    ours, theirs = left.by_one(), right.by_one()
    votes = Counter((ours[key][0], theirs[key][0]) for key in ours if len(ours[key]) == 1 == len(theirs.get(key, ())))
    pairs: Pairs = {}
    taken: set[str] = set()
    for (old, new), _ in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
        if old not in pairs and new not in taken:
            pairs[old] = new
            taken.add(new)
    return pairs


def _ordered(left: dict[str, list[str]], right: dict[str, list[str]]) -> Pairs:
    return {old: new for key in left for old, new in zip(left[key], right.get(key, ()), strict=False)}


def _same_components(older: Sequence[Statement], newer: Sequence[Statement], looks: Looks) -> Pairs:
    waiting: dict[str, list[dict[str, str]]] = {}
    for component in _components(older):
        form = canonical_form(component, looks)
        waiting.setdefault(form.sha256, []).append({label: blank for blank, label in form.labels.items()})
    pairs: Pairs = {}
    for component in _components(newer):
        form = canonical_form(component, looks)
        alike = waiting.get(form.sha256)
        if alike:
            theirs = alike.pop(0)
            pairs |= {theirs[label]: blank for blank, label in form.labels.items()}
    return pairs


def _components(triples: Sequence[Statement]) -> list[list[Statement]]:
    """The triples with blank nodes, by which of these hang together."""
    parents: dict[str, str] = {}

    def root(blank: str) -> str:
        while parents.setdefault(blank, blank) != blank:
            parents[blank] = blank = parents[parents[blank]]
        return blank

    with_blanks = [(triple, triple.blank_nodes) for triple in triples]
    for _, blanks in with_blanks:
        if blanks:
            parents[root(blanks[0])] = root(blanks[-1])
    found: dict[str, list[Statement]] = {}
    for triple, blanks in with_blanks:
        if blanks:
            found.setdefault(root(blanks[0]), []).append(triple)
    return list(found.values())
