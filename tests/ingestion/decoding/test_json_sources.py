"""A column is read where its source says: another field's name, or a place in nested objects; as a block and by row."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingestion.decoding.arrays import array_chunks
from app.ingestion.decoding.json_rows import JsonRows
from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.rows.row_model import ChangePolicy, RowModel
from app.warehouse.naming import governed_relation
from app.warehouse.plan import Column, Mode, RelationPlan, Resolution
from app.warehouse.types import parse_type
from tests.ingestion.bodies import column, plan_of, read

AT = "2026-01-01T00:00:00Z"


def sourced(name: str, type_text: str, source: str | None = None, *, nullable: bool = True) -> Column:
    return Column(name, parse_type(type_text), nullable, source=source)


def plan_from(*columns: Column) -> RelationPlan:
    """The first column is the key, the second the event time."""
    base = plan_of()
    times = (columns[1].name, base.processing_time)
    return RelationPlan(
        governed_relation("things", 1),
        (*columns, base.column("got")),
        (columns[0].name,),
        *times,
        Mode.UPSERT,
        Resolution.LATEST_WINS,
        base.dedupe_window,
    )


PLAN = plan_from(
    sourced("customer_id", "bigint", "/customer/id"),
    sourced("at", "timestamptz", "occurredAt"),
    sourced("amount", "numeric(6,2)", "/order/total"),
    sourced("street", "text", "/customer/address/street"),
    sourced("tags", "jsonb", "/meta/tags"),
    sourced("name", "text"),
)
FLAT = plan_from(
    sourced("customer_id", "bigint"),
    sourced("at", "timestamptz"),
    sourced("amount", "numeric(6,2)"),
    sourced("street", "text"),
    sourced("tags", "jsonb"),
    sourced("name", "text"),
)


def flat_of(row: dict[str, Any]) -> dict[str, Any]:
    """The row as a contract without sources would be sent it."""
    customer, order, meta = row.get("customer") or {}, row.get("order") or {}, row.get("meta") or {}
    found = {
        "customer_id": customer.get("id"),
        "at": row.get("occurredAt"),
        "amount": order.get("total"),
        "street": (customer.get("address") or {}).get("street"),
        "tags": meta.get("tags"),
        "name": row.get("name"),
    }
    return {name: value for name, value in found.items() if value is not None}


ids = st.integers(1, 9)
texts = st.sampled_from(["", "x", 'a "quoted", text', "{", "é", "null", '":'])
rows = st.fixed_dictionaries(
    {
        "customer": st.fixed_dictionaries(
            {"id": ids},
            optional={"address": st.none() | st.fixed_dictionaries({}, optional={"street": st.none() | texts})},
        ),
        "occurredAt": st.just(AT),
    },
    optional={
        "order": st.none()
        | st.fixed_dictionaries({}, optional={"total": st.sampled_from([1.5, "1.50", None, 2, "1_0", 1.005])}),
        "meta": st.none()
        | st.fixed_dictionaries({}, optional={"tags": st.lists(texts, max_size=2) | st.dictionaries(texts, ids)}),
        "name": st.none() | texts,
        "got": st.just("whatever"),
    },
)


@given(st.lists(rows, min_size=1, max_size=6), st.booleans())
async def test_nested_rows_are_those_that_would_stand_flat(sent: list[dict[str, Any]], compact: bool) -> None:
    separators = (",", ":") if compact else (", ", ": ")
    nested = [json.dumps(row, separators=separators, ensure_ascii=compact) for row in sent]
    flat = [json.dumps(flat_of(row), separators=separators, ensure_ascii=compact) for row in sent]
    payload, refused, accepted = await read(ndjson_chunks, "\n".join(nested).encode(), PLAN)
    flat_payload, flat_refused, flat_accepted = await read(ndjson_chunks, "\n".join(flat).encode(), FLAT)
    assert (payload, accepted) == (flat_payload, flat_accepted)
    assert [(row.line, row.faults) for row in refused] == [(row.line, row.faults) for row in flat_refused]
    array = await read(array_chunks, f"[{','.join(nested)}]".encode(), PLAN)
    assert array == (payload, refused, accepted)
    single = JsonRows(RowModel(PLAN)).each(enumerate((text.encode() for text in nested), 1))
    assert (single.payload, list(single.rejected)) == (payload, refused)


TWO_FAULTS = [("missing-key", "customer_id"), ("wrong-type", "at")]
BAD = [
    ('"occurredAt": "AT"', [("missing-key", "customer_id")]),
    ('"customer": null, "occurredAt": "AT"', [("missing-key", "customer_id")]),
    ('"customer": {}, "occurredAt": "AT"', [("missing-key", "customer_id")]),
    ('"customer": {"id": null}, "occurredAt": "AT"', [("missing-key", "customer_id")]),
    ('"customer": 5, "occurredAt": "AT"', [("wrong-type", "customer"), ("missing-key", "customer_id")]),
    ('"customer": [{"id": 1}], "occurredAt": "AT"', [("wrong-type", "customer"), ("missing-key", "customer_id")]),
    ('"customer": {"id": "x"}, "occurredAt": 5', [("wrong-type", "customer_id"), ("wrong-type", "at")]),
    ('"customer": {"id": 1, "id": 2}, "occurredAt": "AT"', [("duplicate-field", "id")]),
    ('"customer": {"id": 1}, "customer": {"id": 2}, "occurredAt": "AT"', [("duplicate-field", "customer")]),
    ('"customer": {}, "customer": {}, "occurredAt": 5', [("duplicate-field", "customer"), *TWO_FAULTS]),
    ('"customer": {"id": 1, "age": 2}, "occurredAt": "AT"', [("unknown-column", "/customer/age")]),
    ('"customer": {"id": 1, "address": {"zip": 2}}, "occurredAt": "AT"', [("unknown-column", "/customer/address/zip")]),
    ('"customer": {"id": 1}, "occurredAt": "AT", "customer_id": 2', [("unknown-column", "customer_id")]),
    ('"customer": {"id": 1}, "occurredAt": "AT", "/customer/id": 2', [("unknown-column", "/~1customer~1id")]),
    ('"customer": {"id": 1}, "at": "AT"', [("unknown-column", "at"), ("missing-key", "at")]),
    ('"customer": {"id": 1}, "occurredAt": "AT", "order": {"total": "1_0"}', [("wrong-type", "amount")]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "faults"), BAD)
@pytest.mark.parametrize("among", [0, 2])
async def test_what_is_wrong_is_said_of_the_column_or_the_place(
    fields: str, faults: list[tuple[str, str]], among: int
) -> None:
    row = f"{{{fields}}}".replace("AT", AT)
    sound = [f'{{"customer": {{"id": 7}}, "occurredAt": "{AT}"}}'] * among
    _, refused, accepted = await read(ndjson_chunks, "\n".join([*sound, row, *sound]).encode(), PLAN)
    assert accepted == 2 * among
    assert [(fault.code, fault.column) for fault in refused[0].faults] == faults


async def test_what_no_column_reads_is_discarded_in_nested_objects_too() -> None:
    row = f'{{"customer": {{"id": 1, "age": 2, "address": {{"zip": 3}}}}, "occurredAt": "{AT}", "x": {{"id": 1}}}}'
    payload, refused, accepted = await read(ndjson_chunks, row.encode(), PLAN, unknown=ChangePolicy.DISCARD_VALUE)
    assert (accepted, refused) == (1, [])
    assert payload == (await read(ndjson_chunks, f'{{"customer_id": 1, "at": "{AT}"}}'.encode(), FLAT))[0]


async def test_a_name_that_is_written_otherwise_is_read_and_its_own_is_not() -> None:
    plan = plan_of(Column("c", parse_type("text"), source="camelCase"), column("d", "text"))
    body = f'{{"id": 1, "at": "{AT}", "camelCase": "x"}}\n{{"id": 1, "at": "{AT}", "c": "x"}}'
    _, refused, accepted = await read(ndjson_chunks, body.encode(), plan)
    assert accepted == 1
    assert [(row.line, row.column, row.message) for row in refused] == [(2, "c", "the column c is read from camelCase")]


def never() -> list[tuple[int, bytes]]:
    raise AssertionError("the rows are looked at one by one")


@pytest.mark.parametrize(
    "row",
    [
        {"customer": {"id": 1}, "occurredAt": AT},
        {"customer": {"id": 1, "address": {"street": "x, y"}}, "occurredAt": AT, "order": {"total": 1.5}, "name": "x"},
        {"occurredAt": AT, "customer": {"address": {"street": ""}, "id": 1}, "meta": {"tags": {"a": [1, "b"]}}},
        {"customer": {"id": 1, "address": {"street": 'a "b"'}}, "occurredAt": AT, "order": {}, "got": 5},
    ],
)
def test_sound_rows_are_decoded_as_a_block(row: dict[str, Any]) -> None:
    rows = JsonRows(RowModel(PLAN))
    data = f"{json.dumps(row)}\n".encode() * 3
    (chunk,) = rows.chunks(rows.lines(data, 3), 1, never)
    assert (chunk.accepted, chunk.rejected) == (3, ())
