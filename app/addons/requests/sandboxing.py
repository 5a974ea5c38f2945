"""What a Splunk for tests makes of a package, as a part of a validation's report."""

import json

from app.addons.requests.process import plain_json
from app.addons.requests.work import AddonWork, CheckedPackage, WorkBrokenError, WorkRefused, WorkTooLong
from app.addons.sandbox.report import SandboxReport, SandboxStatus
from app.addons.sandbox.trial import HOW_TO_CONFIGURE, SANDBOX_CHARACTERS, Sandbox


async def with_sandbox(
    checked: CheckedPackage, work: AddonWork, archive: bytes, sample: bytes, sourcetype: str | None, sandbox: Sandbox
) -> CheckedPackage:
    """The checked package, its report with `sandbox`. The trial decides nothing, however it ends. Nothing raises."""
    found = await _tried(work, archive, sample, sourcetype, sandbox)
    document = json.loads(plain_json(found.as_document()))  # a Splunk may show what PostgreSQL cannot keep
    return CheckedPackage(checked.passed, {**checked.report, "sandbox": document})


async def _tried(
    work: AddonWork, archive: bytes, sample: bytes, sourcetype: str | None, sandbox: Sandbox
) -> SandboxReport:
    if not sandbox.is_configured:
        return SandboxReport(SandboxStatus.SKIPPED, HOW_TO_CONFIGURE)
    try:
        trial = await work.trial(archive, sample, sourcetype, SANDBOX_CHARACTERS)
    except (WorkRefused, WorkTooLong, WorkBrokenError):
        return SandboxReport(SandboxStatus.SKIPPED, "The beginning of the sample cannot be replayed for a comparison.")
    return await sandbox.tried(trial)
