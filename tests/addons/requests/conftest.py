"""People of the add-on plane, and its work: done at once for tests that are about what happens around it."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.addons.package.files import Package
from app.addons.requests.work import AddonWork, BuiltPackage, CheckedPackage
from app.kernel.runtime.resources import Resources
from tests.conftest import ClientOf


@pytest.fixture
def running(app: FastAPI) -> Resources:
    """What the running application was opened with."""
    resources: Resources = app.state.resources
    return resources


@pytest.fixture
async def requestor(as_role: ClientOf) -> httpx.AsyncClient:
    """A requestor's client."""
    return await as_role("REQUESTOR")


@pytest.fixture
async def approver(as_role: ClientOf) -> httpx.AsyncClient:
    """An approver's client."""
    return await as_role("APPROVER")


PROPS = b"[acme:vpn]\nSHOULD_LINEMERGE = false\nTIME_FORMAT = %s\n"


async def _built(_: AddonWork, sample: bytes, name: str, __: str | None) -> BuiltPackage:
    files = {
        "default/app.conf": f"[package]\nid = {name}\n".encode(),
        "default/props.conf": PROPS,
        "README.md": f"Made of {len(sample)} bytes.\n".encode(),
    }
    return BuiltPackage(Package(name, files), {"sourcetype": "acme:vpn"})


async def _checked(*_: Any) -> CheckedPackage:
    return CheckedPackage(passed=True, report={"passed": True, "faults": []})


@pytest.fixture(autouse=True)
def _quick_work(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small package that passes, without a process; but for tests that ask for `real_work`."""
    if "real_work" not in request.fixturenames:
        monkeypatch.setattr(AddonWork, "build", _built)
        monkeypatch.setattr(AddonWork, "check", _checked)


@pytest.fixture
def real_work() -> None:
    """The generator and the replay, each in a process of its own."""
