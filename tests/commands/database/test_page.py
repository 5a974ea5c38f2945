"""Every command of docs/database.md is run as it stands there, one after another, and every statement too."""

import re
import shlex
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from app.commands.environment import open_environment
from app.settings import Settings
from tests.commands.database.shell import ROOT, Checkout, alembic, asked, spyne
from tests.processes import Installation, installation

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "database.md").read_text(encoding="utf-8")
REFUSED = "exit code 1"
"""In the remark behind a command that ends so."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def perform(place: Installation, checkout: Checkout, line: str) -> None:
    """Run a command of the page; a backup goes beside the state directory, a new revision into a copy."""
    command, _, remark = line.partition("  ")
    program, *arguments = shlex.split(command.partition("#")[0].removeprefix("$ "))
    code = 1 if REFUSED in remark else 0
    match program, arguments:
        case "alembic", ["revision", *_]:
            checkout.run(place, *arguments)
        case "alembic", _:
            alembic(place, *arguments, code=code)
        case "spyne", ["backup", "--to", name]:
            spyne(place, "backup", "--to", str(place.home.parent / name))
        case "spyne", _:
            spyne(place, *arguments, code=code)
        case "python", [script]:
            assert (ROOT / script).exists()
        case _:
            pytest.fail(f"nobody runs {line}")


def test_the_commands_and_statements_of_the_page(tmp_path: Path) -> None:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert len(lines) > 15
    with installation() as place:
        spyne(place, "migrate")
        with open_environment(Settings(home=place.home)) as running:
            checkout = Checkout(tmp_path)
            for line in lines:
                perform(place, checkout, line)
            statements = [each for block in blocks("sql") for each in block.split(";") if each.strip()]
            assert len(statements) == 4
            for statement in statements:
                asked(running.urls.owner, partial(asyncpg.Connection.fetch, query=statement))
