"""What becomes of a contract's columns by changes, in place and in a further version. Pure."""

from datetime import timedelta
from typing import Any

import pytest

from app.catalog.contracts.changes.applying import Inapplicable, automatic, column_for, evolved
from app.catalog.contracts.changes.successor import successor_document
from app.catalog.contracts.columns import MAX_COLUMNS
from app.catalog.contracts.definition import ChangePolicy, ContractDefinition, Policy, Semantics, column_document
from app.catalog.contracts.review import InvalidContract, review
from app.catalog.drift.change import Change, ChangeKind, Severity
from app.warehouse.plan import Checks, Column, Mode, Resolution
from app.warehouse.types import parse_type

C, W, B = Severity.COMPATIBLE, Severity.WARNING, Severity.BREAKING


def column(name: str, spelled: str, *, nullable: bool = True, source: str | None = None, **checks: Any) -> Column:
    return Column(name, parse_type(spelled), nullable, Checks(**checks), source)


COLUMNS = (
    column("id", "bigint", nullable=False),
    column("at", "timestamptz", nullable=False),
    column("mail", "text", pattern="@"),
    column("visits", "integer", minimum=0),
    column("got", "timestamptz", nullable=False),
)
SEMANTICS = Semantics(Mode.UPSERT, ("id",), "at", "got", timedelta(hours=24), Resolution.LATEST_WINS, "24h")
CONTRACT = ContractDefinition("/api/v1/members", "members", SEMANTICS, Policy(), COLUMNS, "Members")


def change(kind: ChangeKind, path: str, new: Any, severity: Severity = C, old: Any = None) -> Change:
    name = path.split("/")[2] if path.startswith("/columns/") else None
    return Change(kind, "a-rule", path, old, new, severity, severity, "Do so.", column=name)


ADD_VIP = change(ChangeKind.ADD, "/columns/vip", {"type": "boolean", "nullable": True})
WIDEN = change(ChangeKind.TYPE_CHANGE, "/columns/visits/type", "bigint")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("vip", ("vip", None)),
        ("customerId", ("customer_id", "customerId")),
        ("/customer/vip", ("customer_vip", "/customer/vip")),
        ("Überzahl", ("uberzahl", "Überzahl")),
    ],
)
def test_the_column_that_reads_a_field(field: str, expected: tuple[str, str | None]) -> None:
    assert column_for(field) == expected


@pytest.mark.parametrize("field", ["", "日本", 'a"b', "/" + "/".join("abcdefghij")])
def test_fields_that_no_column_can_read(field: str) -> None:
    with pytest.raises(Inapplicable):
        column_for(field)


def test_what_policies_take_on_by_themselves() -> None:
    untyped = change(ChangeKind.ADD, "/columns/nothing", {"type": None, "nullable": True})
    risky = change(ChangeKind.ADD, "/columns/risky", {"type": "text"}, W)
    removed = change(ChangeKind.REMOVE, "/columns/mail", None)
    changes = [ADD_VIP, WIDEN, untyped, risky, removed]
    evolve, freeze = ChangePolicy.EVOLVE, ChangePolicy.FREEZE
    assert automatic(changes, Policy(evolve, evolve)) == [ADD_VIP, WIDEN]
    assert automatic(changes, Policy(evolve, freeze)) == [ADD_VIP]
    assert automatic(changes, Policy(freeze, evolve)) == [WIDEN]
    assert automatic(changes, Policy(ChangePolicy.DISCARD_VALUE, ChangePolicy.QUARANTINE_ROW)) == []


def test_changes_in_place() -> None:
    nested = change(ChangeKind.ADD, "/columns/~1customer~1vip", {"type": "boolean"})
    nested = Change(
        **{name: getattr(nested, name) for name in Change.__dataclass_fields__} | {"column": "/customer/vip"}
    )
    renamed = change(ChangeKind.RENAME, "/columns/mail", "eMail", B)
    nullable = change(ChangeKind.NULLABILITY, "/columns/visits/nullable", new=True)
    found = evolved(COLUMNS, [ADD_VIP, WIDEN, nested, renamed, nullable])
    assert [(each.name, str(each.type), each.source) for each in found] == [
        ("id", "bigint", None),
        ("at", "timestamptz", None),
        ("mail", "text", "eMail"),
        ("visits", "bigint", None),
        ("got", "timestamptz", None),
        ("vip", "boolean", None),
        ("customer_vip", "boolean", "/customer/vip"),
    ]
    assert evolved(found, [ADD_VIP, WIDEN]) == found, "what is there already is not added again"
    narrower = change(ChangeKind.TYPE_CHANGE, "/columns/visits/type", "integer")
    assert evolved(found, [narrower]) == found, "a type that was widened since is not narrowed"


