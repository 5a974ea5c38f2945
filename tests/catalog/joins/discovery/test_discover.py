"""Candidates of joins from the evidence of whole databases."""

import random
import re
import time
import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.joins.discovery.context import context
from app.catalog.joins.discovery.discover import (
    DEFAULT_MIN_SCORE,
    Candidate,
    KeyQuestion,
    Pair,
    candidate_id,
    discover,
    key_questions,
    pair_questions,
)
from app.catalog.joins.discovery.scoring import CONTRADICTED, DECLARED
from app.warehouse.evidence.samples import SAMPLE_SIZE, DeclaredForeignKey
from tests.catalog.joins.discovery.building import Columns, exact, is_unique, table


def found(
    database: Mapping[str, Columns],
    *,
    size: int = SAMPLE_SIZE,
    foreign_keys: Mapping[str, tuple[DeclaredForeignKey, ...]] | None = None,
    in_force: tuple[Pair, ...] = (),
) -> list[Candidate]:
    """The candidates, with every question answered exactly."""
    tables = [
        table(name, columns, size=size, foreign_keys=(foreign_keys or {}).get(name, ()))
        for name, columns in database.items()
    ]
    answers = {question: is_unique(database, question) for question in key_questions(tables)}
    known = context(tables, answers)
    return discover(known, {pair: exact(database, pair) for pair in pair_questions(known, in_force)}, in_force)


def suggested(database: Mapping[str, Columns], **options: Any) -> set[str]:
    return {_short(each) for each in found(database, **options) if each.score >= DEFAULT_MIN_SCORE}


def _short(candidate: Candidate) -> str:
    """The tables and the left columns."""
    return "__".join((candidate.right_table, candidate.left_table, *candidate.left_columns))


def cycle(values: list[Any], count: int) -> list[Any]:
    return [values[index * 7 % len(values)] for index in range(count)]


CUSTOMERS = {"id": list(range(1, 61)), "name": [f"n{i}" for i in range(60)]}
EMPLOYEES = {
    "employee_id": list(range(1, 41)),
    "name": [f"e{i}" for i in range(40)],
    "reports_to": [None, *cycle([1, 2, 3], 39)],
}
CODES = [f"K{index:03}" for index in range(100)]


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        (
            {"customers": CUSTOMERS, "orders": {"id": list(range(200)), "customer_id": cycle(CUSTOMERS["id"], 200)}},
            {"customers__orders__customer_id"},
        ),
        ({"employees": EMPLOYEES}, {"employees__employees__reports_to"}),
        (
            {
                "addresses": {"id": list(range(1, 101)), "city": ["x"] * 100},
                "orders": {
                    "id": list(range(300)),
                    "billing_address_id": cycle(list(range(1, 101)), 300),
                    "shipping_address_id": cycle(list(range(1, 90)), 300),
                },
            },
            {"addresses__orders__billing_address_id", "addresses__orders__shipping_address_id"},
        ),
        (
            {
                "ports": {"faa": CODES, "title": ["x"] * 100},
                "legs": {"no": list(range(300)), "q1": cycle(CODES[:50], 300), "q2": cycle(CODES[:5], 300)},
            },
            {"ports__legs__q1"},
        ),
        (
            {
                "artist": {"artist_id": list(range(1, 51))},
                "album": {"album_id": list(range(1, 101)), "artist_id": cycle(list(range(1, 51)), 100)},
            },
            {"artist__album__artist_id"},
        ),
        (
            {
                "companies": {"id": list(range(1, 31)), "employees": list(range(1, 31)), "staff_order": [1, 2] * 15},
                "employees": {"id": list(range(1, 41)), "level": cycle([1, 2, 3], 40)},
                "levels": {"id": [1, 2, 3]},
            },
            set(),
        ),
        (
            {
                "calendar": {"day": [date(2024, 1, 1) + timedelta(i) for i in range(90)], "week": cycle([1, 2], 90)},
                "sales": {"id": list(range(200)), "order_date": cycle([date(2024, 1, 1 + i) for i in range(25)], 200)},
            },
            {"calendar__sales__order_date"},
        ),
    ],
    ids=["name", "self-join", "roles", "texts", "best-named", "measures", "days"],
)
def test_suggestions(database: Mapping[str, Columns], expected: set[str]) -> None:
    assert suggested(database) == expected


def test_uuids_need_no_name() -> None:
    keys = [uuid.UUID(int=index * 7919) for index in range(50)]
    database = {"things": {"id": keys}, "events": {"no": list(range(99)), "subject": cycle(keys, 99)}}
    assert suggested(database) == {"things__events__subject"}


