"""The security policy as a document: what is sent, answered and stored. Values out of bounds are faults."""

from dataclasses import fields
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from app.kernel.problems import Fault
from app.kernel.schemas import StrictModel
from app.kernel.security.policy import LockoutPolicy, PasswordPolicy, SecurityPolicy, SessionPolicy, UploadPolicy

KIB: Final = 1024
MIN_BODY_BYTES: Final = 64 * KIB
"""Below this the policy itself, with all its networks, could not be put back."""
MAX_NETWORKS: Final = 500
DAY: Final = 86_400


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ValueError("this is no network, such as 203.0.113.0/24, or has bits beyond its length") from error


NetworkText = Annotated[str, Field(max_length=50, examples=["203.0.113.0/24"]), AfterValidator(_network)]
Networks = Annotated[list[NetworkText], Field(max_length=MAX_NETWORKS)]


class PasswordRules(StrictModel):
    """What a password must be."""

    min_length: int = Field(ge=8, le=128, description="Characters.")
    refuse_common: bool = Field(description="Whether well-known passwords and the user's own name are refused.")


class SessionLifetimes(StrictModel):
    """How long a log-in lasts."""

    idle_seconds: int = Field(ge=60, le=30 * DAY, description="Without a request it ends after this.")
    absolute_seconds: int = Field(ge=300, le=90 * DAY, description="It ends after this whatever happens.")
    refresh_seconds: int = Field(ge=300, le=365 * DAY, description="Life of an unused refresh token.")


class LockoutRules(StrictModel):
    """How many wrong passwords are taken."""

    failures: int = Field(ge=1, le=100, description="Of a name at an address within the window; then it is locked.")
    window_seconds: int = Field(ge=10, le=DAY, description="The window of a name at an address.")
    lock_seconds: int = Field(ge=10, le=DAY, description="How long a name at an address is locked.")
    failures_per_name: int = Field(30, ge=1, le=100_000, description="Of a name from anywhere, in the wide window.")
    failures_per_address: int = Field(ge=1, le=100_000, description="Of an address over all names, likewise.")
    wide_window_seconds: int = Field(ge=10, le=DAY, description="The window of these two.")


class UploadBounds(StrictModel):
    """How much may come in; null leaves the configured bound, and no policy raises it."""

    max_body_bytes: int | None = Field(None, ge=MIN_BODY_BYTES, le=2**62, description="Largest body but of a batch.")
    max_batch_bytes: int | None = Field(None, ge=KIB, le=2**62, description="Largest batch.")
    max_sample_bytes: int | None = Field(
        None, ge=KIB, le=2**62, description="Largest upload of a sample of logs, or of a package of an add-on."
    )


class PolicyDocument(StrictModel):
    """The security policy."""

    passwords: PasswordRules = Field(description="What a password must be.")
    sessions: SessionLifetimes = Field(description="How long a log-in lasts.")
    lockout: LockoutRules = Field(description="How many wrong passwords are taken.")
    uploads: UploadBounds = Field(description="How much may come in.")
    allowed_networks: Networks = Field(description="Where requests may come from; empty is everywhere.")
    never_blocked: Networks = Field(description="Networks that no rule blocks, and no admin by mistake.")

    @classmethod
    def of(cls, policy: SecurityPolicy) -> "PolicyDocument":
        """The document of a policy."""
        parts = {name: _written(getattr(policy, name)) for name in _PARTS}
        networks = {name: [str(network) for network in getattr(policy, name)] for name in _NETWORKS}
        return cls.model_validate(parts | networks)

    @classmethod
    def stored(cls, value: dict[str, Any]) -> "PolicyDocument":
        """The document that was stored, be it by an older version or a newer one.

        What this version does not know is left out, what the other did not know has its default: while versions
        change, processes of both must go on reading.
        """
        known = cls.of(SecurityPolicy()).model_dump(mode="json")
        for name, default in known.items():
            given = value.get(name, default)
            if isinstance(default, dict):
                given = default | {each: given[each] for each in default if each in given}
            known[name] = given
        return cls.model_validate(known)

    def policy(self) -> SecurityPolicy:
        """The policy of the document."""
        parts: dict[str, Any] = {name: _read(kind, getattr(self, name)) for name, kind in _PARTS.items()}
        networks: dict[str, Any] = {
            name: tuple(map(ip_network, dict.fromkeys(getattr(self, name)))) for name in _NETWORKS
        }
        return SecurityPolicy(**parts, **networks)


_PARTS: Final[dict[str, Any]] = {
    "passwords": PasswordPolicy, "sessions": SessionPolicy, "lockout": LockoutPolicy, "uploads": UploadPolicy
}  # fmt: skip
"""The parts of a policy. A span of time, such as `idle`, stands in their documents as `idle_seconds`."""
_NETWORKS: Final = ("allowed_networks", "never_blocked")


def _written(part: Any) -> dict[str, Any]:
    values = ((each.name, getattr(part, each.name)) for each in fields(part))
    return dict(
        (f"{name}_seconds", int(value.total_seconds())) if isinstance(value, timedelta) else (name, value)
        for name, value in values
    )


def _read(kind: Any, document: StrictModel) -> Any:
    values = document.model_dump().items()
    return kind(
        **dict(
            (name.removesuffix("_seconds"), timedelta(seconds=value)) if name.endswith("_seconds") else (name, value)
            for name, value in values
        )
    )


def policy_faults(document: PolicyDocument) -> list[Fault]:
    """What is wrong between the values; each alone is within its bounds."""
    faults = []
    if document.sessions.idle_seconds > document.sessions.absolute_seconds:
        message = "A session cannot be idle for longer than it lasts at all."
        faults.append(Fault(pointer="/sessions/idle_seconds", code="beyond-absolute", message=message))
    if document.lockout.failures_per_name < document.lockout.failures:
        message = "The bound over all addresses cannot be lower than the one of a single address."
        faults.append(Fault(pointer="/lockout/failures_per_name", code="below-failures", message=message))
    if document.lockout.wide_window_seconds < document.lockout.window_seconds:
        message = "The wide window cannot be shorter than the other."
        faults.append(Fault(pointer="/lockout/wide_window_seconds", code="below-window", message=message))
    return faults
