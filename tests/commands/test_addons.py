"""`spyne addon build` and `check`: without a server, with reports for people and for programs, and clear refusals."""

import gzip
import json
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import cli
from app.commands.refusals import refusal
from tests.addons.generator.logs import PROSE, VPN


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, ["addon", *map(str, words)])


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    file = tmp_path / "acme.log"
    file.write_text(VPN.lines)
    return file


@pytest.fixture
def built(tmp_path: Path, sample: Path) -> Path:
    assert run("build", sample, "--name", "acme-vpn", "--out", tmp_path / "out").exit_code == 0
    return tmp_path / "out"


def test_build_writes_the_archive_and_the_files(built: Path) -> None:
    with tarfile.open(built / "TA-acme-vpn-1.0.0.tar.gz") as archive:
        names = set(archive.getnames())
    assert {"TA-acme-vpn/default/props.conf", "TA-acme-vpn/metadata/default.meta"} <= names
    assert (built / "TA-acme-vpn/default/props.conf").read_text().startswith("[acme:vpn]")


def test_the_report_as_json(tmp_path: Path, sample: Path) -> None:
    result = run("build", sample, "--name", "acme-vpn", "--out", tmp_path / "out", "--sourcetype", "vpn", "--json")
    report = json.loads(result.output)
    assert (report["passed"], report["faults"], report["sourcetype"], report["events"]) == (True, [], "vpn", 4)
    assert report["time"]["share"] == 1.0
    assert {"name": "srcport", "events": 4, "examples": ["50122", "61120", "40001"]} in report["extraction"]["fields"]


@pytest.mark.parametrize("form", ["TA-acme-vpn-1.0.0.tar.gz", "TA-acme-vpn"])
def test_check_takes_an_archive_or_a_folder(built: Path, sample: Path, form: str) -> None:
    result = run("check", built / form, "--sample", sample)
    assert result.exit_code == 0
    assert result.output.startswith("passed\n4 events")


def test_check_says_which_lines_are_not_read_and_how_far_the_expression_got(built: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    other.write_text(PROSE.lines)
    props = built / "TA-acme-vpn/default/props.conf"
    props.write_text(
        "[acme:vpn]\nSHOULD_LINEMERGE = false\nLINE_BREAKER = ([\\r\\n]+)\nKV_MODE = none\n"
        "EXTRACT-a = ^\\S+ host1 agentd\\[(?<pid>\\d+)\\]: Rejected\n"
    )
    result = run("check", built / "TA-acme-vpn", "--sample", other)
    assert result.exit_code == 1
    assert "no field from line 1" in result.output
    assert "No event of the sample gave a field." in result.output


def test_check_finds_what_is_wrong_with_the_files(built: Path, sample: Path) -> None:
    props = built / "TA-acme-vpn/default/props.conf"
    props.write_text(props.read_text() + "EXTRACT-broken = (?<a>[\nTIME_FORMTA = %Y\n")
    result = run("check", built / "TA-acme-vpn", "--sample", sample, "--json")
    assert result.exit_code == 1
    found = {finding["code"]: finding for finding in json.loads(result.output)["lint"]}
    assert any(finding["key"] == "EXTRACT-broken" for finding in found.values())
    assert any("TIME_FORMAT" in finding["message"] for finding in found.values())


def test_refusals_are_lines_for_people(tmp_path: Path, sample: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x7fELF\x00\x00")
    archive = tmp_path / "no.tar.gz"
    archive.write_bytes(b"no archive")
    empty = tmp_path / "empty"
    empty.mkdir()
    for words in (
        ("build", binary, "--name", "x", "--out", tmp_path / "out"),
        ("check", archive, "--sample", sample),
        ("check", empty, "--sample", sample),
    ):
        result = run(*words)
        assert isinstance(result.exception, Exception)
        assert refusal(result.exception), words


@pytest.mark.parametrize(
    ("name", "sourcetype"), [("", None), ("///", None), ("x", "a b]c"), ("x", "a\n[b"), ("x", ""), ("x", "s" * 81)]
)
def test_names_that_are_none_are_refused(tmp_path: Path, sample: Path, name: str, sourcetype: str | None) -> None:
    words = ["--sourcetype", sourcetype] if sourcetype is not None else []
    result = run("build", sample, "--name", name, "--out", tmp_path / "out", *words)
    assert isinstance(result.exception, Exception)
    assert "such as acme" in (refusal(result.exception) or "")
    assert not (tmp_path / "out").exists()


def test_a_gzip_file_is_a_sample_and_a_broken_one_is_refused(tmp_path: Path, sample: Path) -> None:
    packed = tmp_path / "acme.log.gz"
    packed.write_bytes(gzip.compress(sample.read_bytes()))
    assert run("build", packed, "--name", "acme", "--out", tmp_path / "out").exit_code == 0
    packed.write_bytes(b"\x1f\x8bnothing")
    result = run("build", packed, "--name", "acme", "--out", tmp_path / "out")
    assert isinstance(result.exception, Exception)
    assert "is none" in (refusal(result.exception) or "")


def test_a_sourcetype_that_the_package_has_not_is_said(built: Path, sample: Path) -> None:
    result = run("check", built / "TA-acme-vpn", "--sample", sample, "--sourcetype", "nope")
    assert result.exit_code == 1
    assert "no sourcetype nope; in default/props.conf stand: acme:vpn" in result.output
