"""splunk-appinspect is run with limits, and its report is read whatever it holds.

A small script stands for the checker. The real one is run where ADDONS_APPINSPECT names it.
"""

import asyncio
import json
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.addons.inspection.appinspect import inspect_package
from app.addons.inspection.report import InspectionStatus
from app.addons.package.archives import write_archive
from app.addons.package.files import Package
from tests.addons.lint.good import NAME, good_files, good_package
from tests.waiting import eventually

REAL = os.environ.get("ADDONS_APPINSPECT")
MEMORY = 512 * 1024 * 1024


def checker(folder: Path, body: str) -> Path:
    """A program that has `report` (a path) and `archive` (a path) and runs that body."""
    path = folder / "checker"
    head = f"#!{sys.executable}\nimport os, sys, time, subprocess\nfrom pathlib import Path\n"
    names = "report = Path(sys.argv[sys.argv.index('--output-file') + 1])\narchive = Path(sys.argv[2])\n"
    path.write_text(head + names + body)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def report(*results: str, summary: dict[str, Any] | None = None) -> str:
    """A report whose checks have those results, each with a message."""
    message = {"message": "is wrong", "message_filename": "default/app.conf", "message_line": 7}
    checks = [{"name": f"check_{each}", "result": each, "messages": [{**message, "result": each}]} for each in results]
    document = {
        "summary": summary or {},
        "reports": [{"run_parameters": {"appinspect_version": "4.3.1"}, "groups": [{"checks": checks}]}],
    }
    return f"report.write_text({json.dumps(document)!r})\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "stored"
    path.write_bytes(write_archive(good_package()))
    return path


async def test_a_package_without_failures_passes(tmp_path: Path, archive: Path) -> None:
    body = report("success", "success", "not_applicable", "warning")
    found = await inspect_package(archive, checker(tmp_path, body))
    assert (found.status, found.version) == (InspectionStatus.PASSED, "4.3.1")
    assert (found.counts["success"], found.counts["warning"], found.counts["failure"]) == (2, 1, 0)
    assert [each.name for each in found.checks] == ["check_warning"]


@pytest.mark.parametrize("result", ["failure", "error"])
async def test_failures_and_errors_fail_whatever_the_exit_code(tmp_path: Path, archive: Path, result: str) -> None:
    found = await inspect_package(archive, checker(tmp_path, report("warning", "success", result) + "sys.exit(0)"))
    assert found.status is InspectionStatus.FAILED
    first = found.checks[0]
    assert (first.name, first.result, first.message, first.file, first.line) == (
        *(f"check_{result}", result, "is wrong", "default/app.conf", 7),
    )


async def test_the_exit_code_is_not_believed(tmp_path: Path, archive: Path) -> None:
    found = await inspect_package(archive, checker(tmp_path, report("success") + "sys.exit(103)"))
    assert found.status is InspectionStatus.PASSED


async def test_a_failure_that_only_the_summary_counts_fails(tmp_path: Path, archive: Path) -> None:
    body = report("success", summary={"failure": 1})
    assert (await inspect_package(archive, checker(tmp_path, body))).status is InspectionStatus.FAILED


BROKEN = (
    ("crash", "raise ValueError('the\\x1b package')", "the  package"),
    ("silence", "", "wrote no report"),
    ("no JSON", "report.write_text('<html>')", "no JSON"),
    ("half JSON", "report.write_text('{\"reports\": [')", "no JSON"),
    ("deep JSON", "report.write_text('[' * 200_000)", "no JSON"),
    ("a list", "report.write_text('[1, 2]')", "names no check"),
    ("odd shapes", 'report.write_text(\'{"reports": [3, {"groups": {"checks": []}}]}\')', "names no check"),
    ("not UTF-8", "report.write_bytes(b'\\xff\\xfe{')", "no JSON"),
    ("a huge report", "report.write_bytes(b' ' * (17 * 1024 * 1024))", "more than"),
    ("a flood of output", "[sys.stdout.write('x' * 1_000_000) for _ in range(200)]", "wrote no report"),
    ("memory", "x = bytearray(600 * 1024 * 1024)", "MemoryError"),
    ("a link for a report", "report.symlink_to('/etc/hostname')", "wrote no report"),
)


