"""Administration of people in the database."""

import asyncio
import json
from uuid import uuid4

import asyncpg
import pytest

from app.access.naming import InvalidName
from app.access.passwords.password_policy import UnsuitablePassword
from app.access.roles import MATRIX, UnknownRole
from app.kernel.problems import InvalidRequest, NotFound
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from tests.access.administration import Change

PASSWORD = "correct horse battery staple"


async def _log(owner: asyncpg.Connection) -> list[asyncpg.Record]:
    return await owner.fetch("SELECT * FROM spyne.audit_log ORDER BY id")


async def test_the_seeded_matrix_is_the_matrix_of_the_code(owner: asyncpg.Connection) -> None:
    roles = {name for (name,) in await owner.fetch("SELECT name FROM spyne.roles")}
    rows = await owner.fetch("SELECT role, permission FROM spyne.role_permissions")
    assert {(role, permission) for role, permission in rows} == {(r, p) for r, held in MATRIX.items() for p in held}
    assert roles == set(MATRIX)


async def test_the_runtime_role_cannot_change_the_matrix(resources: Resources) -> None:
    connection = await asyncpg.connect(resources.database.url.replace("+asyncpg", ""))
    try:
        for statement in (
            "INSERT INTO spyne.role_permissions VALUES ('VIEWER', 'users:admin')",
            "DELETE FROM spyne.role_permissions",
            "UPDATE spyne.roles SET name = 'x'",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.usefixtures("dear_hashes")
async def test_a_user_is_made_with_its_roles_and_audited(change: Change, owner: asyncpg.Connection) -> None:
    user = await change(lambda access: access.users.create(SYSTEM, " Ada ", PASSWORD, ["ANALYST", "ANALYST"]))
    assert user.username == "ada"
    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert [r["role"] for r in await owner.fetch("SELECT role FROM spyne.user_roles")] == ["ANALYST"]
    (row,) = await _log(owner)
    assert (row["action"], row["verb"], row["entity_id"], row["actor_kind"]) == (
        "user:create",
        "CREATE",
        str(user.id),
        "system",
    )
    assert json.loads(row["after"])["roles"] == ["ANALYST"]


NO_USERS: list[tuple[str, str, list[str], type[InvalidRequest]]] = [
    ("", PASSWORD, [], InvalidName),
    ("a b", PASSWORD, [], InvalidName),
    ("x" * 65, PASSWORD, [], InvalidName),
    ("a\x00", PASSWORD, [], InvalidName),
    ("ada\n", "short", [], UnsuitablePassword),
    ("ada", "password1234", [], UnsuitablePassword),
    ("ada lovelace", "short", ["ROOT"], InvalidRequest),
    ("ada", "short", [], UnsuitablePassword),
    ("ada", "x" * 1025, [], UnsuitablePassword),
    ("ada", "x" * 12 + "\x00", [], UnsuitablePassword),
    ("ada", "x" * 12 + "\ud800", [], UnsuitablePassword),
    ("ada", PASSWORD, ["ADMIN", "ROOT"], UnknownRole),
]


async def test_a_user_that_cannot_be_made(change: Change, owner: asyncpg.Connection) -> None:
    for name, password, roles, refusal in NO_USERS:
        with pytest.raises(refusal) as refused:
            await change(lambda access, n=name, p=password, r=roles: access.users.create(SYSTEM, n, p, r))
        assert refused.value.faults
    assert await _log(owner) == []
    assert await owner.fetchval("SELECT count(*) FROM spyne.users") == 0


async def test_of_two_users_of_one_name_one_is_made(change: Change, owner: asyncpg.Connection) -> None:
    made = await asyncio.gather(
        *(change(lambda access: access.users.create(SYSTEM, "ada", PASSWORD, ["VIEWER"])) for _ in range(4)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in made) == ["NameTaken"] * 3 + ["User"]
    assert len(await _log(owner)) == 1


async def test_roles_status_and_password_change_with_both_sides_in_the_log(
    change: Change, owner: asyncpg.Connection
) -> None:
    await change(lambda access: access.users.create(SYSTEM, "root", PASSWORD, ["ADMIN"]))
    user = await change(lambda access: access.users.create(SYSTEM, "ada", PASSWORD, ["VIEWER"]))
    await change(lambda access: access.users.set_roles(SYSTEM, user.id, ["ADMIN", "ANALYST"]))
    await change(lambda access: access.users.disable(SYSTEM, user.id))
    *_, roles, status = await _log(owner)
    assert json.loads(roles["before"]) == {"roles": ["VIEWER"]}
    assert json.loads(roles["after"]) == {"roles": ["ADMIN", "ANALYST"]}
    assert (json.loads(status["before"]), json.loads(status["after"])) == ({"status": "active"}, {"status": "disabled"})
    kept = await owner.fetchrow("SELECT version, credentials_epoch FROM spyne.users WHERE username = 'ada'")
    assert tuple(kept) == (3, 1)


async def test_what_is_not_there_is_not_found(change: Change) -> None:
    with pytest.raises(NotFound):
        await change(lambda access: access.users.disable(SYSTEM, uuid4()))
    with pytest.raises(NotFound):
        await change(lambda access: access.clients.issue_key(SYSTEM, uuid4()))
    one = await change(lambda access: access.clients.create(SYSTEM, "one", []))
    two = await change(lambda access: access.clients.create(SYSTEM, "two", []))
    key, _ = await change(lambda access: access.clients.issue_key(SYSTEM, one.id))
    with pytest.raises(NotFound):
        await change(lambda access: access.clients.revoke_key(SYSTEM, two.id, key.id))


async def test_of_many_first_starts_one_makes_the_admin(change: Change, owner: asyncpg.Connection) -> None:
    made = await asyncio.gather(*(change(lambda access: access.users.ensure_first_admin()) for _ in range(4)))
    (credentials,) = [result for result in made if result is not None]
    assert credentials[0] == "admin"
    assert len(credentials[1]) >= 24
    assert await owner.fetchval("SELECT count(*) FROM spyne.users") == 1
    assert await change(lambda access: access.users.ensure_first_admin()) is None
    assert credentials[1] not in str([dict(row) for row in await _log(owner)])


async def test_an_admin_is_made_with_a_password_of_ones_own(change: Change) -> None:
    assert await change(lambda access: access.users.create_admin("Root", PASSWORD)) == ("root", PASSWORD)
