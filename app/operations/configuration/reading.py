"""What a stored decision comes to: secrets are opened, and values that fit their keys no more are not in force."""

from dataclasses import dataclass
from typing import Any

from app.kernel.runtime.configuration import ConfigKey
from app.kernel.security.at_rest import SecretBox, UnreadableSecretError
from app.kernel.security.secrets import ServiceSecret
from app.operations.configuration.models import ConfigurationVersion
from app.operations.configuration.rules import ConfigKeys, normal


@dataclass(frozen=True, slots=True)
class Decided:
    """What a stored decision comes to: a value, the default, or a reason why it is not in force."""

    value: Any = None
    is_default: bool = True
    fault: str | None = None


class DecisionReader:
    """Makes values of stored decisions."""

    def __init__(self, keys: ConfigKeys, secret: ServiceSecret) -> None:
        self._keys = keys
        self._box = SecretBox(secret)

    def read(self, key: ConfigKey[Any], row: ConfigurationVersion | None) -> Decided:
        """The value, or why there is none; what nobody has decided is the default."""
        if row is None or row.is_default:
            return Decided()
        try:
            value = row.value if row.sealed is None else self._box.open(row.sealed)
        except UnreadableSecretError:
            return Decided(fault="It was encrypted with another service secret; the default is in force.")
        if not self._keys.fits(key, value):
            return Decided(fault="It does not fit the key's schema any more; the default is in force.")
        return Decided(normal(key.schema, value), is_default=False)

    def seal(self, value: str) -> str:
        """The secret as it is stored."""
        return self._box.seal(value)
