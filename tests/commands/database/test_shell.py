"""`alembic` from a shell: on the embedded server, on a server of one's own, as an owner that is no superuser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.commands.environment import open_environment
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.kernel.embedded import ServerAddress
from app.kernel.security.secrets import load_secret
from app.settings import Settings
from tests import owners
from tests.commands.database.shell import Checkout, alembic, asked, spyne, value
from tests.commands.test_plain_owner import managed
from tests.conftest import SECRET
from tests.processes import installation

pytestmark = pytest.mark.slow

HEAD = migrations.head()
BEFORE = f"{int(HEAD) - 1:04}"
SECRET_TEXT = SECRET._value.decode()
SCHEMAS = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('spyne', 'jobs', 'data', 'staging')"


def test_from_nothing_on_the_embedded_server() -> None:
    with installation() as place:
        for looking in ("current", "check", "history -i"):
            said = alembic(place, *looking.split(), code=1)
            assert said.startswith(f"alembic: There is no database in {place.home} yet: `alembic upgrade head`")
            assert said.count("\n") == 1
        assert HEAD in alembic(place, "heads")
        assert HEAD in alembic(place, "show", "head")
        assert alembic(place, "history").count(" -> ") == int(HEAD)
        assert not place.home.exists(), "looking makes nothing"
        load_secret(Settings(home=place.home))
        assert "There is no database" in alembic(place, "current", code=1)
        assert not (place.home / "postgres").exists()
        alembic(place, "upgrade", "head")
        assert place.postgres() is None
        with open_environment(Settings(home=place.home)) as running:  # as a service does that is there meanwhile
            url = running.urls.owner
            assert f"{HEAD} (head)" in alembic(place, "current")
            assert "No new upgrade operations detected" in alembic(place, "check")
            assert value(url, "SELECT secret_fingerprint FROM spyne.installation") is not None
            spyne(place, "client", "create", "reader", "--role", "VIEWER")
            alembic(place, "downgrade", "-1")
            assert BEFORE in alembic(place, "current")
            assert "not up to date" in alembic(place, "check", code=255)
            alembic(place, "stamp", "head")
            assert HEAD in alembic(place, "current")
            alembic(place, "stamp", BEFORE)
            alembic(place, "upgrade", "+1")
            assert f"{HEAD} (head)" in alembic(place, "current", "--check-heads")
            assert place.postgres() is not None
        assert place.postgres() is None


@pytest.fixture
def empty(server: ServerAddress, worker_id: str) -> Iterator[str]:
    """The owner's URL of a database in which nothing is yet."""
    name = f"shell_{worker_id}"
    administration = server.url("postgres")
    asked(administration, lambda postgres: postgres.execute(f'CREATE DATABASE "{name}"{owners.belonging()}'))
    yield owners.owner_url(server, name)
    asked(administration, lambda postgres: postgres.execute(f'DROP DATABASE "{name}" WITH (FORCE)'))


def test_looking_changes_nothing_in_an_empty_database(empty: str) -> None:
    with installation(DATABASE_URL=empty) as place:
        assert alembic(place, "current").strip() == ""
        assert "not up to date" in alembic(place, "check", code=255)
        assert "not up to date" in alembic(place, "revision", "-m", "x", "--autogenerate", code=255)
        assert HEAD in alembic(place, "history", "-i")
        assert value(empty, SCHEMAS) == 0
        assert not place.home.exists()


def test_up_and_down_on_a_server_of_ones_own(empty: str) -> None:
    with installation(DATABASE_URL=empty, SPYNE_SECRET=SECRET_TEXT) as place:
        alembic(place, "upgrade", "0003")
        assert value(empty, "SELECT version_num FROM spyne.alembic_version") == "0003"
        alembic(place, "upgrade", "head")
        alembic(place, "downgrade", "base")
        assert alembic(place, "current").strip() == ""
        alembic(place, "upgrade", "head")
        spyne(place, "migrate")
        assert not (place.home / "postgres").exists()


