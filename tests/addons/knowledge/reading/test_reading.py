"""What is read of Markdown, HTML and text: headings, paragraphs, tables by rows; nothing that nobody would see."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.knowledge.reading.blocks import Block, BlockKind, ReadDocument, UnreadableError
from app.addons.knowledge.reading.html import read_html
from app.addons.knowledge.reading.markdown import read_markdown
from app.addons.knowledge.reading.media_types import DocumentType, decoded, document_type
from app.addons.knowledge.reading.plain import read_plain

TEXT, LINES, TABLE = BlockKind.TEXT, BlockKind.LINES, BlockKind.TABLE


def told(document: ReadDocument) -> list[tuple[tuple[str, ...], str]]:
    return [(block.headings, block.text) for block in document.blocks]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("<p>a<p>b", [((), "a"), ((), "b")]),
        ("<h1>A</h1>x<h2>B</h2>y<h2>C</h2>z<h1>D</h1>w", [
            (("A",), "x"), (("A", "B"), "y"), (("A", "C"), "z"), (("D",), "w")]),
        ("<h2>A<h3>B</h3>x", [(("A", "B"), "x")]),
        ("a &lt;b&gt; &amp; &eacute;&#x41;&nbsp;c", [((), "a <b> & éA c")]),
        ("a<script>if (x < y) alert('<p>')</script>b", [((), "ab")]),
        ("a<style>p { color: red }</style>b", [((), "ab")]),
        ("a<SCRIPT src=x></SCRIPT>b", [((), "ab")]),
        ("a<!-- <p>secret</p> -->b", [((), "ab")]),
        ("a<svg><text>drawn</text></svg>b<template>t</template>c", [((), "abc")]),
        ("a<script/>b</script>c", [((), "abc")]),
        ("<a href='javascript:x'>link</a> <img alt='no' src=x>", [((), "link")]),
        ("one<br>two", [((), "one\ntwo")]),
        ("<ul><li>a<li>b</ul>c", [((), "- a\n- b"), ((), "c")]),
        ("<pre>a\n  b</pre>", [((), "a\n  b")]),
        ("<table><tr><th>F<th>M<tr><td>src_ip<td>the <b>client</b></table>", [((), "F | M\nsrc_ip | the client")]),
        ("<table><tr><td>a<table><tr><td>b</table>c</table>d", [((), "a b c"), ((), "d")]),
        ("<td>a</td>", [((), "a")]),
        ("</p></div></table>a", [((), "a")]),
        ("a\u200b\u202eb\x07c", [((), "abc")]),
    ],
)  # fmt: skip
def test_html(text: str, blocks: list[tuple[tuple[str, ...], str]]) -> None:
    found = told(read_html(text))
    assert [(headings, " ".join(text.split(" "))) for headings, text in found] == blocks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("# A\n\nx\n\n## B\n\ny", [(("A",), "x"), (("A", "B"), "y")]),
        ("A\n=\n\nx", [(("A",), "x")]),
        ("a *b* **c** `d_e` [f](http://x) ![g](y)", [((), "a b c d_e f g")]),
        ("one\ntwo", [((), "one two")]),
        ("- a\n- b\n  - c\n\nd", [((), "- a\n- b\n  - c"), ((), "d")]),
        ("| F | M |\n|---|---|\n| `src_ip` | a \\| b |", [((), "F | M\nsrc_ip | a | b")]),
        ("```\nx = 1\n  y\n```", [((), "x = 1\n  y")]),
        ("<div>a<script>b</script></div>", [((), "a")]),
        ("a <b>c</b> d", [((), "a c d")]),
        ("---\ntitle: t\n---\n\n# A\n\nx", [(("A",), "x")]),
        ("&lt;x&gt; &copy;", [((), "<x> ©")]),
        ("> quoted", [((), "quoted")]),
    ],
)
def test_markdown(text: str, blocks: list[tuple[tuple[str, ...], str]]) -> None:
    assert told(read_markdown(text)) == blocks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("a\nb\n\nc\r\n\r\nd", [((), "a b"), ((), "c"), ((), "d")]),
        ("Title\n=====\n\nx\n\nPart\n----\ny", [(("Title",), "x"), (("Title", "Part"), "y")]),
        ("a\n\n\n\nb", [((), "a"), ((), "b")]),
    ],
)
def test_plain(text: str, blocks: list[tuple[tuple[str, ...], str]]) -> None:
    assert [(headings, text.replace("\n", " ")) for headings, text in told(read_plain(text))] == blocks


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("é".encode(), "é"),
        (b"\xef\xbb\xbfa", "a"),
        ("é".encode("utf-16"), "é"),
        (b"\xfe\xff\x00a", "a"),
        (b"\xe9\x80", "é€"),
        (b"a\0b", None),
        (b"\x81", None),
        (b"\xff\xfea", None),
        (b"\x1b[0m", "\x1b[0m"),
    ],
)
def test_text_is_decoded_or_is_none(content: bytes, text: str | None) -> None:
    assert decoded(content) == text


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b" \n<!-- a --> <?xml version='1.0'?>\n<!DOCTYPE html>", DocumentType.HTML),
        (b"<!-- a --><!-- b --><h1>c", DocumentType.HTML),
        (b"<!-- <html> -->", DocumentType.PLAIN),
        (b"<!---->" * 24 + b"x", DocumentType.PLAIN),
        (b"<?xml ?>" * 24 + b"x", DocumentType.PLAIN),
    ],
)
def test_how_html_begins_is_seen_at_once(head: bytes, found: DocumentType) -> None:
    started = time.process_time()
    assert document_type(head, None, None) is found
    assert time.process_time() - started < 1, "the loop that answers everybody waits for this"


def test_a_block_knows_how_it_may_be_divided() -> None:
    document = read_markdown("x\n\n- a\n\n| a |\n|---|\n| b |\n")
    assert [block.kind for block in document.blocks] == [TEXT, LINES, TABLE]
    assert document.blocks[0] == Block((), "x", TEXT)


@given(st.text(alphabet=st.sampled_from("<>/ab\"'=&;!-[]tdrhp1 \n|#*`_()~.\\"), max_size=200))
def test_any_text_is_read_or_has_no_text(text: str) -> None:
    for read in (read_html, read_markdown, read_plain):
        try:
            document = read(text)
        except UnreadableError:
            continue
        assert all(block.text.strip() and "\0" not in block.text for block in document.blocks)
