"""What a build says of itself: the verdict and its reasons, plain JSON, bounded work on large samples."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.building.build import MAX_REPLAYED_CHARACTERS, build_addon, check_package
from app.addons.package.files import Package
from tests.addons.generator.logs import LOGS, VPN, Log


def changed(package: Package, props: bytes) -> Package:
    return Package(package.name, {**package.files, "default/props.conf": props})


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_reports_are_plain_json(log: Log) -> None:
    report = build_addon(log.lines.encode(), log.name).report_document()
    assert json.loads(json.dumps(report)) == report
    assert report["events"] == len(log.expected_events)
    assert report["files"] == sorted(report["files"])


def test_why_a_package_does_not_pass() -> None:
    built = build_addon(VPN.lines.encode(), "acme")
    broken = built.package.files["default/props.conf"] + b"EXTRACT-x = (?<a>[\n"
    checked = check_package(changed(built.package, broken), VPN.lines.encode())
    assert not checked.passed
    assert checked.faults[0].startswith("default/props.conf: ")


def test_a_pattern_that_reaches_the_match_limit_fails_a_package() -> None:
    built = build_addon(VPN.lines.encode(), "acme")
    slow = built.package.files["default/props.conf"] + b"EXTRACT-slow = (?<a>(?:\\S+\\s?)+)[\x01\x02]\n"
    checked = check_package(changed(built.package, slow), VPN.lines.encode())
    assert any("EXTRACT-slow reaches Splunk's match limit" in fault for fault in checked.faults)


def test_a_package_without_a_sourcetype_gives_no_field() -> None:
    assert "No event of the sample gave a field." in check_package(Package("TA-x"), b"hello world\n").faults


def test_a_large_sample_is_replayed_from_its_beginning() -> None:
    line = VPN.lines.splitlines()[0] + "\n"
    content = (line * (2 * MAX_REPLAYED_CHARACTERS // len(line))).encode()
    built = build_addon(content, "acme")
    assert built.checked.replayed.report.events == MAX_REPLAYED_CHARACTERS // len(line)
    assert built.checked.passed


@given(st.dictionaries(st.sampled_from(["default/props.conf", "default/transforms.conf"]), st.binary(max_size=200)))
def test_any_package_gets_a_report(files: dict[str, bytes]) -> None:
    json.dumps(check_package(Package("TA-x", files), VPN.lines.encode()).report_document())
