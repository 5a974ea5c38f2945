"""What splunk-appinspect says of a package, as a part of a validation's report."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from app.addons.inspection.appinspect import inspect_package
from app.addons.inspection.report import Inspection, InspectionStatus
from app.addons.requests.work import CheckedPackage


async def with_inspection(checked: CheckedPackage, archive: bytes, executable: Path | None) -> CheckedPackage:
    """The checked package, its report with `inspection`: passed only where the checker finds no error and no failure.

    A checker that is missing or breaks decides nothing: `inspection` says so, and why. Nothing raises.
    """
    found = await _inspected(archive, executable)
    passed = checked.passed and found.status is not InspectionStatus.FAILED
    return CheckedPackage(passed, {**checked.report, "passed": passed, "inspection": asdict(found)})


async def _inspected(archive: bytes, executable: Path | None) -> Inspection:
    try:
        with TemporaryDirectory(prefix="spyne-inspection-") as room:
            path = Path(room) / "package"
            await asyncio.to_thread(path.write_bytes, archive)
            return await inspect_package(path, executable)
    except OSError as error:  # its text may name paths of this machine
        return Inspection(InspectionStatus.BROKEN, f"splunk-appinspect cannot be run: {type(error).__name__}.")
