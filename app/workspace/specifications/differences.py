"""Triples that were added and removed between two graphs; which blank nodes are the same: `matching.py`."""

from collections.abc import Sequence

from app.workspace.specifications.canonical.form import CanonicalForm, canonical_form
from app.workspace.specifications.canonical.nquads import Statement
from app.workspace.specifications.matching import matched_blank_nodes
from app.workspace.specifications.values.answers import Differences
from app.workspace.specifications.values.limits import MAX_LISTED


def differences(older: Sequence[Statement], newer: Sequence[Statement]) -> Differences:
    """By which triples the newer graph differs. Raises `SpecificationRefused`: `too-symmetric`."""
    old_form, new_form = canonical_form(older), canonical_form(newer)
    old_hash, new_hash = old_form.sha256, new_form.sha256
    if old_hash == new_hash:
        return Differences([], [], 0, 0, old_hash, new_hash)
    removed_from, added_to = compared_lines(_relabelled(older, old_form), _relabelled(newer, new_form))
    added, removed = sorted(added_to - removed_from), sorted(removed_from - added_to)
    return Differences(added[:MAX_LISTED], removed[:MAX_LISTED], len(added), len(removed), old_hash, new_hash)


def compared_lines(older: Sequence[Statement], newer: Sequence[Statement]) -> tuple[set[str], set[str]]:
    """The lines of both graphs, in which the same blank nodes have the same names.

    Args:
        older: the triples with canonical labels, which stay as they are.
        newer: likewise; blank nodes that the older graph has not become `_:new0`, `_:new1` and so on.
    """
    names = {new: old for old, new in matched_blank_nodes(older, newer).items()}
    own = {blank for triple in newer for blank in triple.blank_nodes} - names.keys()
    names |= {blank: f"_:new{number}" for number, blank in enumerate(sorted(own, key=lambda each: (len(each), each)))}
    return {each.line.rstrip("\n") for each in older}, {each.renamed(names).line.rstrip("\n") for each in newer}


def _relabelled(triples: Sequence[Statement], form: CanonicalForm) -> list[Statement]:
    return [each.renamed(form.labels) for each in triples]
