"""Requests and answers about requests for add-ons."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.addons.package.names import MAX_NAME_CHARACTERS, SOURCETYPE_PATTERN, addon_name, is_addon_name
from app.addons.requests.tracking.models import AddonRequest, RequestStep
from app.addons.requests.tracking.permissions import requestor_of
from app.addons.requests.tracking.repository import StepTime
from app.addons.requests.tracking.workflow import RequestAction, RequestStatus, open_to
from app.kernel.schemas import Reason, StrictModel
from app.kernel.security.authorization import Actor

MAX_METADATA_BYTES: Final = 8_192
"""Of `metadata` as JSON: a ticket, a cost centre, a few links."""


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")) > MAX_METADATA_BYTES:
        raise ValueError(f"at most {MAX_METADATA_BYTES} bytes as JSON")
    return value


def _folder(name: str) -> str:
    if not is_addon_name(name):
        raise ValueError("letters, digits, `.`, `_` and `-`, a letter first, such as TA-acme-vpn")
    return name


AddonName = Annotated[str, StringConstraints(max_length=MAX_NAME_CHARACTERS), AfterValidator(_folder)]
"""The folder of an app in Splunk: `app/addons/package/names.py`."""

IndexName = Annotated[str, StringConstraints(max_length=80, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""indexes.conf.spec: lower-case letters, digits, `_` and `-`, not at the beginning."""

SourceType = Annotated[str, StringConstraints(max_length=80, pattern=SOURCETYPE_PATTERN)]
"""Splunk's documentation of source types: letters, digits, `_`, and by habit `:`, `.` and `-`."""


class NewRequest(StrictModel):
    """A request for an add-on."""

    title: Annotated[Reason, Field(max_length=200)] = Field(
        description="What is asked for, in a line.", examples=["Add-on for the Acme VPN gateway"]
    )
    source_description: Reason = Field(
        description="What writes the logs, and how they reach Splunk.",
        examples=["Acme VPN 4.2, by syslog over TCP 514 to a heavy forwarder"],
    )
    addon_name: AddonName | None = Field(
        None,
        description="Folder of the add-on in Splunk, `TA-` before it; made of the title when absent.",
        examples=["TA-acme-vpn"],
    )
    index: IndexName | None = Field(None, description="Index that the events are to go to.", examples=["network"])
    sourcetype: SourceType | None = Field(None, description="Source type of the events.", examples=["acme:vpn"])
    metadata: Annotated[dict[str, Any], AfterValidator(_small)] = Field(
        default_factory=dict, description="Anything for own use, of at most 8 KiB.", examples=[{"ticket": "NET-4711"}]
    )

    @property
    def name(self) -> str:
        """The add-on's folder, made of the wished name or of the title; it begins with `TA-`."""
        return addon_name(self.addon_name or self.title)


class Decision(StrictModel):
    """Why a request is approved, rejected, cancelled or tried again, and where the decider believes that it stands."""

    reason: Reason = Field(description="Why, for the requestor and the audit log.", examples=["Sample looks complete."])
    from_status: RequestStatus | None = Field(
        None, description="Where the request stands, as the caller believes; 409 when it stands elsewhere."
    )


class StepDocument(StrictModel):
    """A change of a request's status."""

    action: RequestAction = Field(description="What was done.")
    from_status: RequestStatus = Field(description="Status before.")
    to_status: RequestStatus = Field(description="Status after.")
    at: datetime = Field(description="When.")
    seconds: float = Field(description="Seconds for which the request had the status before.")
    actor: str = Field(description="Who caused it, by name at that time.")
    reason_code: str | None = Field(description="Why, for programs.")
    reason: str | None = Field(description="Why, in words.")

    @classmethod
    def of(cls, row: RequestStep) -> "StepDocument":
        """The step of a row."""
        return cls(at=row.created_at, **{name: getattr(row, name) for name in cls.model_fields if name != "at"})


