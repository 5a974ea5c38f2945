"""A JSON row is the same row whichever way it is read: in a block, by itself, in an array, field by field."""

import json
import os
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingestion.decoding.arrays import array_chunks
from app.ingestion.decoding.json_rows import JsonRows
from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.rows.row_model import ChangePolicy, RowModel
from tests.ingestion.bodies import column, plan_of, read

AT = "2026-01-01T00:00:00Z"
EXAMPLES = int(os.environ.get("SPYNE_TEST_JSON_WAYS", "100"))

PLAN = plan_of(
    column("s", "text"),
    column("v", "varchar(3)", pattern="^[a-c]*$"),
    column("i", "integer", minimum=0, maximum=50),
    column("q", "smallint", one_of=(1, 2)),
    column("n", "numeric(6,2)"),
    column("m", "numeric"),
    column("f", "double precision"),
    column("r", "real"),
    column("b", "boolean"),
    column("d", "date"),
    column("t", "time"),
    column("ts", "timestamp"),
    column("tz", "timestamptz"),
    column("u", "uuid"),
    column("j", "jsonb"),
    column("x", "bytea"),
    column("e", "text", one_of=("a", "é")),
    key=("id", "n"),
)

LITERALS = [
    "1", "1.0", "1e2", "-0", "0.005", "1.005", "1.5", "1.1234567", "0.1234565", "99999.99", "9999.995",
    "12345678901234567890",     "1e400", "1e-400", "1e308", "3.5e38",
    "null", "true", "NaN", "{}", "[]", '{"a":1,"a":2}', '{"s":1}', '[1,{"id":2}]',
    '""', '"1"', '"1.50"', '"1_0"', '" 1"', '"\uff11"', '"NaN"', '"Infinity"', '"a"', '"é"', '"a\\u0041"', '"\\u0000"',
    '"\\ud800"', '"\\ud83d\\ude00"', '"a,b\\"c"', '"],{"', '"\\\\"', '"x\\ny"', '"AAEC"',
    '"01890a5d-ac96-774b-bcce-b302099a8057"', '"2026-01-01"', '"2026-01-01T00:00:00"', '"2026-01-01T00:00:00Z"',
    '"2026-01-01T00:00:00.1234567Z"', '"2026-01-01T00:00:00.1234565"', '"9999-12-31T23:59:59.9999999Z"',
    '"0001-01-01T00:00:00+05:00"', '"2026-01-01T00:00:00+23:00"', '"10:00:00"', '"23:59:59.9999999"',
]  # fmt: skip
"""What is read in one way only by some decoders, and what looks like something else."""

names = st.sampled_from([*(name for name in PLAN.payload), "got", "zz", "S", 'a"b'])
rows = st.lists(st.tuples(names, st.sampled_from(LITERALS)), max_size=5)


def text_of(fields: list[tuple[str, str]], gap: str) -> str:
    sound = [("id", "1"), ("at", f'"{AT}"'), ("n", "1.5")]
    written = (f"{json.dumps(name)}{gap}:{gap}{value}" for name, value in [*sound, *fields])
    return "{" + f"{gap},{gap}".join(written) + "}"


@settings(max_examples=EXAMPLES)
@given(st.lists(rows, min_size=1, max_size=4), st.sampled_from(["", " "]), st.sampled_from(ChangePolicy))
async def test_a_row_is_the_same_whichever_way_it_is_read(
    sent: list[list[tuple[str, str]]], gap: str, unknown: ChangePolicy
) -> None:
    texts = [text_of(fields, gap) for fields in sent]
    payload, refused, accepted = await read(ndjson_chunks, "\n".join(texts).encode(), PLAN, unknown=unknown)
    each = JsonRows(RowModel(PLAN, unknown)).each(enumerate((text.encode() for text in texts), 1))
    assert (each.payload, list(each.rejected), each.accepted) == (payload, refused, accepted)
    array = await read(array_chunks, f"[{','.join(texts)}]".encode(), PLAN, unknown=unknown)
    assert array == (payload, refused, accepted)
    alone = [await read(ndjson_chunks, text.encode(), PLAN, unknown=unknown) for text in texts]
    assert [found for _, found, _ in alone if found] == [[replace(row, line=1)] for row in refused]