def test_orphans_are_told_and_the_join_is_suggested() -> None:
    tails = [f"N{index}" for index in range(200)]
    database = {"planes": {"tailnum": tails[:170]}, "flights": {"tailnum": tails * 5, "delay": list(range(1000))}}
    (only,) = [each for each in found(database) if each.suggested]
    assert only.candidate_id == "planes__flights__tailnum"
    assert only.measure.cardinality == "n:1"
    assert "15 % of the rows of flights meet no planes" in only.warnings
    assert "tailnum has the name of the key of planes" in only.reasons
    assert "85 % of 200 distinct values of flights.tailnum occur in planes.tailnum" in only.reasons


def test_small_dense_numbers_and_samples_are_warned_of() -> None:
    keys = list(range(1, 4001))
    database = {"parts": {"id": keys}, "uses": {"part_id": cycle(keys, 9000)}}
    (only,) = found(database, size=256)
    assert "both columns are dense small integers, so containment says little" in only.warnings
    assert any(each.startswith("measured on a sample of") for each in only.warnings)


OFFERS = {"part_id": [i // 4 for i in range(400)], "supplier_id": [(i % 4) * 7 + i // 4 % 7 for i in range(400)]}
LINES = {"line_id": list(range(900)), **{name: cycle(values, 900) for name, values in OFFERS.items()}}


def test_composite_keys_are_found() -> None:
    database = {
        "parts": {"part_id": list(range(100))},
        "suppliers": {"supplier_id": list(range(28))},
        "offers": {**OFFERS, "cost": [1.5] * 400},
        "lines": LINES,
    }
    (composite,) = [each for each in found(database) if len(each.left_columns) > 1]
    assert _short(composite) == "offers__lines__part_id__supplier_id"
    assert composite.right_columns == ("part_id", "supplier_id")
    assert composite.suggested
    assert {each for each in suggested(database) if "parts__" in each} == {
        "parts__offers__part_id",
        "parts__lines__part_id",
    }


def test_the_rows_of_a_tenant_are_referred_to_by_both_columns() -> None:
    tenants = [index // 50 for index in range(200)]
    orders = {"tenant_id": tenants, "id": [index % 50 for index in range(200)]}
    lines = {"line_no": list(range(400)), "tenant_id": tenants * 2, "order_id": orders["id"] * 2}
    assert "orders__lines__tenant_id__order_id" in suggested({"orders": orders, "lines": lines})


def test_of_two_unique_columns_the_named_side_is_referred_to() -> None:
    ids = list(range(1, 101))
    database = {"users": {"user_id": ids}, "profiles": {"user_id": ids[:80], "bio": ["x"] * 80}}
    (only,) = found(database)
    assert (_short(only), only.measure.cardinality) == ("users__profiles__user_id", "1:1")


def test_two_columns_that_refer_to_one_key_are_kept_below_the_default() -> None:
    ids = list(range(1, 51))
    database = {"films": {"film_id": ids}, "casts": {"film_id": cycle(ids, 200)}, "rentals": {"film_id": ids * 3}}
    by_cardinality = {each.measure.cardinality: each for each in found(database)}
    assert not by_cardinality["n:m"].suggested
    assert {by_cardinality["n:m"].left_table, by_cardinality["n:m"].right_table} == {"casts", "rentals"}


ORDERS = {"order_id": list(range(7000, 7200)), "customer_id": cycle(CUSTOMERS["id"], 200)}
BROKEN = {"id": [*CUSTOMERS["id"], *CUSTOMERS["id"][:4]], "name": [f"n{i % 60}" for i in range(64)]}


@pytest.mark.parametrize(
    ("customers", "seen"),
    [
        (BROKEN, True),
        ({"id": [*CUSTOMERS["id"], None]}, True),
        ({"id": CUSTOMERS["id"] * 2}, False),
        ({"id": [*CUSTOMERS["id"], *[None] * 30]}, False),
    ],
    ids=["repeated", "missing", "repeated too often", "missing too often"],
)
def test_a_reference_to_a_key_that_some_rows_broke_stays_in_sight(customers: Columns, seen: bool) -> None:
    (whole,) = found({"customers": CUSTOMERS, "orders": ORDERS})
    now = [each for each in found({"customers": customers, "orders": ORDERS}) if each.pair == whole.pair]
    assert bool(now) is seen
    for each in now:
        assert 0 < each.score < DEFAULT_MIN_SCORE < whole.score
        assert each.measure.multiplication is not None
        assert "customers.id is no key: some rows repeat it, or have none" in each.warnings


def test_what_refers_elsewhere_for_certain_is_not_seen_as_a_broken_reference_too() -> None:
    database = {"customers": CUSTOMERS, "customer": BROKEN, "orders": ORDERS}
    assert {each.right_table for each in found(database) if each.left_table == "orders"} == {"customers"}


def test_a_join_in_force_is_a_candidate_whatever_speaks_for_it() -> None:
    database = {"stock": {"ware": cycle(list("abc"), 40), "place": [1] * 40}, "sales": {"item": list("abxyz") * 9}}
    single, pair = (
        Pair("sales", ("item",), "stock", ("ware",)),
        Pair("sales", ("item", "item"), "stock", ("ware", "ware")),
    )
    assert found(database) == []
    gone = Pair("sales", ("lost",), "stock", ("ware",))
    one, other = found(database, in_force=(single, pair, gone))
    assert {one.pair, other.pair} == {single, pair}
    assert one.score == other.score < DEFAULT_MIN_SCORE
    assert one.measure.containment == other.measure.containment == 0.4
    tables = [table(name, columns) for name, columns in database.items()]
    assert pair_questions(context(tables, {}), (single, pair, gone)) == [pair], "samples tell of single columns"


def declared(target: str, *columns: str, to: tuple[str, ...] = ("id",)) -> tuple[DeclaredForeignKey, ...]:
    return (DeclaredForeignKey(columns, target, to),)


def test_a_declared_foreign_key_is_nearly_certain_whatever_its_name() -> None:
    database = {"things": {"id": list(range(1, 31))}, "uses": {"quantity": cycle(list(range(1, 31)), 90)}}
    (only,) = found(database, foreign_keys={"uses": declared("things", "quantity")})
    assert (only.declared, only.score >= DECLARED, only.reasons[0]) == (True, True, "declared as a foreign key")


def test_a_declared_foreign_key_between_empty_tables_is_kept() -> None:
    (only,) = found(
        {"things": {"id": []}, "uses": {"thing_id": []}}, foreign_keys={"uses": declared("things", "thing_id")}
    )
    assert only.score >= DECLARED
    assert "no values could be compared" in only.warnings


def test_values_that_contradict_a_declaration_lower_it() -> None:
    database = {"things": {"id": [f"a{i}" for i in range(50)]}, "uses": {"thing_id": [f"b{i}" for i in range(50)]}}
    (only,) = found(database, foreign_keys={"uses": declared("things", "thing_id")})
    assert only.score == CONTRADICTED


def test_what_is_declared_to_refer_elsewhere_is_not_suggested() -> None:
    ids = list(range(1, 31))
    database = {"users": {"id": ids}, "members": {"id": ids}, "posts": {"user_id": cycle(ids, 90)}}
    assert suggested(database, foreign_keys={"posts": declared("members", "user_id")}) == {"members__posts__user_id"}


def test_two_candidates_of_one_column_have_two_ids() -> None:
    codes = [f"C{i}" for i in range(40)]
    database = {"wares": {"ware_code": codes, "ean_code": codes[::-1]}, "sales": {"ware_code": cycle(codes, 200)}}
    ids = [each.candidate_id for each in found(database)]
    assert len(ids) == len(set(ids)) > 1
    assert {"wares__sales__ware_code", "wares__sales__ware_code__ean_code"} <= set(ids)


def test_pairs_that_samples_cannot_tell_are_asked_for_and_measured() -> None:
    database = {
        "accounts": {"id": list(range(1, 20_001))},
        "fees": {"id": list(range(50)), "account_id": cycle([5, 700, 19_000], 50)},
    }
    tables = [table(name, columns, size=64) for name, columns in database.items()]
    pair = Pair("fees", ("account_id",), "accounts", ("id",))
    assert pair_questions(context(tables, {})) == [pair]
    (unasked,) = discover(context(tables, {}), {})
    (asked,) = discover(context(tables, {}), {pair: exact(database, pair)})
    assert asked.score > unasked.score
    assert (asked.measure.exact, asked.measure.containment) == (True, 1.0)


def test_a_measure_replaces_what_samples_say() -> None:
    database = {"users": {"id": list(range(50))}, "posts": {"user_id": cycle(list(range(50)), 99)}}
    tables = [table(name, columns) for name, columns in database.items()]
    pair = Pair("posts", ("user_id",), "users", ("id",))
    nothing = exact({"users": {"id": [-1]}, "posts": {"user_id": [1]}}, pair)
    assert discover(context(tables, {}), {pair: nothing}) == []


SECRETS = st.sampled_from(["sesame", "walrus", "yonder", "quartz"])
ROWS = st.lists(st.tuples(SECRETS, SECRETS), max_size=30)


@given(one=ROWS, other=ROWS)
def test_no_value_is_told_and_every_score_is_a_share(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    database = {
        "people": {"code": [f"{a}{i}" for i, (a, _) in enumerate(one)], "kind": [b for _, b in one]},
        "visits": {"people_code": [f"{a}{i}" for i, (a, _) in enumerate(other)], "kind": [b for _, b in other]},
    }
    for each in found(database):
        assert 0.0 < each.score < 1.0
        told = " ".join((*each.reasons, *each.warnings, each.candidate_id))
        assert not any(secret in told for secret in ("sesame", "walrus", "yonder", "quartz"))


INTS = st.lists(st.one_of(st.none(), st.integers(-3, 12)), min_size=6, max_size=6)
TABLES = st.dictionaries(
    st.sampled_from(["a", "users", "user_roles", "orders"]),
    st.dictionaries(st.sampled_from(["id", "user_id", "order_id", "parent_id", "x"]), INTS, min_size=1),
    min_size=1,
)


@given(database=TABLES, size=st.integers(1, 8))
def test_any_tables_have_consistent_candidates(database: Mapping[str, Columns], size: int) -> None:
    candidates = found(database, size=size)
    assert len({each.candidate_id for each in candidates}) == len(candidates)
    assert [each.score for each in candidates] == sorted((each.score for each in candidates), reverse=True)
    pairs = {each.pair for each in candidates}
    for each in candidates:
        assert (each.left_table, each.left_columns) != (each.right_table, each.right_columns)
        assert Pair(each.right_table, each.right_columns, each.left_table, each.left_columns) not in pairs
        assert each.reasons


@given(database=TABLES, order=st.randoms(use_true_random=False))
def test_the_order_of_tables_changes_nothing(database: Mapping[str, Columns], order: random.Random) -> None:
    names = list(database)
    order.shuffle(names)
    shuffled = {name: database[name] for name in names}
    assert {(each.pair, each.score) for each in found(shuffled)} == {
        (each.pair, each.score) for each in found(database)
    }


def test_two_hundred_tables_take_a_few_seconds() -> None:
    rng = random.Random(5)
    names = [f"{rng.choice(['order', 'user', 'part', 'city', 'team', 'file'])}_{index:03}x" for index in range(200)]
    database = {
        name: {
            "id": list(range(1, 121)),
            **{f"{rng.choice(names)}_id": [rng.randrange(1, 121) for _ in range(120)] for _ in range(9)},
            **{f"text_{index}": [f"v{rng.randrange(5000)}" for _ in range(120)] for index in range(10)},
        }
        for name in names
    }
    tables = [table(name, columns) for name, columns in database.items()]
    started = time.process_time()
    asked = key_questions(tables)
    known = context(tables, {})
    pairs = pair_questions(known)
    candidates = discover(known, {})
    # The same code took 15 to 62 seconds of a processor on machines of one kind, by what shared their caches; what
    # grows with the square of the tables would take many times as much.
    assert time.process_time() - started < 150
    assert len(asked) <= 200
    assert len(pairs) <= 300
    assert len([each for each in candidates if each.suggested]) > 1500


def test_questions_and_pairs_are_values() -> None:
    assert len({KeyQuestion("a", ("b",)), KeyQuestion("a", ("b",))}) == 1


_NAMES = st.text(alphabet="ab_.Ä", min_size=1, max_size=4)
_PAIRS = st.builds(lambda *names: Pair(names[0], (names[1],), names[2], (names[3],)), _NAMES, _NAMES, _NAMES, _NAMES)


@given(_PAIRS, _PAIRS)
def test_an_id_fits_a_path_and_two_pairs_have_two(one: Pair, other: Pair) -> None:
    first, second = candidate_id(one), candidate_id(other)
    assert re.fullmatch(r"[A-Za-z0-9_]{1,300}", first)
    assert (first == second) == (one == other)


@pytest.mark.parametrize(
    ("pair", "wanted"),
    [
        (Pair("orders", ("customer_id",), "customers", ("customer_id",)), "customers__orders__customer_id"),
        (Pair("orders", ("customer",), "customers", ("id",)), "customers__orders__customer__id"),
        (Pair("l", ("a", "b"), "r", ("a", "b")), "r__l__a__b"),
        (Pair("b__c", ("x",), "a", ("x",)), r"a__b__c__x__[0-9a-f]{16}"),
        (Pair("c", ("x",), "a__b", ("x",)), r"a__b__c__x__[0-9a-f]{16}"),
        (Pair("l", ("Größe",), "r", ("id",)), r"r__l__Gr__e__id__[0-9a-f]{16}"),
        (Pair("l", ("x" * 400,), "r", ("id",)), r"r__l__x{276}__[0-9a-f]{16}"),
    ],
)
def test_ids_are_readable(pair: Pair, wanted: str) -> None:
    assert re.fullmatch(wanted, candidate_id(pair)), candidate_id(pair)
