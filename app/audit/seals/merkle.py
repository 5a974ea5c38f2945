"""Merkle trees as RFC 9162 section 2.1 defines them, over SHA-256. Pure.

Leaves and nodes are hashed in different domains, so that no node can pass for a leaf.
"""

import hashlib
from collections.abc import Sequence

_LEAF = b"\x00"
_NODE = b"\x01"
_sha256 = hashlib.sha256

EMPTY_ROOT = _sha256(b"").digest()
"""The head of the tree without leaves (RFC 9162 section 2.1.1)."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf's content."""
    return _sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return _sha256(_NODE + left + right).digest()


class TreeHead:
    """The head of a tree whose leaves come one by one; memory grows with the logarithm of their number."""

    __slots__ = ("_size", "_subtrees")

    def __init__(self) -> None:
        self._size = 0
        self._subtrees: list[bytes] = []
        """Heads of the complete subtrees, the largest first: one for each bit that is set in the size."""

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._size

    def add(self, leaf: bytes) -> None:
        """Append a leaf's hash."""
        subtrees, size = self._subtrees, self._size
        while size & 1:
            leaf = node_hash(subtrees.pop(), leaf)
            size >>= 1
        subtrees.append(leaf)
        self._size += 1

    def root(self) -> bytes:
        """The Merkle Tree Hash of the leaves so far."""
        if not self._subtrees:
            return EMPTY_ROOT
        head = self._subtrees[-1]
        for subtree in reversed(self._subtrees[:-1]):
            head = node_hash(subtree, head)
        return head


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The Merkle Tree Hash of all leaves' hashes."""
    head = TreeHead()
    for leaf in leaves:
        head.add(leaf)
    return head.root()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of a leaf (RFC 9162 section 2.1.3.1), from the leaf upwards.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    path: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        # An odd one out moves up as it is: the split at the largest power of two leaves it alone on its level.
        level = [node_hash(*level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
        index >>= 1
    return path


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the leaf to the root (the algorithm of RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, head = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            head = node_hash(step, head)
            if not node & 1:
                while node and not node & 1:
                    node >>= 1
                    last >>= 1
        else:
            head = node_hash(head, step)
        node >>= 1
        last >>= 1
    return last == 0 and head == root
