"""Types of nested objects: which fields were absent, counted by field while objects are decoded."""

import json
from collections import Counter
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.ingestion.rows.object_types import Leaf, ObjectType

PATHS = [("a",), ("b",), ("o", "c"), ("o", "d"), ("o", "p", "e"), ("r", "f"), ("r", "g")]
REQUIRED = {("a",), ("r", "f")}
OF = ObjectType([Leaf(path, int, path in REQUIRED) for path in PATHS], strict=True)
DECODER = msgspec.json.Decoder(list[OF.type])  # type: ignore[name-defined]  # a type made at run time

inner = st.fixed_dictionaries({}, optional={"e": st.just(1)})
nested = st.fixed_dictionaries({}, optional={"c": st.just(1), "d": st.just(1), "p": inner})
found_in_r = st.fixed_dictionaries({"f": st.just(1)}, optional={"g": st.just(1)})
objects = st.fixed_dictionaries({"a": st.just(1), "r": found_in_r}, optional={"b": st.just(1), "o": nested})


def has(value: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if name not in value:
            return False
        value = value[name]
    return True


@given(st.lists(objects, max_size=9))
def test_absent_fields_are_counted_by_field(sent: list[dict[str, Any]]) -> None:
    before = OF.marks()
    DECODER.decode(json.dumps(sent))
    after = OF.marks()
    wanted = Counter(place for place, path in enumerate(PATHS) for value in sent if not has(value, path))
    assert OF.absent(before, after) == wanted
    assert OF.left_out(before, after) == wanted.total()
