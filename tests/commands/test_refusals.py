"""Errors that commands are expected to end with become a line; those that nobody expected stay what they are."""

import asyncpg
import pytest

from app import cli
from app.access.oidc.background import OidcSettingsError
from app.access.signing.pem import SigningKeyError
from app.commands import environment, process, refusals
from app.commands.audit import CannotVerifyError
from app.commands.demonstration import DemoError
from app.commands.environment import NoEnvironmentError
from app.kernel.dumping.programs import NoProgramError, ProgramError
from app.kernel.problems import Conflict, Fault, InvalidRequest

FAULTS = [Fault(pointer="/a", code="x", message="A is odd."), Fault(pointer="/b", code="x", message="B is even.")]
UNFORESEEN = [ZeroDivisionError("0"), KeyError("a"), RuntimeError("why")]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NoEnvironmentError("Set it."), "Set it."),
        (ProgramError("It failed."), "It failed."),
        (NoProgramError("None here."), "None here."),
        (DemoError("No service."), "No service."),
        (SigningKeyError("It is weak."), "It is weak."),
        (OidcSettingsError("No such role."), "No such role."),
        (Conflict("There is one."), "There is one."),
        (InvalidRequest("Wrong.", faults=FAULTS), "Wrong. A is odd. B is even."),
        (CannotVerifyError("It cannot be read."), None),
        (OSError("refused"), None),
        *[(error, None) for error in UNFORESEEN],
    ],
)
def test_an_expected_error_is_a_line(error: Exception, line: str | None) -> None:
    assert refusals.refusal(error) == line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NoEnvironmentError("Set it."), "Set it."),
        (CannotVerifyError("It cannot be read."), "It cannot be read."),
        (Conflict("There is one."), "There is one."),
        (
            asyncpg.UndefinedTableError("what it may hold"),
            "The database failed on it: UndefinedTableError, SQLSTATE 42P01.",
        ),
        (
            ConnectionResetError("what it may hold"),
            "The database failed on it: ConnectionResetError, SQLSTATE unknown.",
        ),
        (DemoError("No service."), None),
        *[(error, None) for error in UNFORESEEN],
    ],
)
def test_what_keeps_a_verification_from_its_answer_is_a_line(error: Exception, line: str | None) -> None:
    assert refusals.no_answer(error) == line


@pytest.mark.parametrize("command", ["migrate", "verify"])
def test_an_error_that_nobody_expected_is_not_swallowed(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(environment, "read_settings", fails)
    monkeypatch.setattr(process, "begin", lambda: None)
    monkeypatch.setattr("sys.argv", ["spyne", command])
    with pytest.raises(ZeroDivisionError):
        cli.main()
