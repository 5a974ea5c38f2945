"""Damaged texts, shapes and queries: whatever a byte is turned into, there is an answer or a refusal, and nothing escapes."""

import random

import pytest

from app.workspace.specifications.orders import Order, Outcome, Task
from app.workspace.specifications.process import done
from app.workspace.specifications.values.formats import SpecificationFormat
from app.workspace.specifications.values.refusals import RefusalCode
from tests.workspace.specifications import test_queries, test_shapes
from tests.workspace.specifications.reading.test_syntaxes import TEXTS

PIECES = (
    *(
        b"<",
        b">",
        b'"',
        b"'",
        b'"""',
        b"[",
        b"]",
        b"(",
        b")",
        b"{",
        b"}",
        b".",
        b";",
        b",",
        b"\\",
        b"^^",
        b"@",
        b"_:",
        b"#",
    ),
    *(
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"\\u0000",
        b"null",
        b"true",
        b"-1e5",
        b"0",
        b":",
        b"@id",
        b"@graph",
    ),
    *(
        b"@list",
        b"@type",
        b"@value",
        b"&x;",
        b"<!--",
        b"]]>",
        b"xmlns=",
        b"rdf:li",
        b"rdf:ID",
        b"\n",
        b"\r",
        b" ",
        b"\t",
    ),
    *(
        b"SERVICE",
        b"FROM",
        b"OPTIONAL",
        b"?x",
        b"*",
        b"sh:node",
        b"sh:path",
        b"sh:in",
        b"rdf:rest",
        b"sh:property",
        b"e:S",
    ),
)
DAMAGES = 150


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The content with one to four changes: bytes taken out, doubled, exchanged, and pieces of syntax put in."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(content) + 1)
        end = min(len(content), start + chance.choice((0, 0, 1, 1, 3, 10)))
        put = chance.choice((b"", content[start:end] * 2, chance.choice(PIECES), chance.choice(PIECES)))
        content = content[:start] + put + content[end:]
    return content


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_a_damaged_text_is_read_or_refused(number: int) -> None:
    written_in, text = TEXTS[number]
    chance = random.Random(number)
    for _ in range(DAMAGES):
        content = damaged(text.encode(), chance)
        sound(Order(Task.READ, (written_in,), 0, 0), [content])


def test_damaged_shapes_are_run_or_refused() -> None:
    chance = random.Random(1)
    shapes = [test_shapes.texts("", f"e:S a sh:NodeShape ; sh:targetNode e:x ; sh:property [ sh:path e:p ; {row[1]} ] .")[1]
              for row in test_shapes.COMPONENTS]  # fmt: skip
    data = test_shapes.texts("e:x e:p 1, 'a', e:y, [ e:q 2 ] .", "")[0]
    formats = (SpecificationFormat.TURTLE, SpecificationFormat.TURTLE)
    for _ in range(DAMAGES * 4):
        content = damaged(chance.choice(shapes), chance)
        sound(Order(Task.VALIDATE, formats, 0, 0), [data, content])


def test_damaged_queries_are_answered_or_refused() -> None:
    chance = random.Random(2)
    asked = [test_queries.E + query for query, _ in test_queries.ANSWERS]
    for _ in range(DAMAGES * 2):
        query = damaged(chance.choice(asked).encode(), chance).decode("utf-8", "surrogateescape")
        sound(Order(Task.QUERY, (SpecificationFormat.TURTLE,), 0, 0, query, 2), [test_queries.DATA.encode()])


def sound(order: Order, texts: list[bytes]) -> None:
    """Whether there is an outcome, with a reason that people understand where it is a refusal."""
    try:
        found: Outcome = done(order, texts)
    except Exception as error:
        raise AssertionError(texts[-1], order.query) from error
    if found.code is not None:
        assert RefusalCode(found.code)
        assert found.message
