"""JSON rows: the same as a block and one by one, every fault of each, and whatever the bytes, never an error."""

import contextlib
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingestion.decoding.arrays import array_chunks
from app.ingestion.decoding.json_fields import names_of, repeated
from app.ingestion.decoding.json_rows import LONG_BYTES, MAX_ROW_BYTES, JsonRows
from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.decoding.problems import MalformedBody
from app.ingestion.rows.row_model import MAX_FIELDS, ChangePolicy, RowModel
from app.warehouse.rejections import MAX_FAULTS, MAX_RAW_CHARACTERS
from tests.ingestion.bodies import Reader, column, plan_of, read

AT = "2026-01-01T00:00:00Z"
PLAN = plan_of(
    column("name", "varchar(5)", pattern="^[a-z]*$"),
    column("n", "integer", minimum=1, maximum=9),
    column("amount", "numeric(6,2)", nullable=False),
    column("kind", "text", one_of=("a", "b")),
    column("doc", "jsonb"),
    column("got_it", "boolean"),
)

SOUND = f'"id": 1, "at": "{AT}", "amount": 1.5'
OFFSET = '"2026-01-02T10:00:00+02:00"'

FAULTS: list[tuple[str, list[tuple[str, str | None, str]]]] = [
    (
        '{"id": "x", "at": "2026-01-01T00:00:00", "amount": "1,5"}',
        [
            ("wrong-type", "id", 'id: "x" is not a whole number, for example 42'),
            (
                "wrong-type",
                "at",
                f'at: "2026-01-01T00:00:00" is not a date and time with an offset, for example {OFFSET}',
            ),
            ("wrong-type", "amount", 'amount: "1,5" is not a number, for example 12.5'),
        ],
    ),
    (
        '{"name": null, "at": null}',
        [
            ("missing-key", "id", "id is missing; it is a whole number, for example 42"),
            ("missing-key", "at", f"at is null; it is a date and time with an offset, for example {OFFSET}"),
            ("not-null", "amount", "amount is missing; it is a number, for example 12.5"),
        ],
    ),
    (
        f'{{{SOUND}, "ID": 2, "Got-It": true, "zzz": 3}}',
        [
            ("unknown-column", "ID", "the contract has no column ID; it has id"),
            ("unknown-column", "Got-It", "the contract has no column Got-It; it has got_it"),
            ("unknown-column", "zzz", "the contract has no column zzz"),
        ],
    ),
    (
        f'{{{SOUND}, "name": "ABCDEF", "n": 10, "kind": "c", "got_it": 1}}',
        [
            ("too-long", "name", 'name: "ABCDEF" has more than 5 characters'),
            ("out-of-range", "n", "n: 10 is not between 1 and 9"),
            ("one-of", "kind", 'kind: "c" is not among the allowed values a, b'),
            ("wrong-type", "got_it", "got_it: 1 is not true or false, for example true"),
        ],
    ),
    (
        f'{{{SOUND}, "name": "AB", "doc": "\\u0000", "n": 1}}',
        [
            ("pattern", "name", "name: AB does not match the pattern ^[a-z]*$"),
            ("invalid-text", "doc", 'doc: "\\u0000" holds text or numbers that jsonb cannot store'),
        ],
    ),
    (
        f'{{"id": 1, "id": 2, "at": "{AT}", "amount": 1e9, "name": "\\ud800", "doc": {{"a": 1, "a": 2}}}}',
        [
            ("duplicate-field", "id", "the field id stands there twice"),
            ("invalid-text", "name", "name holds a lone surrogate, which no text in UTF-8 can"),
            ("out-of-range", "amount", "amount: 1E+9 is outside the range of numeric(6,2)"),
        ],
    ),
    ("[1]", [("malformed-line", None, 'a row is a JSON object, for example {"id": 1}')]),
    ("null", [("malformed-line", None, 'a row is a JSON object, for example {"id": 1}')]),
]
"""Rows, and all that is wrong with them."""


@pytest.mark.parametrize(("row", "faults"), FAULTS)
@pytest.mark.parametrize("among", [0, 1, 300])
async def test_every_fault_of_a_row_is_said(row: str, faults: list[tuple[str, str | None, str]], among: int) -> None:
    sound = [f"{{{SOUND}}}"] * among
    body = "\n".join([*sound, row, *sound]).encode()
    _, refused, accepted = await read(ndjson_chunks, body, PLAN)
    assert accepted == 2 * among
    assert [(fault.code, fault.column, fault.message) for fault in refused[0].faults] == faults
    assert (refused[0].line, refused[0].raw, refused[0].clipped) == (among + 1, row, False)
    _, of_array, _ = await read(array_chunks, ("[" + ",".join([*sound, row, *sound]) + "]").encode(), PLAN)
    assert of_array == refused


