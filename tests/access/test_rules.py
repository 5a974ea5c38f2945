"""The pure rules: lock-out, keys, scopes, status, roles."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.credentials.keys import fresh_key, matches, prefix_of
from app.access.login.oauth import narrowed
from app.access.roles import MATRIX, Role, unknown_roles
from app.access.subject_status import Credential, SubjectStatus, admitted, known_permissions
from app.access.subjects import user_subject
from app.kernel.security.authorization import Permission

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OWNER = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
JTI, KEY_ID = uuid4(), uuid4()
KEY_TEXT = "spy_abcdefghij12_" + "A" * 43


def test_a_key_is_found_by_its_prefix_and_known_by_its_digest() -> None:
    key, other = fresh_key(), fresh_key()
    assert prefix_of(key.text) == key.prefix
    assert matches(key.text, key.digest)
    assert not matches(other.text, key.digest)
    assert len(key.text) == len("spy_") + 12 + 1 + 43


@pytest.mark.parametrize(
    "text",
    ["", "spy_", "spy_abc_def", "SPY" + KEY_TEXT[3:], KEY_TEXT + "\n", KEY_TEXT[:-1], KEY_TEXT.upper(), "x" * 60],
)
def test_what_does_not_look_like_a_key_has_no_prefix(text: str) -> None:
    assert prefix_of(text) is None


@given(st.sets(st.sampled_from(Permission)), st.sets(st.sampled_from(Permission)))
def test_a_scope_narrows_and_never_widens(wanted: set[Permission], held: set[Permission]) -> None:
    assert narrowed(None, frozenset(held)) is None
    assert narrowed(frozenset(wanted), frozenset(held)) == wanted & held


def _status(*, active: bool = True) -> SubjectStatus:
    permissions = frozenset({Permission.QUERY_RUN, Permission.TABLES_READ})
    return SubjectStatus("ada", active, frozenset({"ANALYST"}), permissions, frozenset({JTI}), {KEY_ID: None})


def _credential(
    *, jti: UUID | None = None, key_id: UUID | None = None, scope: frozenset[str] | None = None
) -> Credential:
    return Credential("access_token", user_subject(OWNER), "c", jti=jti, key_id=key_id, scope=scope)


def test_a_credential_gives_what_its_holder_has_now() -> None:
    actor = admitted(_credential(jti=uuid4(), key_id=KEY_ID), _status())
    assert actor is not None
    assert (actor.id, actor.label, actor.roles) == (OWNER, "ada", {"ANALYST"})
    assert actor.permissions == {Permission.QUERY_RUN, Permission.TABLES_READ}


def test_a_scope_takes_permissions_away() -> None:
    actor = admitted(_credential(scope=frozenset({"query:run", "audit:read"})), _status())
    assert actor is not None
    assert actor.permissions == {Permission.QUERY_RUN}


@pytest.mark.parametrize(
    ("credential", "status"),
    [
        (_credential(), None),
        (_credential(), _status(active=False)),
        (_credential(jti=JTI), _status()),
        (_credential(key_id=uuid4()), _status()),
    ],
    ids=["unknown", "disabled", "revoked token", "revoked key"],
)
def test_a_credential_that_does_not_count_any_more(credential: Credential, status: SubjectStatus | None) -> None:
    assert admitted(credential, status) is None


def test_permissions_of_a_newer_version_are_left_out() -> None:
    assert known_permissions(frozenset({"query:run", "time:travel"})) == {Permission.QUERY_RUN}


def test_the_matrix_is_the_one_of_the_product() -> None:
    columns = {
        "query": Permission.QUERY_RUN,
        "contracts": Permission.CONTRACTS_WRITE,
        "ingest": Permission.INGESTION_WRITE,
        "promote": Permission.TABLES_PROMOTE,
        "deprecate": Permission.TABLES_DEPRECATE,
        "shadow": Permission.TABLES_READ_SHADOW,
    }
    expected = {
        Role.VIEWER: {"query"},
        Role.ANALYST: {"query"},
        Role.ENGINEER: {"query", "contracts", "ingest", "shadow"},
        Role.ADMIN: set(columns),
        Role.REQUESTOR: set(),
        Role.APPROVER: set(),
        Role.KNOWLEDGE_MANAGER: set(),
    }
    assert {role: {name for name, p in columns.items() if p in MATRIX[role]} for role in Role} == expected
    for alone in (Permission.AUDIT_READ, Permission.SYSTEM_WRITE, Permission.USERS_ADMIN):
        assert [role for role in Role if alone in MATRIX[role]] == [Role.ADMIN]


def test_unknown_roles_are_named() -> None:
    assert unknown_roles(frozenset({"ADMIN", "ROOT", "GOD"})) == ["GOD", "ROOT"]
