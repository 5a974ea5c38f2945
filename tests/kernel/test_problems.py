"""Where a fault is: a JSON pointer into the document that was sent, whatever pydantic puts between its steps."""

from typing import Any

import pytest

from app.kernel.problems import pointer_within

CORRECTION = {"corrections": [{"kind": "words", "words": "hm"}, {"kind": "table", "term": "a"}]}


@pytest.mark.parametrize(
    ("location", "document", "pointer"),
    [
        ((), {}, ""),
        (("a",), {}, "/a"),
        (("a", "b"), {"a": {}}, "/a/b"),
        (("a/b", "~c"), {"a/b": {"~c": 1}}, "/a~1b/~0c"),
        (("corrections", 0, "words", "words"), CORRECTION, "/corrections/0/words"),
        (("corrections", 1, "table", "table"), CORRECTION, "/corrections/1/table"),
        (("corrections", 1, "table", "term"), CORRECTION, "/corrections/1/term"),
        (("corrections", 2, "table", "term"), CORRECTION, "/corrections/2/table/term"),
        (("checks", 0, "min", "value"), {"checks": [{"type": "min"}]}, "/checks/0/value"),
        (("checks", 0, "min", "value", 1), {"checks": [{"type": "min", "value": [1]}]}, "/checks/0/value/1"),
        (("a", "b"), "no object", "/a/b"),
        (("a", 0), None, "/a/0"),
    ],
)
def test_the_tags_of_unions_are_no_steps(location: tuple[int | str, ...], document: Any, pointer: str) -> None:
    assert pointer_within(location, document) == pointer
