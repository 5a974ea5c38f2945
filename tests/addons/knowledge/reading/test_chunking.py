"""Passages: bounded, in order, nothing lost, nothing twice but the heads of tables."""

from hypothesis import given
from hypothesis import strategies as st

from app.addons.knowledge.reading.blocks import Block, BlockKind
from app.addons.knowledge.reading.chunking import MAX_PASSAGE, chunks

WORDS = st.text("ab c.!?\n", min_size=1, max_size=200)
BLOCKS = st.builds(
    Block,
    headings=st.sampled_from([(), ("A",), ("A", "B")]),
    text=st.one_of(WORDS, WORDS.map(lambda text: text * 40)).filter(str.strip),
    kind=st.sampled_from([BlockKind.TEXT, BlockKind.LINES]),
)


def letters(text: str) -> str:
    return "".join(text.split())


@given(st.lists(BLOCKS, max_size=12))
def test_all_text_is_in_passages_once_and_in_order(blocks: list[Block]) -> None:
    found = chunks(blocks)
    assert letters("".join(chunk.text for chunk in found)) == letters("".join(block.text for block in blocks))
    assert all(0 < len(chunk.text) <= MAX_PASSAGE for chunk in found)
    assert [chunk.headings for chunk in found if chunk.headings] == [
        chunk.headings for chunk in found if chunk.headings in {block.headings for block in blocks} and chunk.headings
    ]


def test_what_is_under_one_heading_is_one_passage_as_long_as_it_fits() -> None:
    short = [Block(("A",), "x" * 700), Block(("A",), "y" * 700), Block(("A",), "z" * 700), Block(("B",), "b")]
    assert [(chunk.headings, len(chunk.text)) for chunk in chunks(short)] == [
        (("A",), 1402),
        (("A",), 700),
        (("B",), 1),
    ]


def test_a_table_is_cut_between_rows_and_its_head_is_above_each_part() -> None:
    rows = [f"field_{number} | {'m' * 60}" for number in range(60)]
    found = chunks([Block(("T",), "\n".join(["Field | Meaning", *rows]), BlockKind.TABLE)])
    assert len(found) > 2
    assert {chunk.text.split("\n")[0] for chunk in found} == {"Field | Meaning"}
    assert [row for chunk in found for row in chunk.text.split("\n")[1:]] == rows


def test_text_is_cut_between_sentences_or_words() -> None:
    sentence = "The field has the address of the client. "
    found = chunks([Block((), sentence * 60)])
    assert all(chunk.text.endswith("client.") for chunk in found)
    assert all(chunk.text.endswith("word") for chunk in chunks([Block((), ("word " * 1_000).strip())]))
    assert [len(chunk.text) for chunk in chunks([Block((), "x" * 3_100)])] == [1_500, 1_500, 100]
