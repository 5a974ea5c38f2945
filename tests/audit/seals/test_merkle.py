"""The Merkle trees against the definitions of RFC 9162 and the test vectors of the reference implementation."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.seals.merkle import EMPTY_ROOT, TreeHead, included, inclusion_path, leaf_hash, root_of

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Heads of the trees of the first one to eight leaves: Certificate Transparency's merkletree tests."""


def split(size: int) -> int:
    """The largest power of two below the size."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def defined_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\x01" + defined_root(entries[:k]) + defined_root(entries[k:])).digest()


def defined_path(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1, word for word."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*defined_path(index, entries[:k]), defined_root(entries[k:])]
    return [*defined_path(index - k, entries[k:]), defined_root(entries[:k])]


@pytest.mark.parametrize("size", range(1, 9))
def test_known_heads(size: int) -> None:
    assert root_of([leaf_hash(entry) for entry in LEAVES[:size]]).hex() == ROOTS[size - 1]


def test_the_head_of_nothing() -> None:
    assert EMPTY_ROOT == hashlib.sha256().digest() == TreeHead().root()


entries = st.lists(st.binary(max_size=8), max_size=70)


@given(entries)
def test_heads_are_as_defined(contents: list[bytes]) -> None:
    head = TreeHead()
    for size, content in enumerate(contents, 1):
        head.add(leaf_hash(content))
        assert (head.size, head.root()) == (size, defined_root(contents[:size]))


@given(entries.filter(bool), st.data())
def test_paths_are_as_defined_and_lead_to_the_root(contents: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(content) for content in contents]
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = inclusion_path(leaves, index), root_of(leaves)
    assert path == defined_path(index, contents)
    assert included(leaves[index], index, len(leaves), path, root)
    assert not included(leaf_hash(b"other than any"), index, len(leaves), path, root)
    assert not included(leaves[index], index, len(leaves), [*path, root], root)
    if path:
        assert not included(leaves[index], index, len(leaves), path[:-1], root)
        step = data.draw(st.integers(0, len(path) - 1))
        bent = [*path[:step], hashlib.sha256(path[step]).digest(), *path[step + 1 :]]
        assert not included(leaves[index], index, len(leaves), bent, root)
    assert not included(leaves[index], index, index, path, root)
    assert not included(leaves[index], -1, len(leaves), path, root)


@given(st.integers(2, 70), st.data())
def test_a_path_holds_for_its_own_place_alone(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(str(n).encode()) for n in range(size)]
    index, other = data.draw(st.permutations(range(size)))[:2]
    assert not included(leaves[index], other, size, inclusion_path(leaves, index), root_of(leaves))


def test_there_is_no_path_of_a_leaf_that_is_not_there() -> None:
    for index in (-1, 0, 5):
        with pytest.raises(IndexError):
            inclusion_path([], index)
