"""What groups of settings are made of: the base, and types of values that stand in one variable."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Self, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Value = TypeVar("Value")
Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]


def _by_commas(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


ByCommas: TypeAlias = Annotated[Value, NoDecode, BeforeValidator(_by_commas)]
"""Several values in one variable."""


class Group(BaseSettings):
    """Settings whose variables begin alike."""

    # A variable that is set to nothing counts as absent: compose files pass on what may not be there.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True)


class EndpointGroup(Group):
    """A service that is called at an address with a key; off without the address."""

    url: str | None = Field(None, description="Base URL; nothing is called when absent.")
    api_key: SecretStr | None = Field(None, description="Sent with each call; none when absent.")
    timeout_seconds: float = Field(20.0, gt=0, le=120, description="For one whole answer; nothing is asked twice.")
    allow_http: bool = Field(default=False, description="Whether the endpoint may speak plain HTTP.")
    allowed_networks: ByCommas[Networks] = Field((), description="Where the endpoint may be although not public.")

    @model_validator(mode="after")
    def _callable(self) -> Self:
        prefix = self.model_config.get("env_prefix", "")
        if self.url is None:
            return self
        schemes = ("https://", "http://") if self.allow_http else ("https://",)
        if not self.url.startswith(schemes) or any(mark in self.url for mark in "?#@"):
            raise ValueError(f"{prefix}URL must be an https URL without login and query")
        key = self.api_key.get_secret_value() if self.api_key is not None else "-"
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError(f"{prefix}API_KEY must be of printable ASCII characters without spaces")
        return self


def groups(base: type[Group] = Group) -> Iterator[type[Group]]:
    """Every group there is."""
    for kind in base.__subclasses__():
        yield kind
        yield from groups(kind)