async def test_as_many_faults_are_listed_as_are_worth_reading() -> None:
    row = json.dumps({f"u{n}": n for n in range(MAX_FAULTS + 5)})
    _, refused, _ = await read(ndjson_chunks, row.encode(), PLAN)
    assert [fault.column for fault in refused[0].faults] == [f"u{n}" for n in range(MAX_FAULTS)]


async def test_a_long_value_is_shown_by_its_beginning_and_the_row_is_kept_by_its_own() -> None:
    row = f'{{{SOUND}, "n": "{"9" * 5000}"}}'
    _, refused, _ = await read(ndjson_chunks, row.encode(), PLAN)
    assert refused[0].message == f'n: "{"9" * 59}… is not a whole number, for example 42'
    assert (refused[0].raw, refused[0].clipped) == (row[:MAX_RAW_CHARACTERS], True)


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        (b'{"id": "caf\xe9"}', '{"id": "caf\\xe9"}'),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b'"abc', '"abc'),
        (b'{"id": 1, "at": "abc', '{"id": 1, "at": "abc'),
        (b"\x00", "\\x00"),
        (b'{"\x00": 1}', '{"\\x00": 1}'),
    ],
)
async def test_what_was_sent_is_kept(row: bytes, kept: str) -> None:
    _, refused, _ = await read(ndjson_chunks, row + b"\n" + row, PLAN)
    assert [(line.line, line.raw) for line in refused] == [(1, kept), (2, kept)]


async def test_a_document_that_is_no_utf8_is_refused_as_its_row_is() -> None:
    good, bad = f"{{{SOUND}}}".encode(), f"{{{SOUND}".encode() + b', "doc": "\xff", "name": "\xff"}'
    for begin, gap, end, reader in ((b"", b"\n", b"", ndjson_chunks), (b"[", b",", b"]", array_chunks)):
        _, refused, accepted = await read(reader, begin + gap.join([good, bad, good]) + end, PLAN)
        assert accepted == 2
        assert [(fault.code, fault.column) for fault in refused[0].faults] == [
            ("invalid-text", "name"),
            ("invalid-text", "doc"),
        ]


async def test_an_array_that_is_never_closed_says_where() -> None:
    for text, element in (("[", 1), ("[{}", 1), ('[{}, "abc', 2), ("[{}, {}, {]", None), ("[1, 2, [", 3)):
        with pytest.raises(MalformedBody) as refusal:
            await read(array_chunks, text.encode(), PLAN)
        if element is not None:
            assert f"element {element} has no end" in str(refusal.value.detail)


@pytest.mark.parametrize("unknown", list(ChangePolicy))
@pytest.mark.parametrize("long", [0, LONG_BYTES])
@pytest.mark.parametrize("nested", [False, True])
async def test_a_row_may_have_so_many_fields_and_no_more(unknown: ChangePolicy, long: int, nested: bool) -> None:
    """However long it is, and whatever stands inside of a document."""
    value = json.dumps({str(n): [{}] for n in range(3000)}) if nested else "1"
    head = f'{{{SOUND}, "doc": {value}, "u": "{"x" * long}"'
    taken, refused = (
        f"{head}, {', '.join(f'{chr(34)}u{n}{chr(34)}: 1' for n in range(count))}}}"
        for count in (MAX_FIELDS - 5, MAX_FIELDS - 4)
    )
    _, faults, accepted = await read(ndjson_chunks, f"{taken}\n{refused}".encode(), PLAN, unknown=unknown)
    codes = [(row.line, row.code) for row in faults]
    if unknown in {ChangePolicy.DISCARD_VALUE, ChangePolicy.EVOLVE}:
        assert (accepted, codes) == (1, [(2, "too-many-fields")])
    else:
        assert (accepted, codes) == (0, [(1, "unknown-column"), (2, "too-many-fields")])


async def test_a_field_that_stands_twice_is_found_among_many() -> None:
    many = ", ".join(f'"u{n}": {{"u{n}": 1}}' for n in range(1500))
    for last in ("u1499", "u0", "\\u0075700"):
        row = f'{{{SOUND}, {many}, "{last}": 1}}'
        _, refused, _ = await read(ndjson_chunks, row.encode(), PLAN, unknown=ChangePolicy.DISCARD_VALUE)
        assert [(fault.code, fault.column) for fault in refused[0].faults] == [
            ("duplicate-field", json.loads(f'"{last}"'))
        ]


