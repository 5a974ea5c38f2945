"""`spyne snapshot`: the way back of a `snapshot` export."""

from pathlib import Path

from app.commands.environment import Environment, NoEnvironmentError
from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.dumping.programs import ProgramError
from app.operations.exports.snapshot.archive import NotASnapshotError
from app.operations.exports.snapshot.restoring import CannotRestoreError, restore


async def restore_snapshot(environment: Environment, path: Path) -> str:
    """Put the snapshot into the empty database; answers what was done. Raises `NoEnvironmentError`."""
    try:
        app_role = environment.settings.database.app_role
        done = await restore(environment.urls.owner, path, environment.secret, app_role)
    except (NotASnapshotError, CannotRestoreError) as error:
        raise NoEnvironmentError(str(error)) from error
    except (ProgramError, *DATABASE_FAILURES) as error:
        raise NoEnvironmentError(f"Nothing was restored: {type(error).__name__}: {error}") from error
    control = len(done.tables) - done.relations
    return f"{done.rows:,} rows of {control} control tables and {done.relations} relations, as of {done.taken_at}."
