"""The add-on that the README shows: what goes in gives what the page says comes out."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli

README = (Path(__file__).parents[3] / "README.md").read_text()


def test_the_readme_shows_what_the_command_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = README.partition("## An add-on for Splunk")[2].partition("\n## ")[0]
    log, console = re.findall(r"```(?:text|console)\n(.*?)```", section, re.DOTALL)
    command, *shown = console.splitlines()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme-vpn.log").write_text(log)
    result = CliRunner().invoke(cli, command.removeprefix("$ .venv/bin/spyne ").split())
    assert result.exit_code == 0, result.output
    said = iter(result.output.splitlines())
    for line in shown:
        assert line.strip() == "…" or line in said, (line, result.output)
