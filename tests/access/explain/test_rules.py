"""Why an operation is allowed or denied: the rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.explain.rules import Holding, Narrowing, Operation, UnknownOperation, explain, nearest_ids
from app.access.roles import MATRIX, Role
from app.access.subject_status import Credential, SubjectStatus, admitted
from app.access.subjects import user_subject
from app.kernel.db.database import OperationClass
from app.kernel.ids import new_id
from app.kernel.problems import Unavailable
from app.kernel.security.authorization import Permission

RUN, PROMOTE = Permission.QUERY_RUN, Permission.TABLES_PROMOTE
ANALYST = {"ANALYST": frozenset({"query:run", "tables:read"})}
BOTH = ANALYST | {"VIEWER": frozenset({"query:run"})}


def operation(*needed: Permission, method: str = "POST", path: str = "/api/x", open_to_all: bool = False) -> Operation:
    return Operation("do_it", method, path, needed, not open_to_all, OperationClass.WRITE)


CASES: dict[str, tuple[Operation, Holding, list[str]]] = {
    "open to all": (operation(open_to_all=True), Holding(), []),
    "open to all, also before the change": (operation(open_to_all=True), Holding(must_change_password=True), []),
    "any credential will do": (operation(), Holding(), []),
    "held by a role": (operation(RUN), Holding(ANALYST), []),
    "held by two roles": (operation(RUN), Holding(BOTH), []),
    "held by none": (operation(PROMOTE), Holding(BOTH), ["permission-missing"]),
    "one of two": (operation(RUN, PROMOTE), Holding(ANALYST), ["permission-missing"]),
    "the token is narrowed": (
        operation(RUN),
        Holding(ANALYST, token_scope=frozenset({"tables:read"})),
        ["token-scope"],
    ),
    "the token is wide enough": (operation(RUN), Holding(ANALYST, token_scope=frozenset({"query:run"})), []),
    "the key is narrowed": (operation(RUN), Holding(ANALYST, key_scope=frozenset()), ["key-scope"]),
    "not held, whatever the scope says": (
        operation(PROMOTE),
        Holding(ANALYST, token_scope=frozenset({"tables:promote"})),
        ["permission-missing"],
    ),
    "a one-time password": (operation(RUN), Holding(ANALYST, must_change_password=True), ["password-change-needed"]),
    "the change itself": (
        operation(path="/api/users/{user_id}/password"),
        Holding(ANALYST, must_change_password=True),
        [],
    ),
    "everything at once": (
        operation(RUN, PROMOTE),
        Holding(ANALYST, frozenset(), frozenset(), must_change_password=True),
        ["password-change-needed", "token-scope", "permission-missing"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_stands_against_it(name: str) -> None:
    asked, holding, codes = CASES[name]
    found = explain(asked, holding, None)
    assert [each.code for each in found.obstacles] == codes
    assert found.allowed == (not codes)
    stopped = explain(asked, holding, Unavailable("Closed for now."))
    assert [each.code for each in stopped.obstacles] == ["unavailable", *codes]
    assert stopped.obstacles[0].message == "Closed for now."


def test_every_role_and_narrowing_is_named() -> None:
    (check,) = explain(operation(RUN), Holding(BOTH, frozenset(), frozenset()), None).checks
    assert (check.roles, check.narrowed_by) == (("ANALYST", "VIEWER"), (Narrowing.TOKEN_SCOPE, Narrowing.KEY_SCOPE))


PERMISSIONS = st.frozensets(st.sampled_from(Permission))
SCOPES = st.none() | st.frozensets(st.sampled_from([permission.value for permission in Permission]))


@given(st.frozensets(st.sampled_from(Role)), PERMISSIONS, SCOPES, SCOPES)
def test_the_explanation_is_what_the_doors_do(
    roles: frozenset[Role], needed: frozenset[Permission], token: frozenset[str] | None, key: frozenset[str] | None
) -> None:
    """Against the rule by which callers are admitted, for every mix of roles and scopes."""
    key_id = new_id()
    held = frozenset[Permission]().union(*(MATRIX[role] for role in roles))
    status = SubjectStatus(
        "a", active=True, roles=frozenset(roles), permissions=held, revoked=frozenset(), keys={key_id: key}
    )
    actor = admitted(Credential("api_key", user_subject(key_id), "c", key_id=key_id, scope=token), status)
    assert actor is not None
    given_by = {role.value: frozenset(permission.value for permission in MATRIX[role]) for role in roles}
    found = explain(operation(*sorted(needed)), Holding(given_by, token, key), None)
    assert found.allowed == (needed <= actor.permissions)
    assert {check.permission for check in found.checks if check.held} == needed & actor.permissions


def test_the_nearest_names_are_told() -> None:
    ids = ["promote_table", "deprecate_table", "list_tables", "get_caller"]
    assert nearest_ids("promote-Table", ids)[0] == "promote_table"
    assert nearest_ids("\x00\U0001f4a3", ids) == []
    problem = UnknownOperation("list_table", ids)
    assert problem.fields["nearest"][0] == "list_tables"
    assert problem.faults[0].pointer == "query/explain"


@given(st.text(max_size=128))
def test_any_text_has_an_answer(text: str) -> None:
    assert len(nearest_ids(text, ["promote_table", "list_tables"])) <= 2


def test_five_names_at_most_are_told() -> None:
    assert len(nearest_ids("list_a", [f"list_{letter}" for letter in "abcdefg"])) == 5
