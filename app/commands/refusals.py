"""What the terminal says of errors that commands are expected to end with. It knows the errors of every plane.

So `app/cli.py` imports this module when an error has arrived, and not before.
"""

from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError

from app.access.oidc.background import OidcSettingsError
from app.access.signing.pem import SigningKeyError
from app.addons.generator.reading.sample import SampleRefused
from app.addons.generator.settings.identity import NameRefused
from app.addons.package.entries import ArchiveFault
from app.commands import audit
from app.commands.addons import AddonRefused
from app.commands.demonstration import DemoError
from app.commands.environment import NoEnvironmentError
from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.dumping.programs import ProgramError
from app.kernel.problems import Problem

_SAID = (NoEnvironmentError, ProgramError, Problem, CommandError, RevisionError)
"""Errors whose message is for whoever ran the command."""
_ADDONS = (SampleRefused, ArchiveFault, NameRefused, AddonRefused)


def refusal(error: Exception) -> str | None:
    """The line for an expected refusal; None for an error that nobody expected."""
    if not isinstance(error, (*_SAID, *_ADDONS, DemoError, SigningKeyError, OidcSettingsError)):
        return None
    return " ".join([str(error), *(fault.message for fault in getattr(error, "faults", ()))])


def no_answer(error: Exception) -> str | None:
    """The line for whatever keeps a verification from its answer; None for an error that nobody expected."""
    if isinstance(error, (*_SAID, audit.CannotVerifyError)):
        return str(error)
    return audit.described(error) if isinstance(error, DATABASE_FAILURES) else None