def test_an_owner_that_is_no_superuser() -> None:
    with managed("shell_owner") as there:
        alembic(there.spyne, "upgrade", "head")
        assert f"{HEAD} (head)" in alembic(there.spyne, "current")
        spyne(there.spyne, "client", "create", "reader", "--role", "VIEWER")
        assert "* " + HEAD in spyne(there.spyne, "db", "history")
        alembic(there.spyne, "downgrade", "-1")
        assert f"applies:\n  {HEAD}" in spyne(there.spyne, "db", "current")


UNREACHABLE = "postgresql+asyncpg://owner:hush-hush@127.0.0.1:1/spyne"
FAULTS = {
    "nobody there": ({"DATABASE_URL": UNREACHABLE}, "The database cannot be "),
    "no address": ({"DATABASE_URL": "nonsense:hush-hush"}, "DATABASE_URL is not an address"),
    "another database": ({"DATABASE_URL": "mysql://root:hush-hush@h/d"}, "DATABASE_URL names mysql"),
    "beyond the bounds": ({"DATABASE_POOL_SIZE": "0"}, "DATABASE_POOL_SIZE: "),
}


@pytest.mark.parametrize("command", ["upgrade head", "current"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line(name: str, command: str) -> None:
    environment, expected = FAULTS[name]
    with installation(**environment, SPYNE_SECRET="hush-hush, which is long enough to be one") as place:
        said = alembic(place, *command.split(), code=1)
        assert said.startswith("alembic: ")
        assert said.count("\n") == 1
        assert expected in said
        assert "hush-hush" not in said


def test_another_secret_is_refused_and_no_secret_is_made(urls: DatabaseUrls) -> None:
    asked(urls.owner, lambda owner: owner.execute(
        "INSERT INTO spyne.installation (secret_fingerprint) VALUES ('of-another')"))  # fmt: skip
    with installation(DATABASE_URL=urls.owner, SPYNE_SECRET=SECRET_TEXT) as place:
        assert "another service secret" in alembic(place, "upgrade", "head", code=1)
        assert f"{HEAD} (head)" in alembic(place, "current"), "who looks needs no secret"
    with installation(DATABASE_URL=urls.owner) as place:
        assert "whose service secret is not here" in alembic(place, "downgrade", "-1", code=1)
        assert not (place.home / "secret").exists()


def test_offline_migrations_are_refused(urls: DatabaseUrls) -> None:
    with installation(DATABASE_URL=urls.owner, SPYNE_SECRET=SECRET_TEXT) as place:
        assert "Offline migrations are not supported" in alembic(place, "upgrade", "head", "--sql", code=1)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


EMPTY = '''"""Things: 'what' they are."""

revision = "{0}"
down_revision = "{1}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
'''


def test_new_revisions_look_like_the_others(checkout: Checkout, urls: DatabaseUrls) -> None:
    following, last = f"{int(HEAD) + 1:04}", f"{int(HEAD) + 2:04}"
    with installation() as nowhere:
        checkout.run(nowhere, "revision", "-m", 'Things: "what" they are.')
        assert not nowhere.home.exists(), "no database is needed"
    (made,) = checkout.versions.glob(f"{following}_*")
    assert made.name == f"{following}_things_what_they_are.py"
    assert made.read_text() == EMPTY.format(following, HEAD)
    with installation(DATABASE_URL=urls.owner, SPYNE_SECRET=SECRET_TEXT) as place:
        checkout.run(place, "upgrade", "head")
        checkout.run(place, "revision", "--autogenerate", "-m", "Nothing")
        made = checkout.versions / f"{last}_nothing.py"
        assert made.read_text().partition("\n\n")[2] == EMPTY.format(last, following).partition("\n\n")[2]
        made.unlink()
        gone = "ALTER TABLE spyne.installation DROP COLUMN secret_since; DROP TABLE spyne.knowledge_embeddings"
        asked(urls.owner, lambda owner: owner.execute(gone))
        checkout.run(place, "revision", "--autogenerate", "-m", "Back again")
        made = checkout.versions / f"{last}_back_again.py"
        assert "op.add_column" in made.read_text()
        assert "op.create_table" in made.read_text()
        assert "auto generated" not in made.read_text()
        assert checkout.passes_ruff(made)
        checkout.run(place, "revision", "--rev-id", "special", "-m", "By another name")
        assert (checkout.versions / "special_by_another_name.py").exists()
