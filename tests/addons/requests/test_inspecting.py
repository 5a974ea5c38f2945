"""What the checker finds decides a validation; a checker that is missing or broken does not."""

import json
import stat
import sys
from pathlib import Path

import httpx
import pytest

from app.addons.package.archives import write_archive
from app.addons.requests.inspecting import with_inspection
from app.addons.requests.work import CheckedPackage
from app.kernel.runtime.resources import Resources
from app.settings import AddonSettings, Settings
from tests.addons.lint.good import good_package
from tests.addons.requests.steps import ROOT, approved, document, shown, worked

ARCHIVE = write_archive(good_package())


def checker(folder: Path, result: str) -> Path:
    """A program that reports one check with that result; with `crash` it writes none."""
    document = {"reports": [{"groups": [{"checks": [{"name": "check_it", "result": result}]}]}]}
    write = f"open(sys.argv[sys.argv.index('--output-file') + 1], 'w').write({json.dumps(document)!r})"
    path = folder / "checker"
    path.write_text(f"#!{sys.executable}\nimport sys\n{'sys.exit(3)' if result == 'crash' else write}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("result", "status", "may_pass"),
    [
        ("success", "passed", True),
        ("warning", "passed", True),
        ("failure", "failed", False),
        ("error", "failed", False),
        ("crash", "broken", True),
    ],
)
async def test_the_checker_decides_where_it_has_an_answer(
    tmp_path: Path, before: bool, result: str, status: str, may_pass: bool
) -> None:
    found = await with_inspection(CheckedPackage(before, {"lint": 1}), ARCHIVE, checker(tmp_path, result))
    assert found.passed is (before and may_pass)
    assert (found.report["lint"], found.report["inspection"]["status"]) == (1, status)
    json.dumps(found.report)


@pytest.mark.parametrize("executable", [None, Path("/nowhere/splunk-appinspect")])
async def test_without_a_checker_it_is_said_and_decides_nothing(executable: Path | None) -> None:
    found = await with_inspection(CheckedPackage(passed=True, report={}), ARCHIVE, executable)
    assert found.passed
    assert found.report["inspection"]["status"] == "skipped"
    assert "not installed" in found.report["inspection"]["reason"]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that name a checker, whose check fails."""
    monkeypatch.setenv("ADDONS_APPINSPECT", str(checker(tmp_path, "failure")))
    return settings.model_copy(update={"addons": AddonSettings()})


async def test_a_failure_of_the_checker_fails_the_run_and_the_request(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources
) -> None:
    request_id = await approved(requestor, approver)
    await worked(running)
    run = document(await requestor.get(f"{ROOT}/{request_id}/validations/1"), 200)
    inspection = run["report"]["inspection"]
    assert (run["status"], run["error_code"], inspection["status"]) == ("FAILED", None, "failed")
    assert [(each["name"], each["result"]) for each in inspection["checks"]] == [("check_it", "failure")]
    assert run["report"]["passed"] is False
    found = await shown(requestor, request_id)
    assert (found["status"], found["reason_code"]) == ("FAILED", "validation-failed")