names = st.sampled_from(["a", "b", '"', "\\", ":", '":', "{", "}", "[", "é", "\x01", "a b", ""])
values = st.recursive(
    st.none() | st.integers(-9, 9) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
pairs = st.lists(st.tuples(names, values), max_size=6)


def written(fields: list[tuple[str, object]], *, ascii_only: bool, gap: str) -> bytes:
    parts = [
        f"{json.dumps(name, ensure_ascii=ascii_only)}{gap}:{gap}{json.dumps(value, ensure_ascii=ascii_only)}"
        for name, value in fields
    ]
    return ("{" + f"{gap},{gap}".join(parts) + "}").encode()


@given(pairs, st.booleans(), st.sampled_from(["", " ", "\n\t"]))
def test_names_and_repetitions_are_those_of_a_json_reader(
    fields: list[tuple[str, object]], ascii_only: bool, gap: str
) -> None:
    text = written(fields, ascii_only=ascii_only, gap=gap)
    found = names_of(text, 1000)
    assert [json.loads(b'"' + name + b'"') for name in found] == [name for name, _ in fields]
    assert names_of(text, 2) == found[:2]
    twice = [name for name, count in Counter(name for name, _ in fields).items() if count > 1]
    assert sorted(repeated(found)) == sorted(twice)


@given(st.lists(pairs, min_size=1, max_size=5))
async def test_rows_are_the_same_as_a_block_and_one_by_one(rows: list[list[tuple[str, object]]]) -> None:
    plan = plan_of(column("a", "jsonb"), column("b", "text"))
    texts = [written([("id", 1), ("at", AT), *fields], ascii_only=bool(n % 2), gap="") for n, fields in enumerate(rows)]
    for unknown in ChangePolicy:
        payload, refused, accepted = await read(ndjson_chunks, b"\n".join(texts), plan, unknown=unknown)
        single = JsonRows(RowModel(plan, unknown)).each(enumerate(texts, 1))
        assert (payload, tuple(refused), accepted) == (single.payload, single.rejected, single.accepted)
        expected = [
            n for n, fields in enumerate(rows, 1) if max(Counter(name for name, _ in fields).values(), default=0) > 1
        ]
        assert {row.line for row in refused if row.code == "duplicate-field"} == set(expected)


broken = st.one_of(
    st.binary(max_size=40),
    st.tuples(st.just(f"{{{SOUND}, ".encode()), st.binary(max_size=20), st.just(b"}")).map(b"".join),
    st.tuples(st.just(f'{{{SOUND}, "doc": "'.encode()), st.binary(max_size=20), st.just(b'"}')).map(b"".join),
    st.tuples(st.just(f'{{{SOUND}, "'.encode()), st.binary(max_size=9), st.just(b'": 1}')).map(b"".join),
)


@settings(max_examples=300)
@given(st.lists(broken, max_size=5), st.sampled_from(ChangePolicy))
async def test_whatever_the_bytes_every_line_is_taken_or_refused(lines: list[bytes], unknown: ChangePolicy) -> None:
    body = b"\n".join(lines)
    _, refused, accepted = await read(ndjson_chunks, body, PLAN, unknown=unknown)
    assert accepted + len(refused) == sum(1 for line in body.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip())
    for row in refused:
        for fault in row.faults:
            f"{fault.column}{fault.message}{row.raw}".encode()
            assert "\x00" not in f"{fault.column}{fault.message}{row.raw}"


@settings(max_examples=200)
@given(st.lists(broken, max_size=4), st.sampled_from([b"", b"]"]))
async def test_whatever_the_bytes_an_array_is_read_or_refused(elements: list[bytes], end: bytes) -> None:
    with contextlib.suppress(MalformedBody):
        await read(array_chunks, b"[" + b",".join(elements) + end, PLAN)


@pytest.mark.parametrize("reader", [ndjson_chunks, array_chunks])
async def test_a_row_longer_than_a_block_is_read_as_any_other(reader: Reader) -> None:
    begin, gap, end = ("[", ",", "]") if reader is array_chunks else ("", "\n", "")
    good = f'{{{SOUND}, "doc": {{"text": "{"x" * LONG_BYTES}", "a": 1}}}}'
    bad = f'{{{SOUND}, "n": 10, "doc": [{", ".join(["1"] * LONG_BYTES)}], "n": 9}}'
    assert LONG_BYTES < len(good) < MAX_ROW_BYTES
    body = begin + gap.join([good, bad, good, "{}", good]) + end
    _, refused, accepted = await read(reader, body.encode(), PLAN, range(0, len(body), 1 << 16))
    assert (accepted, [(row.line, row.code) for row in refused]) == (3, [(2, "duplicate-field"), (4, "missing-key")])