@pytest.mark.parametrize(("body", "said"), [each[1:] for each in BROKEN], ids=[each[0] for each in BROKEN])
async def test_a_checker_that_breaks_is_said_to(tmp_path: Path, archive: Path, body: str, said: str) -> None:
    found = await inspect_package(archive, checker(tmp_path, body), seconds=30, memory_bytes=MEMORY)
    assert found.status is InspectionStatus.BROKEN
    assert said in (found.reason or "")
    assert (found.reason or "").isprintable()


ODD_CHECKS = (
    '{"reports": [{"groups": [{"checks": [{"name": 3, "result": "failure", "messages": [{"result": ["x"]}]}]}]}]}'
)


async def test_a_check_without_sound_fields_counts_all_the_same(tmp_path: Path, archive: Path) -> None:
    found = await inspect_package(archive, checker(tmp_path, f"report.write_text({ODD_CHECKS!r})"))
    assert (found.status, found.counts["failure"], len(found.checks)) == (InspectionStatus.FAILED, 1, 1)


@pytest.mark.parametrize("executable", [None, Path("/nowhere/splunk-appinspect"), Path("/"), Path(__file__)])
async def test_a_missing_checker_is_skipped_and_says_how_to_install(archive: Path, executable: Path | None) -> None:
    found = await inspect_package(archive, executable)
    assert found.status is InspectionStatus.SKIPPED
    assert "pip install splunk-appinspect" in (found.reason or "")


HANGING = (
    "child = subprocess.Popen(['/bin/sleep', '600'])\n"
    "Path(PIDS).write_text(f'{os.getpid()} {child.pid}')\n"
    "time.sleep(600)\n"
)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def _gone(pids: list[int]) -> bool:
    return not any(alive(pid) for pid in pids)


async def test_a_checker_that_hangs_is_killed_with_its_children(tmp_path: Path, archive: Path) -> None:
    pids = tmp_path / "pids"
    hanging = checker(tmp_path, HANGING.replace("PIDS", repr(str(pids))))
    begin = time.monotonic()
    found = await inspect_package(archive, hanging, seconds=2)
    assert time.monotonic() - begin < 8
    assert found.status is InspectionStatus.BROKEN
    assert "stopped after 2 seconds" in (found.reason or "")
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2
    await eventually(lambda: _gone(started))


async def test_a_cancelled_inspection_leaves_nothing(tmp_path: Path, archive: Path) -> None:
    pids = tmp_path / "pids"
    hanging = checker(tmp_path, HANGING.replace("PIDS", repr(str(pids))))
    task = asyncio.create_task(inspect_package(archive, hanging, seconds=60))

    async def began() -> bool:
        return pids.exists() and len(pids.read_text().split()) == 2

    await eventually(began)
    started = [int(pid) for pid in pids.read_text().split()]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: _gone(started))


async def test_the_checker_sees_the_archive_and_nothing_of_our_environment(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPYNE_SECRET", "x")
    seen, size = tmp_path / "seen", len(write_archive(good_package()))
    body = f"Path({str(seen)!r}).write_text(str(sorted(os.environ)) + archive.name + str(archive.stat().st_size))\n"
    await inspect_package(archive, checker(tmp_path, body + report("success")))
    text = seen.read_text()
    assert "SPYNE_SECRET" not in text
    assert f"package.spl{size}" in text


@pytest.mark.skipif(REAL is None, reason="ADDONS_APPINSPECT names no splunk-appinspect")
async def test_the_real_checker_passes_the_good_package_and_refuses_a_bad_one(tmp_path: Path, archive: Path) -> None:
    good = await inspect_package(archive, Path(REAL or ""))
    assert (good.status, good.counts["error"], good.counts["failure"], good.counts["warning"]) == (
        *(InspectionStatus.PASSED, 0, 0, 0),
    ), good
    bad = tmp_path / "bad"
    bad.write_bytes(write_archive(Package(NAME, {**good_files(), "local/props.conf": b"[a]\n"})))
    refused = await inspect_package(bad, Path(REAL or ""))
    assert refused.status is InspectionStatus.FAILED
    assert "check_that_local_does_not_exist" in {each.name for each in refused.checks}
