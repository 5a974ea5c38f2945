"""What the audit log calls what happens to requests for add-ons, their samples, revisions and validation runs."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from app.addons.requests.tracking.workflow import RequestAction

REQUEST: Final = "addon_request"
SAMPLE: Final = "addon_sample"
REVISION: Final = "addon_revision"
VALIDATION: Final = "addon_validation"
"""What the actions are done to."""


class AddonAction(StrEnum):
    """Acts on a request, from its filing to its end."""

    FILED = "addon-request:create"
    SUBMITTED = "addon-request:submit"
    APPROVED = "addon-request:approve"
    REJECTED = "addon-request:reject"
    CANCELLED = "addon-request:cancel"
    RETRIED = "addon-request:retry"
    REVISED = "addon-request:revise"
    GENERATING = "addon-request:generate"
    VALIDATING = "addon-request:validate"
    COMPLETED = "addon-request:complete"
    FAILED = "addon-request:fail"
    SAMPLE_UPLOADED = "addon-sample:upload"
    SAMPLE_DELETED = "addon-sample:delete"
    REVISION_GENERATED = "addon-revision:create"
    REVISION_UPLOADED = "addon-revision:upload"
    REVISION_DOWNLOADED = "addon-revision:download"
    VALIDATION_STARTED = "addon-validation:start"
    VALIDATION_ENDED = "addon-validation:end"


OF_STEP: Final[Mapping[RequestAction, AddonAction]] = {
    RequestAction.SUBMIT: AddonAction.SUBMITTED,
    RequestAction.APPROVE: AddonAction.APPROVED,
    RequestAction.REJECT: AddonAction.REJECTED,
    RequestAction.CANCEL: AddonAction.CANCELLED,
    RequestAction.RETRY: AddonAction.RETRIED,
    RequestAction.REVISE: AddonAction.REVISED,
    RequestAction.GENERATE: AddonAction.GENERATING,
    RequestAction.VALIDATE: AddonAction.VALIDATING,
    RequestAction.COMPLETE: AddonAction.COMPLETED,
    RequestAction.FAIL: AddonAction.FAILED,
}
"""The audit action of each action of the workflow."""
