"""A file whose columns are not the contract's is refused once, with what came, what is expected and the likely slip."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from app.ingestion.decoding.headers import is_row_index
from app.ingestion.decoding.parquet import parquet_chunks
from app.ingestion.decoding.problems import HeaderMismatch, MalformedBody
from app.ingestion.decoding.tables import csv_chunks
from app.ingestion.rows.row_model import ChangePolicy, RowModel
from app.warehouse.plan import Column
from app.warehouse.types import parse_type
from tests.ingestion.bodies import Reader, column, pieces, plan_of, read
from tests.ingestion.files import parquet_file

AT = "2026-01-01T00:00:00Z"
PLAN = plan_of(column("name", "text"), column("n", "integer", nullable=False))


def as_csv(names: list[str]) -> bytes:
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    return f"{quoted}\n{','.join('1' for _ in names)}\n".encode()


def as_parquet(names: list[str]) -> bytes:
    return parquet_file(pa.table([pa.array([1])] * len(names), names=names))


FORMATS = [(csv_chunks, as_csv), (parquet_chunks, as_parquet)]

MISMATCHES = [
    (["ID", "At", "N"], ["id", "at", "n"], '"ID" seems to be meant for id'),
    (["customerId", "event_at", "n"], ["id", "at"], 'the contract has "id", "at", "name", "n", and needs "id", "at"'),
    (["id;at;n"], ["id", "at", "n"], "separated by semicolons"),
    (["id\tat\tname\tn"], ["id", "at", "n"], "separated by tabs"),
    (["ID|AT|N"], ["id", "at", "n"], "separated by vertical bars"),
    (["a", "b"], ["id", "at", "n"], 'The file has "a", "b"'),
    (["id", "at"], ["n"], "There is no column n."),
    (["id", "n", "name"], ["at"], ""),
    ([f"column_{number}" for number in range(50)], ["id", "at", "n"], "and 30 more"),
    (["x" * 100_000, "id"], ["at", "n"], "x…"),
]


@pytest.mark.parametrize(("reader", "file"), FORMATS)
@pytest.mark.parametrize(("names", "needed", "said"), MISMATCHES)
@pytest.mark.parametrize("unknown", list(ChangePolicy))
async def test_a_file_without_a_needed_column_is_refused_as_a_whole(
    reader: Reader,
    file: Callable[[list[str]], bytes],
    names: list[str],
    needed: list[str],
    said: str,
    unknown: ChangePolicy,
) -> None:
    with pytest.raises(HeaderMismatch) as refusal:
        await read(reader, file(names), PLAN, unknown=unknown)
    found = refusal.value
    assert [fault.pointer for fault in found.faults] == [f"/{name}" for name in needed]
    assert said in f"{found.detail} {' '.join(fault.message for fault in found.faults)}"
    assert found.fields["expected_columns"] == ["id", "at", "name", "n"]
    assert len(found.fields["received_columns"]) <= 20
    assert len(found.detail or "") < 3000


@pytest.mark.parametrize(("reader", "file"), FORMATS)
async def test_the_index_of_a_data_frame_is_left_out_and_said(
    reader: Reader, file: Callable[[list[str]], bytes]
) -> None:
    plan = plan_of()
    for index in ("__index_level_0__", "__index_level_12__", "Unnamed: 0", "Unnamed: 0.1", ""):
        body = file([index, "id"])
        with pytest.raises(HeaderMismatch):
            await read(reader, body, plan)
        notices: list[str] = []
        at = pa.array(["2026-01-01T00:00:00Z"])
        whole = (
            f'"{index}",id,at\n7,1,{AT}\n'.encode()
            if reader is csv_chunks
            else parquet_file(pa.table([pa.array([7]), pa.array([1]), at], names=[index, "id", "at"]))
        )
        accepted = 0
        async for chunk in reader(pieces(whole), RowModel(plan)):
            accepted += chunk.accepted
            notices += chunk.notices
            assert chunk.rejected == ()
        assert accepted == 1
        assert notices == [f'The column "{index}" is not read: it is the row index of a data frame.']


async def test_a_column_of_the_contract_is_read_whatever_it_is_called() -> None:
    plan = plan_of(column("Unnamed: 0", "integer"))
    payload, refused, _ = await read(csv_chunks, f"Unnamed: 0,id,at\n7,1,{AT}\n".encode(), plan)
    assert refused == []
    assert payload.rstrip().endswith(b"7")


@pytest.mark.parametrize(
    ("name", "place", "is_index"),
    [("", 0, True), ("", 1, False), ("__index_level_0__", 5, True), ("Unnamed: 0", 3, True), ("Unnamed: 1", 0, False),
     ("index", 0, False), ("__index_level__", 0, False), ("unnamed: 0", 0, False)],
)  # fmt: skip
def test_what_is_an_index(name: str, place: int, is_index: bool) -> None:
    assert is_row_index(name, place) is is_index


async def test_a_column_may_be_read_from_another_header() -> None:
    plan = plan_of(Column("amount", parse_type("integer"), source="/order/total"), Column("n", parse_type("integer")))
    body = f"id,at,/order/total,n\n1,{AT},5,6\n".encode()
    payload, refused, _ = await read(csv_chunks, body, plan)
    assert (payload, refused) == (f'2,1,"{AT}",5,6\n'.encode(), [])
    _, refused, _ = await read(csv_chunks, f"id,at,amount\n1,{AT},5\n".encode(), plan)
    assert [(row.code, row.column) for row in refused] == [("unknown-column", "amount")]


@pytest.mark.parametrize(("reader", "file"), FORMATS)
async def test_a_name_that_stands_there_twice_is_refused(reader: Reader, file: Callable[[list[str]], bytes]) -> None:
    with pytest.raises(MalformedBody, match='names a column twice: "n"'):
        await read(reader, file(["id", "n", "at", "n"]), PLAN)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("id,at\n1,x\n".encode("utf-16"), "it seems to be UTF-16"),
        (b"caf\xe9,id,at\n", "the header is not UTF-8"),
        (b'id,"at"x\n', "the header cannot be read: field 2 goes on"),
        (b"id,at\r1,x\r", "carriage return"),
        (b"\n\n", "no header row"),
        (b"", "no header row"),
        (b",".join([b"c"] * 3000), "more than"),
    ],
)
async def test_a_header_that_cannot_be_read_says_why(body: bytes, said: str) -> None:
    with pytest.raises(MalformedBody, match=said):
        await read(csv_chunks, body, PLAN)
