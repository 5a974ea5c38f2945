"""A user's column may bear any name: a batch settles as with plain names, and what was refused is kept whole."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import product

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.warehouse.naming import HIDDEN_PREFIX, own, quote, quote_all
from app.warehouse.plan import Column, Mode, RelationPlan, Resolution
from app.warehouse.types import parse_type
from tests.reference.verdicts import Observation, Rules, Table, settle
from tests.warehouse.relations import START, WINDOW, Relation, content_hash, plan_of

_WORDS = """
a b c d e f g h i j k l m n o p q r s t u v w x y z _ A R
old new excluded line row own place changed numbered taken repeated window k0 k1 c0 opens closes happened content origin
stored session best known touched begins span_from span_to observed cut placed whole one same winner value shown times
sample hash bytes object held at gone doomed narrow capped
select from where order group user table null true default values returning count max now text int json to_jsonb
batch_1 things data pg_temp spyne 1 1e5 a.b a.* * a;-- $1 :at %s %(a)s {0} \\ ü a"b " a'b a,b (a) [a]
"""
NAMES = (*_WORDS.split(), "x" * 63, "é" * 31, "a b", " ", "a\nb", "\N{ZERO WIDTH SPACE}")
"""Keywords, aliases and columns that generated statements have or had, one letter, 63 bytes, and what must be quoted:
an adopted relation may have each of them, and so may a contract one day."""

Fact = tuple[str, int, int | None]
CONTENTS = (None, 1, 2)
facts = st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.sampled_from(CONTENTS))
batches_of_facts = st.lists(st.lists(facts, min_size=1, max_size=8), min_size=2, max_size=3)
five_names = st.lists(st.sampled_from(NAMES), min_size=5, max_size=5, unique=True)
on_postgres = settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def named(names: Sequence[str], mode: Mode, resolution: Resolution) -> RelationPlan:
    """Key, event time, a number, a text and processing time under these names."""
    key, time, number, note, received = names
    kinds = ("text", "timestamptz", "integer", "text", "timestamptz")
    columns = tuple(Column(name, parse_type(kind)) for name, kind in zip(names, kinds, strict=True))
    assert (number, note) == tuple(names[2:4])
    plain = plan_of(mode, resolution)
    return replace(plain, columns=columns, key=(key,), event_time=time, processing_time=received)


def noted(number: int | None) -> str | None:
    return None if number is None else f"note {number}"


@pytest.mark.parametrize(("mode", "resolution"), list(product(Mode, Resolution)))
@on_postgres
@given(batches=batches_of_facts, names=five_names)
async def test_every_batch_settles_as_the_reference_says_whatever_its_columns_are_called(
    connection: asyncpg.Connection, mode: Mode, resolution: Resolution, batches: list[list[Fact]], names: list[str]
) -> None:
    hashed = {
        number: await content_hash(connection, (names[2], "integer", number), (names[3], "text", noted(number)))
        for number in CONTENTS
    }
    rules = Rules(mode, resolution, WINDOW)
    relation = await Relation(connection, named(names, mode, resolution)).make()
    key, time, number, note, _ = names
    table: Table = ()
    for seq, batch in enumerate(batches, 1):
        moments = [START + timedelta(hours=hour) for _, hour, _ in batch]
        sent = [(k, at, v, noted(v)) for (k, _, v), at in zip(batch, moments, strict=True)]
        relation.refused.clear()
        result = await relation.put(sent)
        seen = [Observation((k,), at, hashed[v]) for (k, _, v), at in zip(batch, moments, strict=True)]
        table, verdicts = settle(table, seen, seq, rules)
        counts = asdict(result.counts)
        assert counts == dict.fromkeys(counts, 0) | {verdict.value: rows for verdict, rows in verdicts.items()}
        assert len(relation.refused) == result.counts.conflict
        for refusal in relation.refused:
            kept = json.loads(refusal.raw)
            assert {kept[key], kept[number], kept[note]} == {sent[refusal.line - 1][at] for at in (0, 2, 3)}
            assert set(kept) == {key, time, number, note}
    found = await connection.fetch(f"SELECT {quote_all((key, time))}, _spyne_hash FROM {relation.plan.relation.sql}")
    assert {tuple(row) for row in found} == {(*s.row.key, s.row.time, s.row.content) for s in table}
    assert len(found) == len(table)


@pytest.mark.parametrize("name", NAMES)
async def test_each_name_serves_each_purpose(connection: asyncpg.Connection, name: str) -> None:
    for place in range(5):
        names = ["k", "at", "v", "note", "got"]
        names[place] = name
        if len(set(names)) < len(names):
            continue
        relation = await Relation(connection, named(names, Mode.UPSERT, Resolution.REJECT)).make()
        result = await relation.put([("a", START, 1, "old"), ("a", START, 2, None)])
        assert (result.counts.inserted, result.counts.conflict) == (1, 1)
        kept = json.loads(relation.refused[0].raw)
        assert [kept[each] for each in (names[0], *names[2:4])] == ["a", 2, None]


def test_no_column_can_bear_a_name_of_ours() -> None:
    assert all(quote(own(word)).strip('"') == HIDDEN_PREFIX + word for word in ("s", "t", "changed"))
    with pytest.raises(ValueError, match="reserved prefix"):
        named(["k", "at", own("s"), "note", "got"], Mode.UPSERT, Resolution.REJECT)