class AddonRequestDocument(StrictModel):
    """A request and where it stands."""

    id: UUID = Field(description="UUIDv7.")
    title: str = Field(description="What is asked for.")
    source_description: str = Field(description="What writes the logs, and how they reach Splunk.")
    addon_name: str = Field(description="Folder of the add-on in Splunk.", examples=["TA-acme-vpn"])
    index: str | None = Field(description="Wished index.")
    sourcetype: str | None = Field(description="Wished source type.")
    metadata: dict[str, Any] = Field(description="As the requestor gave it.")
    status: RequestStatus = Field(description="Where it stands.")
    status_since: datetime = Field(description="Since when.")
    reason_code: str | None = Field(
        description="Why it stands so, for programs: `withdrawn`, `rejected`, `cancelled`, `validation-failed`, …"
    )
    reason: str | None = Field(description="Why it stands so, in words.")
    requestor: str = Field(description="Who filed it, by name at that time.")
    created_at: datetime = Field(description="When it was filed.")
    submitted_at: datetime | None = Field(description="When it was submitted.")
    decided_at: datetime | None = Field(description="When it was approved or rejected.")
    decided_by: str | None = Field(description="Who decided, by name at that time.")
    completed_at: datetime | None = Field(description="When it came to its end.")
    actions: list[RequestAction] = Field(description="What the caller may do now.")
    links: dict[str, str] = Field(
        description="`self`, `samples`, `revisions`, `validations`, and `job` once one was on the way."
    )

    @classmethod
    def of(cls, row: AddonRequest, actor: Actor, **more: Any) -> Self:
        """The request as it stands, for this caller; `more` is what a subclass adds."""
        place = f"/api/addons/requests/{row.id}"
        links = {"self": place} | {each: f"{place}/{each}" for each in ("samples", "revisions", "validations")}
        links |= {"job": f"/system/jobs/{row.job_id}"} if row.job_id is not None else {}
        same = AddonRequestDocument.model_fields.keys() - {"index", "sourcetype", "metadata", "actions", "links"}
        return cls(
            **{name: getattr(row, name) for name in same},
            index=row.wished_index,
            sourcetype=row.wished_sourcetype,
            metadata=row.extra_metadata,
            actions=list(open_to(actor, requestor_of(row), RequestStatus(row.status))),
            links=links,
            **more,
        )


class AddonRequestDetail(AddonRequestDocument):
    """A request with all of its steps."""

    history: list[StepDocument] = Field(description="Every change of the status, oldest first.")


class StatusTime(StrictModel):
    """For how long requests had a status that they have left."""

    requests: int = Field(description="How often the status was left.")
    median_seconds: float = Field(description="Half of them were quicker.")
    longest_seconds: float = Field(description="The longest time.")


class AddonStatistics(StrictModel):
    """How the requests that the caller sees stand."""

    by_status: dict[RequestStatus, int] = Field(description="Requests by status; every status is there.")
    oldest_waiting_seconds: float | None = Field(
        description="Seconds for which the oldest request waits for approval; null when none waits."
    )
    time_by_status: dict[RequestStatus, StatusTime] = Field(
        description="Seconds that requests had each status, of those that have left the status."
    )

    @model_validator(mode="after")
    def _all_statuses(self) -> "AddonStatistics":
        for status in RequestStatus:
            self.by_status.setdefault(status, 0)
        return self

    @classmethod
    def of(cls, by_status: dict[str, int], oldest: float | None, times: Sequence[StepTime]) -> "AddonStatistics":
        """The statistics of what was counted."""
        shown = {
            RequestStatus(each.status): StatusTime(
                requests=each.requests, median_seconds=each.median_seconds, longest_seconds=each.longest_seconds
            )
            for each in times
        }
        counted = {RequestStatus(status): count for status, count in by_status.items()}
        return cls(by_status=counted, oldest_waiting_seconds=oldest, time_by_status=shown)
