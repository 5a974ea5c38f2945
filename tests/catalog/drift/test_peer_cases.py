"""Other tools' verdicts on changes of schemas, beside ours: Avro's schema resolution, and an older datacontract-cli.

Each verdict is held against ours for readers, on the step from `old` to `new`. Avro's mode BACKWARD asks whether a
program with the new schema reads data of the old one; ours asks whether a query on the old columns still means the same
on the new ones. So the two must differ where something goes away. Every disagreement has a row in `EXPLAINED`.

The folder with `drift/cases.jsonl` is named by SPYNE_DEVELOPMENT_DATA; without it, the few cases in this file run.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.catalog.drift.change import Change, worst
from app.catalog.drift.classify import classify
from app.catalog.drift.renames import Rename
from app.catalog.drift.schema import SchemaField, TableSchema

AVRO, CLI = "avro", "datacontract-cli"

EXPLAINED: Mapping[tuple[str, str, str], str] = {
    (AVRO, "COMPATIBLE", "column-removed"): "Avro's new reader never asks for it; a query that names it fails.",
    (AVRO, "COMPATIBLE", "widened-inexactly"): "Avro lets integers become floats; not every one survives that.",
    (AVRO, "COMPATIBLE", "other-family"): "Avro's text and bytes are one on the wire; in SQL they share no function.",
    (AVRO, "COMPATIBLE", "enum-labels-added"): "The new reader knows all labels; an old query lists fewer.",
    (AVRO, "COMPATIBLE", "enum-labels-removed"): "Avro reads the enum's own default instead; PostgreSQL has no such.",
    (CLI, "BREAKING", "sensitivity-lowered"): "No query fails; whether the data may be shown is for its owner.",
    (CLI, "BREAKING", "sensitivity-changed"): "No query fails; whether the data may be shown is for its owner.",
    (CLI, "BREAKING", "check-loosened"): "Every old value stays; other values may come, which deserves a look.",
    (CLI, "COMPATIBLE", "check-loosened"): "Values that no query has seen may come, as with every loosened check.",
    (CLI, "BREAKING", "check-tightened"): "No query fails on fewer values; it is the writers' rows that break.",
    (CLI, "BREAKING", "check-changed"): "No query fails by it; values of both kinds are seen; writers' rows break.",
    (CLI, "BREAKING", "made-required"): "A query on a column without nulls still runs: a warning by our policy.",
}
"""By tool, its verdict, and our rule that decides otherwise: why."""

OWN: list[tuple[str, str, list[dict[str, Any]], list[dict[str, Any]], str]] = [
    (AVRO, "COMPATIBLE", [{"name": "n", "type": "integer"}], [{"name": "n", "type": "bigint"}], "COMPATIBLE"),
    (AVRO, "BREAKING", [{"name": "n", "type": "bigint"}], [{"name": "n", "type": "integer"}], "BREAKING"),
    (AVRO, "BREAKING", [{"name": "n", "type": "integer"}], [{"name": "n", "type": "text"}], "BREAKING"),
    (AVRO, "COMPATIBLE", [{"name": "n", "type": "bigint"}], [{"name": "n", "type": "real"}], "WARNING"),
    (AVRO, "COMPATIBLE", [{"name": "n", "type": "text"}, {"name": "m"}], [{"name": "n", "type": "text"}], "BREAKING"),
    (AVRO, "BREAKING", [{"name": "e", "type": "enum(X,Y)"}], [{"name": "e", "type": "enum(X)"}], "BREAKING"),
    (CLI, "WARNING", [{"name": "t", "type": "string"}], [{"name": "t", "type": "string", "pii": True}], "WARNING"),
    (CLI, "COMPATIBLE", [], [{"name": "t", "type": "string"}], "COMPATIBLE"),
    (CLI, "BREAKING", [{"name": "t", "type": "string"}], [], "BREAKING"),
    (CLI, "BREAKING", [{"name": "t", "unique": False}], [{"name": "t", "unique": True}], "WARNING"),
    (CLI, "WARNING", [{"name": "t", "primaryKey": False}], [{"name": "t", "primaryKey": True}], "WARNING"),
    (CLI, "COMPATIBLE", [{"name": "t", "description": "a"}], [{"name": "t", "description": "b"}], "COMPATIBLE"),
]  # fmt: skip
"""Tool, what it would say, old and new columns, and what we say: cases of the same kinds, which always run."""


def field_of(document: dict[str, Any]) -> SchemaField:
    facts = dict(document)
    required = facts.pop("required", False)
    return SchemaField(
        name=facts.pop("name"),
        type=facts.pop("type", None),
        nullable=facts.pop("nullable", not required),
        default=facts.pop("default", None),
        facts={name: value for name, value in facts.items() if name != "aliases"},
    )


def compared(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> tuple[Change, ...]:
    """The changes; an alias is how Avro says that a field was renamed."""
    renames = [Rename(alias, each["name"], None) for each in new for alias in each.get("aliases", ())]
    return classify(TableSchema(tuple(map(field_of, old))), TableSchema(tuple(map(field_of, new))), renames=renames)


def explanation(peer: str, expected: str, changes: tuple[Change, ...]) -> tuple[str, str, str] | None:
    """The row that explains why our verdict is another one; None when there is none."""
    ours = worst(change.readers for change in changes)
    deciding = [change.rule for change in changes if change.readers is ours]
    return next((key for rule in deciding if (key := (peer, expected, rule)) in EXPLAINED), None)


@pytest.mark.parametrize(("peer", "expected", "old", "new", "ours"), OWN)
def test_cases_of_our_own(
    peer: str, expected: str, old: list[dict[str, Any]], new: list[dict[str, Any]], ours: str
) -> None:
    changes = compared(old, new)
    assert worst(change.readers for change in changes) == ours
    assert ours == expected or explanation(peer, expected, changes)


def cases() -> Iterator[dict[str, Any]]:
    folder = os.environ.get("SPYNE_DEVELOPMENT_DATA")
    path = Path(folder, "drift", "cases.jsonl") if folder else None
    if path is None or not path.exists():
        pytest.skip("SPYNE_DEVELOPMENT_DATA names no folder with drift/cases.jsonl, the verdicts of other tools")
    yield from map(json.loads, path.read_text().splitlines())


def test_every_disagreement_with_other_tools_is_explained() -> None:
    agreed, explained, unexplained = 0, Counter[tuple[str, str, str]](), []
    for case in cases():
        changes = compared(case["old"], case["new"])
        if worst(change.readers for change in changes) == case["expected"]:
            agreed += 1
        elif (reason := explanation(case["peer"], case["expected"], changes)) is not None:
            explained[reason] += 1
        else:
            unexplained.append((case["id"], case["expected"], [change.rule for change in changes]))
    assert unexplained == []
    assert set(EXPLAINED) - set(explained) == set(), "explains no case"
    assert (agreed, explained.total()) == (77, 32)
