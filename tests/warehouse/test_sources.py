"""Where records carry a value: names of fields, JSON Pointers, and which of them lead to one place."""

import contextlib
import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.warehouse.naming import RelationName
from app.warehouse.plan import Column, Mode, PlanError, RelationPlan, Resolution
from app.warehouse.sources import (
    MAX_SOURCE_DEPTH,
    MAX_SOURCE_LENGTH,
    FieldPath,
    InvalidSourceError,
    clashes,
    source_path,
    written_source,
)
from app.warehouse.types import ColumnType, TypeKind


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("customerId", ("customerId",)),
        ("/customerId", ("customerId",)),
        ("/customer/id", ("customer", "id")),
        ("Größe (cm)", ("Größe (cm)",)),
        ("a/b", ("a/b",)),
        ("a~b", ("a~b",)),
        ("/a~1b/c~0d", ("a/b", "c~d")),
        ("/~01", ("~1",)),
        ("/~1id", ("/id",)),
        ("/items/0", ("items", "0")),
        ("customer.id", ("customer.id",)),
        ("/" + "/".join("abcdefgh"), tuple("abcdefgh")),
        ("x" * MAX_SOURCE_LENGTH, ("x" * MAX_SOURCE_LENGTH,)),
    ],
)
def test_what_a_source_names(source: str, path: FieldPath) -> None:
    assert source_path(source) == path
    assert source_path(written_source(path)) == path


@pytest.mark.parametrize(
    "source",
    [
        "",
        "/",
        "//a",
        "/a/",
        " id",
        "id\t",
        "/a/ b",
        "a\nb",
        "a\x00b",
        "\ud800",
        "\u200bid",
        'a"b',
        "/a/b\\c",
        "/a~2",
        "/a~",
        "/~",
        "x" * (MAX_SOURCE_LENGTH + 1),
        "/a" * (MAX_SOURCE_DEPTH + 1),
    ],
)
def test_sources_that_name_no_place(source: str) -> None:
    with pytest.raises(InvalidSourceError):
        source_path(source)


NAMES = st.text(st.sampled_from("ab/~01 ."), min_size=1, max_size=3).filter(lambda name: name == name.strip())
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)


@given(PATHS)
def test_every_path_can_be_written(path: FieldPath) -> None:
    assert source_path(written_source(path)) == path


def _reads_of(document: Any, path: FieldPath) -> Any:
    for name in path:
        document = document[name]
    return document


@given(st.lists(st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map(tuple), max_size=6))
def test_paths_clash_when_one_begins_with_another(paths: list[FieldPath]) -> None:
    begins = {
        frozenset((one, other))
        for one, other in itertools.permutations(range(len(paths)), 2)
        if paths[other][: len(paths[one])] == paths[one]
    }
    found = {frozenset(pair) for pair in clashes(paths)}
    assert found <= begins
    assert bool(found) == bool(begins)
    assert {max(pair, key=lambda at: (paths[at], at)) for pair in begins} == {inner for _, inner in clashes(paths)}
    if not found:
        # Then one document can carry another value for each of them.
        document: dict[str, Any] = {}
        for number, path in enumerate(paths):
            inner = document
            for name in path[:-1]:
                inner = inner.setdefault(name, {})
            inner[path[-1]] = number
        assert [_reads_of(json.loads(json.dumps(document)), path) for path in paths] == list(range(len(paths)))


@given(st.lists(PATHS, max_size=6))
def test_every_path_has_a_header_of_its_own(paths: list[FieldPath]) -> None:
    kind = ColumnType(TypeKind.TEXT)
    headers = {Column("x", kind, source=written_source(path)).header for path in paths}
    assert len(headers) == len(set(paths))


@pytest.mark.parametrize(
    ("source", "header"),
    [
        (None, "x"),
        ("customerId", "customerId"),
        ("/~1id", "/~1id"),
        ("/customer/id", "/customer/id"),
        ("/customerId", "customerId"),
    ],
)
def test_the_header_of_a_column(source: str | None, header: str) -> None:
    assert Column("x", ColumnType(TypeKind.TEXT), source=source).header == header


@pytest.mark.parametrize(
    ("sources", "sound"),
    [
        ({}, True),
        ({"id": "at", "at": "id"}, True),
        ({"id": "customerId", "at": "/meta/at"}, True),
        ({"id": "at"}, False),
        ({"id": "/at/day"}, False),
        ({"got": "receivedAt"}, False),
        ({"id": "got"}, False),
    ],
)
def test_a_plan_reads_every_value_once(sources: dict[str, str], sound: bool) -> None:
    kinds = {"id": TypeKind.BIGINT, "at": TypeKind.TIMESTAMPTZ, "got": TypeKind.TIMESTAMPTZ}
    columns = tuple(Column(name, ColumnType(kind), source=sources.get(name)) for name, kind in kinds.items())
    with contextlib.nullcontext() if sound else pytest.raises(PlanError):
        RelationPlan(
            relation=RelationName("data", "things__v1"),
            columns=columns,
            key=("id",),
            event_time="at",
            processing_time="got",
            mode=Mode.UPSERT,
            resolution=Resolution.LATEST_WINS,
            dedupe_window=timedelta(hours=1),
        )