@pytest.mark.parametrize(
    "wrong",
    [
        change(ChangeKind.REMOVE, "/columns/mail", None),
        change(ChangeKind.SEMANTICS, "/ingestion_semantics/mode", "append"),
        change(ChangeKind.KEY, "/ingestion_semantics/idempotency_key", ["mail"]),
        change(ChangeKind.ADD, "/columns/blob", {"type": "geometry"}),
        change(ChangeKind.ADD, "/columns/nothing", {"type": None}),
    ],
)
def test_what_cannot_be_applied_in_place(wrong: Change) -> None:
    with pytest.raises(Inapplicable):
        evolved(COLUMNS, [wrong])


def test_a_schema_does_not_grow_beyond_what_a_contract_may_have() -> None:
    wide = (*COLUMNS, *(column(f"c{number}", "integer") for number in range(MAX_COLUMNS - len(COLUMNS) - 1)))
    more = change(ChangeKind.ADD, "/columns/more", {"type": "text"})
    full = evolved(wide, [ADD_VIP])
    assert len(full) == MAX_COLUMNS
    for changes, columns in (([ADD_VIP, more], wide), ([more], full)):
        with pytest.raises(Inapplicable, match=str(MAX_COLUMNS)):
            evolved(columns, changes)
    assert evolved(full, [WIDEN]) != full, "what is there may still become wider"


def test_a_further_version_has_all_changes() -> None:
    document = successor_document(
        CONTRACT,
        [
            ADD_VIP,
            change(ChangeKind.TYPE_CHANGE, "/columns/visits/type", "text", B),
            change(ChangeKind.RENAME, "/columns/mail", "eMail", B),
            change(ChangeKind.CONSTRAINT, "/columns/vip/unique", new=True),
            change(ChangeKind.SEMANTICS, "/ingestion_semantics/dedupe_window", "48h", W),
            change(ChangeKind.DESCRIPTION, "/columns/mail/description", "Where to write"),
            change(ChangeKind.REORDER, "/columns", ["at", "id"]),
        ],
    )
    made = review(document)
    assert made.semantics.dedupe_window == timedelta(hours=48)
    assert (made.policy.unknown_columns, made.description) == (ChangePolicy.DISCARD_VALUE, "Members")
    assert made.columns is not None
    assert [(each.name, str(each.type), each.source) for each in made.columns] == [
        ("at", "timestamptz", None),
        ("id", "bigint", None),
        ("e_mail", "text", "eMail"),
        ("visits", "text", None),
        ("got", "timestamptz", None),
        ("vip", "boolean", None),
    ]
    checks = {each.name: each.checks for each in made.columns}
    assert checks["e_mail"].pattern == "@"
    assert checks["visits"] == Checks(), "bounds are of the former type"
    assert checks["vip"].unique


@pytest.mark.parametrize(
    ("fact", "new", "expected"),
    [
        ("pattern", "^a", Checks(pattern="^a")),
        ("pattern", None, Checks()),
        ("minimum", None, Checks(pattern="@")),
        ("enum", ["a@b"], Checks(pattern="@", one_of=("a@b",))),
        ("unique", True, Checks(pattern="@", unique=True)),
        ("unique", False, Checks(pattern="@")),
    ],
)
def test_checks_of_a_further_version(fact: str, new: Any, expected: Checks) -> None:
    made = review(successor_document(CONTRACT, [change(ChangeKind.CONSTRAINT, f"/columns/mail/{fact}", new)]))
    assert made.columns is not None
    assert next(each.checks for each in made.columns if each.name == "mail") == expected


def test_a_key_that_is_renamed_stays_the_key() -> None:
    made = review(successor_document(CONTRACT, [change(ChangeKind.RENAME, "/columns/id", "memberId", B)]))
    assert made.semantics.idempotency_key == ("member_id",)
    key = change(ChangeKind.KEY, "/ingestion_semantics/idempotency_key", ["id", "mail"], B)
    assert review(successor_document(CONTRACT, [key])).semantics.idempotency_key == ("id", "mail")


def test_a_further_version_says_all_that_is_wrong_with_it() -> None:
    gone = change(ChangeKind.REMOVE, "/columns/id", None, B)
    odd = change(ChangeKind.TYPE_CHANGE, "/columns/visits/type", "geometry", B)
    with pytest.raises(InvalidContract) as refused:
        review(successor_document(CONTRACT, [gone, odd]))
    assert {fault.code for fault in refused.value.faults} == {"unknown-column", "unknown-type"}
    with pytest.raises(Inapplicable):
        successor_document(CONTRACT, [change(ChangeKind.CONSTRAINT, "/columns/mail/minLength", 3)])


def test_without_changes_the_further_version_is_the_same() -> None:
    made = review(successor_document(CONTRACT, []))
    assert made.columns is not None
    assert [column_document(each) for each in made.columns] == [column_document(each) for each in COLUMNS]
    assert (made.semantics, made.policy) == (CONTRACT.semantics, CONTRACT.policy)
