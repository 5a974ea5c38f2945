"""`spyne db`: migrations by hand. Its commands import what they need when they run, as those of `app/cli.py` do."""

from typing import Annotated

import typer

database = typer.Typer(
    help="Migrations by hand. `alembic` works in a checkout as well; `spyne migrate` is what an upgrade needs.",
    no_args_is_help=True,
)
Revision = Annotated[str, typer.Argument(help="A revision such as 0034, base or head, or steps: +1, -1.")]


@database.command("current")
def db_current() -> None:
    """Show which migration the database is at, and which this code needs."""
    from app.commands.database import revisions

    typer.echo(revisions.current())


@database.command("history")
def db_history() -> None:
    """List all migrations, the newest first, with when and by whom each was applied."""
    from app.commands.database import revisions

    typer.echo(revisions.history())


@database.command("upgrade")
def db_upgrade(revision: Revision = "head") -> None:
    """Make the logins, and apply migrations up to a revision."""
    from app.commands.database import revisions

    typer.echo(revisions.upgraded(revision))


@database.command("downgrade", context_settings={"ignore_unknown_options": True})  # -1 is no option
def db_downgrade(
    revision: Revision, yes: Annotated[bool, typer.Option("--yes", help="Revert what is listed.")] = False
) -> None:
    """List the migrations above a revision, and revert them with --yes. What their tables hold is lost."""
    from app.commands.database import revisions

    planned = revisions.reversal(revision)
    typer.echo(planned.as_text())
    if planned.reverted and yes:
        typer.echo(revisions.downgraded(planned))
    elif planned.reverted:
        typer.echo("Nothing was changed. Make a backup, and add --yes.", err=True)
        raise typer.Exit(1)


@database.command("stamp")
def db_stamp(revision: Revision) -> None:
    """Say which migration the database is at, without running any: after a repair by hand."""
    from app.commands.database import revisions

    typer.echo(revisions.stamped(revision))


@database.command("revision")
def db_revision(
    message: Annotated[str, typer.Option("--message", "-m", help="What the migration does, a sentence.")],
    autogenerate: Annotated[
        bool, typer.Option("--autogenerate", help="Fill it with what the models have and the database has not.")
    ] = False,
) -> None:
    """Write the file of a new migration, with the next number."""
    from app.commands.database import revisions

    typer.echo((revisions.derived_revision if autogenerate else revisions.empty_revision)(message))
